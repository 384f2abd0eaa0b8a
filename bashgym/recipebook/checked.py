"""Whether a recipe would run, asked all the way down without running it: every fault, not only the first."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from bashgym import bounds, compositions, recipe
from bashgym.choices import Choice
from bashgym.config import explain
from bashgym.errors import BashGymError
from bashgym.kinds import KINDS
from bashgym.packs.kept import Pack
from bashgym.records import Finding
from bashgym.settings import Settings


class Checked(NamedTuple):
    """What was found, and how much was looked at."""

    findings: list[Finding]
    choices: list[Choice]

    @property
    def good(self) -> bool:
        return all(finding.level != "error" for finding in self.findings)


def check(argv: Sequence[str]) -> Checked:
    """Raises RecipeError only where the recipe cannot be put together at all (no such recipe, not YAML)."""
    made = recipe.composition(argv)
    findings: list[Finding] = []
    choices: list[Choice] = []
    notices: list[str] = []
    for kind in KINDS:
        try:
            choices += recipe.chosen(kind, made.values.get(kind) or {}, made.defaults, made.overrides, notices)
        except BashGymError as error:
            findings.append(fault(error))
    findings += settings_faults({key: value for key, value in made.values.items() if key not in KINDS})
    built = {}
    for choice in choices:
        try:
            built[choice.key] = choice.build()
        except BashGymError as error:
            findings.append(fault(error))
    if not findings and (packs := bounds.packs_in(made)):
        findings += of_packs(made, packs, choices, notices)
    findings += pairs(choices, built)
    findings += places(choices, built)
    findings += [Finding(level="warning", message=notice) for notice in notices]
    return Checked(findings, choices)


def fault(error: Exception) -> Finding:
    return Finding(level="error", message=str(error))


def settings_faults(values: dict[str, Any]) -> Iterator[Finding]:
    """All that is wrong with what the recipe says beside its plugins."""
    model: type[BaseModel] = Settings
    try:
        model.model_validate(values)
    except ValidationError as error:
        yield from (Finding(level="error", message=line) for line in explain(model, error, ""))


def of_packs(
    made: compositions.Composition, packs: list[Pack], choices: list[Choice], notices: list[str]
) -> Iterator[Finding]:
    """What packs say that they may not."""
    settings = Settings.model_validate({key: value for key, value in made.values.items() if key not in KINDS})
    try:
        notices += bounds.check_files(made, packs)
    except BashGymError as error:
        yield fault(error)
        return
    for line in bounds.faults(made, list(recipe.layers(made)), choices, settings):
        yield Finding(level="error", message=line)


def pairs(choices: list[Choice], built: dict[str, Any]) -> Iterator[Finding]:
    """Choices that are right alone and wrong together."""
    chosen = {choice.kind: choice.label for choice in choices}
    shape, training = built.get("format"), built.get("training")
    if shape is not None and training is not None and shape.schema != training.schema:
        yield Finding(
            level="error",
            message=f"training={chosen['training']} needs rows of schema '{training.schema}', and "
            f"format={chosen['format']} makes '{shape.schema}'; choose another format= or training=",
        )


def places(choices: list[Choice], built: dict[str, Any]) -> Iterator[Finding]:
    """Whether the sources are where the recipe says, with at least one session in them."""
    for choice in choices:
        if choice.kind != "source" or choice.key not in built:
            continue
        try:
            first = next(iter(built[choice.key].list()), None)
        except BashGymError as error:
            yield fault(error)
            continue
        if first is None:
            yield Finding(level="warning", message=f"{choice.key}: no sessions there; a run would find nothing to read")
