"""One row, stage by stage, back to the lines of the session it came from. Nothing is written."""

from typing import Any

from bashgym.capture import stored
from bashgym.errors import InputError
from bashgym.gate import report
from bashgym.lineage import kept, origin
from bashgym.lineage.kept import Row
from bashgym.lock.file import LockedSession
from bashgym.lock.noted import head
from bashgym.records import Example, SessionSummary, TraceSummary
from bashgym.stages.worker import stored_examples
from bashgym.trace import Trace

OPENING = 0  # the step of messages that no step of the session holds, such as the working directory


def lineage(row: Row) -> dict[str, Any]:
    """What every stage did to a row, the last first; under `messages` each message's step and lines.

    Raises InputError where the store or the lock file no longer tells."""
    name = stored.trace_of(row.data) or kept.row_id(row.data).rpartition("#")[0]
    session = kept.session_of(row.run, name)
    summary, number = of_store(session, name)
    trace, example = summary.traces[number], example_of(row, session)
    found = {
        "row": kept.row_id(row.data),
        "run": str(row.run.folder),
        "file": str(row.run.folder / "dataset" / f"{row.split}.jsonl"),
        "line": row.line,
        "gate": gate(row),
        "format": formatted(row, example),
        "synthesize": {"origin": example.origin},
        "curate": curated(row, session, name),
        "judge": judged(trace),
        "sanitize": {"replaced": summary.redactions, "places": sum(summary.redactions.values()), "of": "the session"},
    }
    return {**found, **read_again(row, session, number, example)}


def of_store(session: LockedSession, name: str) -> tuple[SessionSummary, int]:
    """What the store holds of a session, and which of its traces this is."""
    store = stored.store()
    if not store.has(session.result):
        raise InputError(f"{session.session}: the store no longer holds what was made of it; run its recipe again")
    summary = head(store, session.result)
    return summary, [trace.session for trace in summary.traces].index(name)


def example_of(row: Row, session: LockedSession) -> Example:
    """The example that a row was rendered from: the one whose id its own begins with."""
    name = kept.row_id(row.data)
    fitting = [
        one
        for one in stored_examples(stored.store(), session.result)
        if name == one.id or name.startswith((f"{one.id}.", f"{one.id}#", f"{one.id}-"))
    ]
    if not fitting:
        raise InputError(f"{name}: the store no longer holds the example it was made from; run its recipe again")
    return max(fitting, key=lambda one: len(one.id))


def gate(row: Row) -> dict[str, Any]:
    """The leak gate's word on the dataset, and whether it is still that dataset."""
    said = report.read(row.run.folder)
    if said is None:
        return {"passed": None}
    return {
        "passed": said.passed,
        "when": said.when,
        "unchanged": report.dataset_hash(row.run.folder / "dataset") == said.dataset,
    }


def formatted(row: Row, example: Example) -> dict[str, Any]:
    plugins = row.run.lock.get("plugins", {}).get("format", {})
    return {"format": next(iter(plugins), ""), "window": example.window, "messages": len(steps_of(row, example))}


def curated(row: Row, session: LockedSession, name: str) -> dict[str, Any]:
    """The split, and what the run's manifest says of how it was made."""
    trace = next(one for one in session.traces if one.name == name)
    stage: dict[str, Any] = next((one for one in row.run.manifest["stages"] if one["name"] == "curate"), {})
    return {"split": trace.split, "how": stage.get("how", []), "copied_replies": trace.copied, "rows": trace.rows}


def judged(trace: TraceSummary) -> dict[str, Any]:
    verdicts = [
        {"judge": one.judge, "score": one.score, "verified": one.verified, "reason": one.reason}
        for one in trace.verdicts
    ]
    return {"class": trace.label, "score": trace.score, "verdicts": verdicts}


def steps_of(row: Row, example: Example) -> list[int]:
    """The step of each message of a row, as far as its format says; else those of its example."""
    meta = row.data.get("meta")
    told = meta.get("steps") if isinstance(meta, dict) else None
    return list(told) if isinstance(told, list) and told else list(example.steps)


def read_again(row: Row, session: LockedSession, number: int, example: Example) -> dict[str, Any]:
    """The session as its source has it now, and the lines of every step of the row."""
    found = origin.origin(row.run, session)
    traces: list[Trace] = list(found.source.read(found.ref))
    if number >= len(traces):
        raise InputError(f"{session.session}: its files no longer hold the sub-agent that this row came from")
    trace = traces[number]
    steps = {step.step_id: step for step in trace.steps}
    used = [step for step in dict.fromkeys(steps_of(row, example)) if step != OPENING]
    messages = [
        {
            "step": step,
            "kind": steps[step].info.kind,
            "at": steps[step].timestamp,
            "places": [place._asdict() for place in origin.places(trace, steps[step])],
            "ids": steps[step].info.uuids,
        }
        for step in used
        if step in steps
    ]
    missing = origin.absent(place for step in used if step in steps for place in origin.places(trace, steps[step]))
    return {
        "source": {
            "source": session.source,
            "session": found.ref.id,
            "trace": trace.trajectory_id,
            "files": [found.ref.path, *found.ref.files],
            "sha256": found.ref.sha256,
            "changed": found.changed,
            "archived": found.archived,
        },
        "steps": messages,
        "lost": [*(f"step {step}" for step in used if step not in steps), *(place.path for place in missing)],
    }
