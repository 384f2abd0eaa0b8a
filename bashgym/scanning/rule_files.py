"""Rules of a team: `conf/sanitizer/rules/NAME.yaml` in the project's folder or a pack, found as recipes are.

A file is checked before the engine sees it: whoever writes a rule that can never match, or one without a value, is told
in one line which file, which rule and what is wrong with it."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bashgym import paths, places
from bashgym.errors import RecipeError
from bashgym.scanning.rules import RuleScanner

FOLDER = Path("sanitizer") / "rules"
OURS = "bashgym."
ID = r"[a-z0-9-]+(?:\.[a-z][a-z0-9_-]*){2}"  # team, type of the pseudonym, name


class Rule(BaseModel):
    """One rule in kingfisher's format: what is found is the first group of `pattern`, or all of it."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    name: str = Field(min_length=3)
    """What it finds, in words."""
    id: str = Field(pattern=f"^{ID}$")
    """Its name in counts and reports: `kestrel.token.deploy`; `bashgym.` is for the rules that ship."""
    pattern: str = Field(min_length=4)
    """A regular expression of Vectorscan's dialect: no look-around, no back reference, every repeat bounded."""
    min_entropy: float = -1
    """Bits per character below which a match is none; -1: any."""
    confidence: Literal["low", "medium", "high"] = "low"
    """How sure a match is."""
    examples: list[str] = Field(min_length=1)
    """Texts that the rule has to find something in: they are tried when the rule is loaded."""

    @field_validator("id")
    @classmethod
    def not_ours(cls, value: str) -> str:
        if value.startswith(OURS):
            raise ValueError(f"{value}: {OURS}* are the rules that ship; begin with the name of your team")
        return value


class RuleFile(BaseModel):
    """A file of rules."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    rules: list[Rule] = Field(min_length=1)
    """The rules."""


def named(name: str) -> Path:
    """The file of rules of this name: the project's, a pack's, a package's, a shipped one. Raises RecipeError."""
    folders = [root.part("conf") / FOLDER for root in places.roots()]
    found = next((folder / f"{name}.yaml" for folder in folders if (folder / f"{name}.yaml").is_file()), None)
    if found is None:
        known = ", ".join(sorted({path.stem for folder in folders for path in folder.glob("*.yaml")}))
        raise RecipeError(
            f"sanitizer.secrets.rules: there is no conf/{FOLDER}/{name}.yaml in this folder or a pack; "
            f"there are: {known}"
        )
    return found


def types(path: Path) -> dict[str, str]:
    """Rule -> type of its pseudonyms (`kestrel.token.deploy` -> TOKEN) of a team's file; nothing of a shipped one."""
    if path.is_relative_to(paths.shipped("conf")):
        return {}
    return {rule.id: rule.id.split(".")[1].upper().replace("-", "_") for rule in checked(path).rules}


def checked(path: Path) -> RuleFile:
    """The rules of a file. Raises RecipeError with one line that says which rule is wrong, and how."""
    import yaml

    from bashgym import yamls

    try:
        content: Any = yamls.load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        raise RecipeError(f"{path}: cannot be read as YAML{f' in line {mark.line + 1}' if mark else ''}") from None
    try:
        return RuleFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise RecipeError(f"{path}: {place}: {first['msg']}{more}; conf/{FOLDER}/secrets.yaml shows the form") from None


def prove(path: Path, scanner: RuleScanner) -> None:
    """Raises RecipeError where a rule of the file finds nothing in one of its own examples."""
    for rule in checked(path).rules:
        for number, example in enumerate(rule.examples, 1):
            if rule.id not in {match.rule for match in scanner.find([example])}:
                raise RecipeError(f"{path}: rule {rule.id} finds nothing in its example {number}; mend its pattern")
