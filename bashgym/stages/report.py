"""A run's manifest, metrics and lock in; report.html, one page that fetches nothing and runs nothing, out."""

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import escape

from bashgym import jsonl
from bashgym.records import Evidence
from bashgym.report import chart, privacy
from bashgym.report.figures import count, evidence_of, finite, loss, seconds, size, words
from bashgym.report.flow import Content, absent, part, stage_view
from bashgym.report.outcome import metrics, outcome
from bashgym.report.scores import score_bars, score_groups
from bashgym.stages.context import Run
from bashgym.stages.train import metrics as training_metrics

TEMPLATE = "report.html.j2"
STATES = ("running", "failed", "dataset written", "finished")
CLASSES = ("gold", "silver", "unverified", "failed")
SPLITS = ("train", "validation", "test")
HASH = re.compile(r"[0-9a-f]{32,128}")
LAYOUT = "\n\t\N{NO-BREAK SPACE}"
LONGEST = 2000  # characters of one value; a session can hold a megabyte where a name is expected


def run_report(run: Run) -> Path:
    """Writes the run's `report.html`, with the home folder shown as `~`, and returns its path."""
    lock = run.folder / "recipe.lock.yaml"
    lock_text = lock.read_text(encoding="utf-8") if lock.exists() else ""
    lock_text = lock_text.partition("\nsessions:")[0]  # their list stays in the lock file, where `forget` finds it
    home = str(Path.home())
    page = render(homeless(run.manifest.content, home), training_metrics(run.folder), homeless(lock_text, home))
    path = run.folder / "report.html"
    jsonl.replace(path, page.encode())
    return path


def homeless(value: Any, home: str) -> Any:
    """`value` with the home folder, which holds the user's name, written as `~`: the page is made to be shown."""
    if isinstance(value, str):
        return re.sub(rf"(?<![\w/.~-]){re.escape(home)}(?![\w.-])", "~", value) if len(home) > 1 else value
    if isinstance(value, dict):
        return {homeless(key, home): homeless(one, home) for key, one in value.items()}
    return [homeless(one, home) for one in value] if isinstance(value, list) else value


def render(content: dict[str, Any], curves: list[dict[str, Any]], lock_text: str) -> str:
    """The page: the same input gives the same bytes. Nothing in `content` is trusted, and any of it may be missing."""
    return environment().get_template(TEMPLATE).render(view(content, curves, lock_text))


@lru_cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=plain,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": count, "seconds": seconds, "words": words, "loss": loss}
    return made


def plain(value: Any) -> Any:
    """What the page may hold: `missing` for None; no control or direction characters, no endless text."""
    if value is None:
        return "missing"
    if type(value) is not str:
        return value
    cut = value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value) - LONGEST:,} more characters)"
    return legible(cut)


def legible(text: str) -> str:
    return "".join(char if char.isprintable() or char in LAYOUT else "\N{REPLACEMENT CHARACTER}" for char in text)


def view(content: Content, curves: list[dict[str, Any]], lock_text: str) -> dict[str, Any]:
    """Everything the template shows, computed."""
    stages: list[Content] = part(content, "stages", list)
    evidence = {str(stage.get("name")): evidence_of(stage.get("evidence")) for stage in stages}
    model, dataset = part(content, "model", dict), part(content, "dataset", dict)
    result = outcome({**content, "stages": stages, "scores": part(content, "scores", list)})
    return {
        "recipe": content.get("recipe"),
        "run": content.get("run"),
        "description": content.get("description"),
        "state": content.get("state") if content.get("state") in STATES else "missing",
        "times": times(content),
        "outcome": result,
        "bars": score_bars(result),
        "tiles": tiles(content, evidence),
        "stages": [stage_view(stage) for stage in stages] + absent(content, stages),
        "facts": session_facts(part(content, "sessions", dict)),
        "source_evidence": evidence.get("source", "missing"),
        "verdicts": shares(part(content, "verdicts", dict), CLASSES),
        "verdict_evidence": evidence.get("judge", "missing"),
        "rows": shares(part(dataset, "rows", dict), SPLITS),
        "rows_evidence": evidence.get("format", "missing"),
        "dataset_sha256": dataset.get("sha256"),
        "redactions": privacy.bars(content.get("redactions")),
        "rules": privacy.bars(part(content, "sanitization", dict).get("by_rule"), privacy.FEW),
        "fields": privacy.bars(part(content, "sanitization", dict).get("by_field"), privacy.FEW),
        "gate": privacy.gate(content),
        "gate_evidence": evidence.get("gate", "missing"),
        "redaction_evidence": evidence.get("sanitize", "missing"),
        "training": training_view(content, curves),
        "benchmarks": score_groups(metrics(part(content, "scores", list))),
        "model": [pair(key, model.get(key)) for key in ("name", "version", "path")],
        "lineage": [pair(str(key), value) for key, value in part(model, "lineage", dict).items()],
        "command": command(content),
        "lock_sha256": content.get("lock_sha256"),
        "bashgym": content.get("bashgym"),
        "lock": escape(legible(lock_text)),  # whole: `plain` would cut it
    }


