"""Where on its way a session was left out, and why; or that it was not."""

from collections.abc import Iterator
from typing import Any

from bashgym import registry
from bashgym.capture import stored
from bashgym.errors import BashGymError, InputError
from bashgym.lineage import kept
from bashgym.lineage.kept import RunFolder
from bashgym.lock.file import LockedSession, LockedTrace
from bashgym.lock.noted import head
from bashgym.reading import excluded
from bashgym.records import SessionRef, SessionSummary, TraceSummary
from bashgym.stages import ledger

SHORT = 8  # characters of an id that may stand for it
SHOWN = 3


def why_not(word: str, named: str | None) -> dict[str, Any]:
    """What became of a session in a run (by default the newest): `found` has one entry for each of its traces.

    `word` is the session's id, its name in the dataset, or the beginning of either. Raises InputError for a word that
    several sessions begin with, or none."""
    run = next(kept.runs(named))
    session = meant(word, run)
    if session is not None:
        found = list(of_session(run, session))
        return {"session": session.session, "run": str(run.folder), "found": found}
    stage, reason = outside(word, run)
    return {"session": word, "run": str(run.folder), "found": [told(word, stage, reason)]}


def told(name: str, stage: str, reason: str, rows: int = 0, more: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"trace": name, "stage": stage, "reason": reason, "rows": rows, "more": list(more)}


def meant(word: str, run: RunFolder) -> LockedSession | None:
    """The session of the run that is meant; the ledger knows ids as their sources have them."""
    ids = {entry.id for entry in ledger.entries() if fits(entry.id, word)}
    digests = {excluded.digest(name) for name in ids | {word}}
    exact = [one for one in run.sessions if one.id_sha256 == excluded.digest(word) or word in names(one)]
    found = exact or [
        one for one in run.sessions if one.id_sha256 in digests or any(fits(name, word) for name in names(one))
    ]
    if len({one.session for one in found}) > 1:
        some = ", ".join(sorted({one.session for one in found})[:SHOWN])
        raise InputError(f"{word}: {len(found)} sessions begin so, such as {some}; write more of the id")
    return found[0] if found else None


def names(session: LockedSession) -> set[str]:
    return {session.session, *(trace.name for trace in session.traces)}


def fits(name: str, word: str) -> bool:
    return name == word or (len(word) >= SHORT and name.startswith(word))


def of_session(run: RunFolder, session: LockedSession) -> Iterator[dict[str, Any]]:
    """One entry a trace; a session without one is told too."""
    summary = head(stored.store(), session.result) if stored.store().has(session.result) else None
    if not session.traces:
        yield told(session.session, "source", f"no conversation in it{counted(summary)}")
    for trace in session.traces:
        known = next((one for one in summary.traces if one.session == trace.name), None) if summary else None
        empty = known is not None and not known.messages and not trace.split
        if empty and summary and summary.malformed:
            yield told(trace.name, "source", f"no conversation in it{counted(summary)}")
        else:
            yield of_trace(run, session, trace, known)


def counted(summary: SessionSummary | None) -> str:
    if summary is None:
        return ""
    return f": {summary.lines} lines, of which {summary.malformed} are malformed and {summary.events} no message"


def of_trace(run: RunFolder, session: LockedSession, trace: LockedTrace, known: TraceSummary | None) -> dict[str, Any]:
    drops = tuple(f"{n} x {reason}" for reason, n in (known.dropped if known else {}).items())
    if trace.rows:
        return told(trace.name, "kept", f"it is in the dataset: {trace.split}", trace.rows, drops)
    if trace.split:
        return told(
            trace.name, "format", "; ".join(of_format(run, session, trace, known)) or "no row came of it", 0, drops
        )
    if trace.dropped.startswith("class "):
        classes = ", ".join(run.lock["settings"]["dataset"]["classes"])
        return told(trace.name, "judge", f"{trace.dropped}; dataset.classes takes {classes}", 0, tuple(verdicts(known)))
    return told(trace.name, "curate", trace.dropped or "the run did not come so far", 0, drops)


def verdicts(known: TraceSummary | None) -> Iterator[str]:
    for one in known.verdicts if known else ():
        score = "abstained" if one.score is None else f"score {one.score:.2f}{'' if one.verified else ', unverified'}"
        yield f"{one.judge}: {score}{f': {one.reason}' if one.reason else ''}"


def of_format(run: RunFolder, session: LockedSession, trace: LockedTrace, known: TraceSummary | None) -> Iterator[str]:
    """What its rows lacked; where its replies are copies, whose."""
    yield from (f"{n} x {reason}" for reason, n in session.drops.items())
    if trace.copied and known:
        yield f"{trace.copied} of its {len(known.replies)} replies are also in {', '.join(owners(run, known))}"


def owners(run: RunFolder, trace: TraceSummary) -> list[str]:
    """Other traces of the dataset that hold the same replies."""
    replies, store = set(trace.replies), stored.store()
    in_dataset = {one.name for session in run.sessions for one in session.traces if one.rows}
    summaries = (head(store, session.result) for session in run.sessions if store.has(session.result))
    return [
        one.session
        for summary in summaries
        for one in summary.traces
        if one.session in in_dataset - {trace.session} and not replies.isdisjoint(one.replies)
    ][:SHOWN]


def outside(word: str, run: RunFolder) -> tuple[str, str]:
    """Why a run never saw a session: stage and reason. Raises InputError where nothing here knows it."""
    rules = excluded.load()
    known = {entry.id for entry in ledger.entries() if fits(entry.id, word)}
    if any(map(rules.forgotten, {word} | known)):
        return "source", excluded.FORGOTTEN
    reasons: list[str] = []
    for label, ref in everything(run, reasons):
        if fits(ref.id, word):
            if rules.forgotten(ref.id):
                return "source", excluded.FORGOTTEN
            folder = next((folder for folder in ref.folders if rules.covers(folder)), None)
            if folder:
                return "source", f"{excluded.EXCLUDED}: it worked in {folder}"
            if not ref.sha256:
                return "source", f"source.{label} cannot read it"
            return "source", f"source.{label} has it now, and did not when the run was made; run the recipe again"
    if known:
        return "source", "it was read by an earlier run; no source of this one lists it (now)"
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise InputError(f"{word}: no session of that id in {run.folder}, nor in its sources{why}")


def everything(run: RunFolder, reasons: list[str]) -> Iterator[tuple[str, SessionRef]]:
    """Every session of the run's sources as they are now, left out or not."""
    for label, entry in run.lock.get("plugins", {}).get("source", {}).items():
        try:
            source = registry.build(registry.find("source", entry["plugin"]), entry["config"], f"source.{label}")
            with excluded.suspended():
                refs = list(source.list())
        except BashGymError as error:
            reasons.append(str(error))
            continue
        yield from ((label, ref) for ref in refs)
