"""A plugin, its preset and its test, written from a first version that works."""

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

from bashgym import paths, registry, yamls
from bashgym.errors import BashGymError, did_you_mean
from bashgym.kinds import KINDS, LISTS

NAME = re.compile(r"[a-z][a-z0-9_]{1,39}")
TEMPLATES = Path(__file__).resolve().parent / "templates"
WHERE = {  # names that the tests use, and what gives them
    "InputError": "bashgym.errors",
    "ScanContext": "bashgym.kinds",
    "JudgeContext": "bashgym.kinds",
    **dict.fromkeys(
        ("SessionKey", "Example", "Dataset", "Model", "Job", "Subject", "ModelVersion", "Axis"), "bashgym.records"
    ),
    **dict.fromkeys(("Agent", "SourceInfo", "Step", "Trace", "TraceExtra", "TraceInfo"), "bashgym.trace"),
}
LAWS = """
def built(**values: object) -> Any:
    cls = plugins.load("{kind}", "{name}")
    return cls(cls.Config(**values))


def test_the_preset_is_the_plugins_settings():
    cls = plugins.load("{kind}", "{name}")
    values = yaml.safe_load((ROOT / "conf" / "{kind}" / "{name}.yaml").read_text())
    assert values.pop("plugin") == "{name}"
    assert set(values) == set(cls.Config.model_fields) == set(documentation(cls.Config))
    cls(cls.Config(**{{key: value for key, value in values.items() if "${{" not in str(value)}}))
"""


def write(kind: str, name: str, top: Path | None = None) -> Iterator[Path]:
    """The files that were written into the project. Raises BashGymError for a name that is taken or none."""
    check(kind, name)
    root = top or paths.project()
    files = contents(kind, name)
    for path in files:
        if (root / path).exists():
            raise BashGymError(f"{root / path}: is there already; give the plugin another name")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        yield root / path


def check(kind: str, name: str) -> None:
    if kind not in KINDS:
        raise BashGymError(f"plugins new: {kind}: no such kind{did_you_mean(kind, KINDS)}")
    if not NAME.fullmatch(name) or name in dir(builtins) or name in KINDS:
        raise BashGymError(f"plugins new: '{name}' is no name; write small letters, digits and _, such as my_{kind}")
    if any(path.stem == name for _, path in registry.candidates(kind)):
        raise BashGymError(f"plugins new: there is a {kind} '{name}' already; give another name")


def contents(kind: str, name: str) -> dict[str, str]:
    """Path in the project -> text."""
    text = (TEMPLATES / f"{kind}.txt").read_text(encoding="utf-8").replace("NAME", name)
    plugin, preset, test = re.split(r"^=== \w+\n", text, flags=re.M)[1:]
    if preset.strip() == "TRAINING":
        preset = of_training()
    line = (ast.get_docstring(ast.parse(plugin)) or "").split("\n")[0]
    package = f"# @package {kind}.{name}\n" if kind in LISTS else ""
    head = f"{package}# the plugin: {line[:1].lower()}{line[1:].rstrip('.')}\nplugin: {name}\n"
    return {
        f"plugins/{kind}/{name}.py": plugin,
        f"conf/{kind}/{name}.yaml": head + preset,
        f"tests/{kind}/test_{name}.py": tests(kind, name, test),
    }


def of_training() -> str:
    """The keys that all trainings have, with their comments as the shipped preset of the base has them, and ours."""
    base = yamls.load((paths.shipped("conf") / "bashgym_base.yaml").read_text(encoding="utf-8"))
    label = next(one["training"] for one in base["defaults"] if isinstance(one, dict) and "training" in one)
    lines = (paths.shipped("conf") / "training" / f"{label}.yaml").read_text(encoding="utf-8").split("\n")
    from bashgym.training.settings import TrainingConfig

    kept: list[str] = []
    above: list[str] = []
    keep = False
    for line in lines:
        key = re.match(r"(\w+):", line)
        if line.startswith("#"):
            above.append(line)
            continue
        if key:
            keep = key[1] in TrainingConfig.model_fields
            kept += above if keep else []
        above = []
        kept += [line] if keep and line else []
    return "\n".join([*kept, "# strength of the noise on the embeddings (NEFTune); 0: none", "noise: 0.0"]) + "\n"


def tests(kind: str, name: str, body: str) -> str:
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    modules: dict[str, list[str]] = {}
    for word in sorted(used & set(WHERE)):
        modules.setdefault(WHERE[word], []).append(word)
    imports = [f"from {module} import {', '.join(words)}" for module, words in sorted(modules.items())]
    ours = sorted(["from bashgym import registry as plugins", "from bashgym.config import documentation", *imports])
    needs = ["import pytest"]
    head = [
        f'"""The {kind} {name}."""',
        "",
        "from pathlib import Path",
        "from typing import Any",
        "",
        *needs,
        "import yaml",
    ]
    fixture = (
        "ROOT = Path(__file__).resolve().parents[2]\n\n\n"
        "@pytest.fixture(autouse=True)\n"
        "def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:\n"
        '    monkeypatch.chdir(ROOT)\n    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "home"))\n\n'
    )
    laws = LAWS.format(kind=kind, name=name)
    return "\n".join([*head, "", *ours, "", fixture + laws.rstrip("\n"), "", "", body])