def times(content: Content) -> dict[str, Any]:
    started, finished = moment(content.get("started")), moment(content.get("finished"))
    return {
        "started": f"{started:%Y-%m-%d %H:%M} UTC" if started else None,
        "lasted": (finished - started).total_seconds() if started and finished else None,
    }


def moment(text: Any) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def tiles(content: Content, evidence: Mapping[str, Evidence]) -> list[tuple[str, str | None, str, Evidence]]:
    """(name, figure, more, evidence) of what a reader asks first."""
    training = part(content, "training", dict)
    source: Content = next((stage for stage in part(content, "stages", list) if stage.get("name") == "source"), {})
    redactions = content.get("redactions")
    rows = part(part(content, "dataset", dict), "rows", dict)
    steps = finite(training.get("steps"))
    return [
        tile("sessions read", finite(source.get("in")), size_of(content), evidence.get("source", "missing")),
        tile("values redacted", total(redactions), kinds_of(redactions), evidence.get("sanitize", "missing")),
        tile(
            "dataset rows", total(rows) if rows else None, f"in {len(rows)} splits", evidence.get("format", "missing")
        ),
        tile("training steps", steps, took(training), evidence_of(training.get("evidence"))),
    ]


def tile(name: str, value: float | None, more: str, evidence: Evidence) -> tuple[str, str | None, str, Evidence]:
    return (name, count(value), more, evidence) if value is not None else (name, None, "", "missing")


def total(counts: Any) -> float | None:
    return sum(finite(value) or 0 for value in counts.values()) if isinstance(counts, dict) else None


def kinds_of(counts: Any) -> str:
    return f"of {len(counts)} {'type' if len(counts) == 1 else 'types'}" if isinstance(counts, dict) else ""


def size_of(content: Content) -> str:
    sessions = part(content, "sessions", dict)
    return size(finite(sessions["bytes"])) if "bytes" in sessions else ""


def took(training: Content) -> str:
    lasted = finite(training.get("seconds"))
    return "" if lasted is None else f"in {seconds(lasted)}"


def session_facts(sessions: Content) -> list[tuple[str, str]]:
    facts = [("size", size(finite(sessions["bytes"])))] if "bytes" in sessions else []
    for key, name in (
        ("lines", "lines"),
        ("malformed", "malformed lines, kept aside"),
        ("events", "other events"),
        ("reused", "sessions reused from an earlier run"),
    ):
        if key in sessions:
            facts.append((name, count(finite(sessions[key])) or "missing"))
    tokens = part(sessions, "tokens", dict)
    return facts + [(words(str(key)), count(finite(n)) or "missing") for key, n in tokens.items() if n]


def shares(counts: Content, order: Sequence[str]) -> list[dict[str, Any]]:
    """Counts with their share of the whole, the known names first, `place` picking the colour."""
    names = [name for name in order if name in counts] + sorted(name for name in map(str, counts) if name not in order)
    whole = total(dict(counts)) or 0
    return [
        {
            "name": name,
            "n": finite(counts.get(name)),
            "share": 100 * (finite(counts.get(name)) or 0) / whole if whole else 0,
            "colour": name if name in order else "other",
        }
        for name in names
    ]


def training_view(content: Content, curves: list[dict[str, Any]]) -> dict[str, Any]:
    training = part(content, "training", dict)
    train, held_out = chart.series(curves, "log", "loss"), chart.series(curves, "eval", "eval_loss")
    rate = chart.series(curves, "log", "lr", "learning_rate")
    return {
        "known": bool(training),
        "steps": finite(training.get("steps")),
        "first_loss": finite(training.get("first_loss")),
        "last_loss": finite(training.get("last_loss")),
        "seconds": finite(training.get("seconds")),
        "evidence": evidence_of(training.get("evidence")),
        "chart": chart.draw([("training loss", train), ("validation loss", held_out)]),
        "rate": chart.draw([("learning rate", rate)], from_zero=True),
        "unit": chart.UNITS,
    }


def pair(key: str, value: Any) -> dict[str, Any]:
    return {
        "key": words(key),
        "value": None if value in (None, "") else str(value),
        "hash": bool(HASH.fullmatch(str(value))),
    }


def command(content: Content) -> str | None:
    """What to type to run the same recipe again."""
    if not content.get("recipe"):
        return None
    overrides = content.get("overrides")
    typed = [str(one) for one in overrides] if isinstance(overrides, list) else []
    return shlex.join(["bashgym", "run", f"recipe={content['recipe']}", *typed])
