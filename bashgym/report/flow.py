"""The stages of a run as its page tells them: what went in, what came out, what was left out, what was not reached."""

from collections.abc import Mapping, Sequence
from typing import Any

from bashgym.report.figures import count, evidence_of, finite, words

Content = Mapping[str, Any]

STAGES = ("source", "sanitize", "judge", "curate", "format", "training", "benchmark", "register")  # of every full run
DATA = STAGES[:5]  # where sessions and rows can be left out
COUNTED = {  # stage -> what goes in, what comes out
    "source": ("sessions", "traces"),
    "sanitize": ("traces", "traces"),
    "judge": ("traces", "traces"),
    "synthesize": ("traces", "examples"),
    "curate": ("traces", "traces"),
    "format": ("examples", "rows"),
    "gate": ("rows", "rows"),
    "model": ("training rows", "starting model"),
    "training": ("training rows", "trained model"),
    "benchmark": ("test rows", "answers scored"),
    "register": ("model", "version"),
}
# of a stage, elsewhere on the page
SHOWN = {"name", "in", "out", "unit", "dropped", "seconds", "evidence", "classes", "rows"}


def part(content: Content, key: str, kind: type) -> Any:
    """A part of the manifest, empty where it is missing or no such thing; a list's entries are mappings."""
    value = content.get(key)
    found: Any = value if isinstance(value, kind) else kind()
    return [one for one in found if isinstance(one, dict)] if kind is list else found


def stage_view(stage: Content) -> dict[str, Any]:
    """A stage of the flow; `kept` is a share, where the same things go in and come out."""
    name = str(stage.get("name") or "missing")
    units = COUNTED.get(name.partition(" ")[0], ("", ""))
    taken, given = finite(stage.get("in")), finite(stage.get("out"))
    comparable = units[0] == units[1] != "" and taken and given is not None and given <= taken
    dropped = part(stage, "dropped", dict)
    return {
        "name": name,
        "in": counted(taken, units[0]),
        "out": counted(given, units[1]),
        "counts": taken is not None or given is not None,
        "kept": 100 * given / taken if comparable and taken and given is not None else None,
        "dropped": sorted(
            ((str(reason), finite(n)) for reason, n in dropped.items()), key=lambda one: (-(one[1] or 0), one[0])
        ),
        "seconds": finite(stage.get("seconds")),
        "evidence": evidence_of(stage.get("evidence")),
        "notes": [f"{words(str(key))}: {brief(value)}" for key, value in stage.items() if key not in SHOWN],
        "data": name in DATA,
        "done": True,
    }


def counted(value: float | None, unit: str) -> tuple[str | None, str]:
    return count(value), unit.removesuffix("s") if value == 1 else unit


def absent(content: Content, stages: Sequence[Content]) -> list[dict[str, Any]]:
    """The stages that a run which did not finish never came to, or was told to stop before."""
    if content.get("state") == "finished":
        return []
    told = content.get("state") == "dataset written"
    why = "not done: the run was to end with its dataset" if told else "missing: the run did not come this far"
    done = {str(stage.get("name")).partition(" ")[0] for stage in stages}
    return [
        {
            "name": name,
            "why": why,
            "evidence": "missing",
            "done": False,
            "counts": False,
            "kept": None,
            "dropped": [],
            "notes": [],
        }
        for name in STAGES
        if name not in done
    ]


def brief(value: Any) -> str:
    """A detail of a stage in a few words."""
    if isinstance(value, dict):
        return ", ".join(f"{brief(one)} {words(str(key))}" for key, one in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(map(brief, value)) or "none"
    number = finite(value)
    return str(value) if number is None else (count(number) or "")
