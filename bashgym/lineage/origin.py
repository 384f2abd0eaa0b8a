"""A session of a dataset found again at its source, or in the archive: its files, and the lines of its steps."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import paths, registry
from bashgym.errors import BashGymError, InputError, PluginError
from bashgym.history import agents
from bashgym.lineage.kept import RunFolder
from bashgym.lock.file import LockedSession
from bashgym.reading import excluded
from bashgym.reading.files import bare, opened
from bashgym.records import SessionRef
from bashgym.trace import ResultInfo, Step, Trace

LINES = (".jsonl", ".ndjson")


class Origin(NamedTuple):
    """A session as it is now: `changed` says that its bytes are not those the run read."""

    source: Any
    ref: SessionRef
    changed: bool
    archived: bool


class Place(NamedTuple):
    """Where a step stands: a file, and in it lines from 1 (`unit` is `line`), or records of a file that has none."""

    path: str
    unit: str
    numbers: tuple[int, ...]


def origin(run: RunFolder, session: LockedSession) -> Origin:
    """The session at the source it was read from, else in the agent's own history or its archive.

    Raises InputError where it is in neither any more."""
    reasons: list[str] = []
    for source in sources(run, session.source, reasons):
        found = sorted(refs(source, session.id_sha256, reasons), key=lambda ref: ref.sha256 != session.sha256)
        if found:
            archived = Path(found[0].path).is_relative_to(paths.archive())
            return Origin(source, found[0], found[0].sha256 != session.sha256, archived)
    why = f" ({'; '.join(dict.fromkeys(reasons))})" if reasons else ""
    raise InputError(f"{session.session}: neither its files are there any more nor a copy in the archive{why}")


def sources(run: RunFolder, label: str, reasons: list[str]) -> Iterator[Any]:
    """The source as the run had it; then what reads the same agent's own history, the archive included."""
    entry = run.lock.get("plugins", {}).get("source", {}).get(label, {})
    name = entry.get("plugin", label)
    try:
        yield registry.build(registry.find("source", name), entry.get("config", {}), f"source.{label}")
    except BashGymError as error:
        reasons.append(str(error))
    if entry.get("config", {}).get("path"):
        yield from (agent.source for agent in agents.agents() if agent.label == name)


def refs(source: Any, id_sha256: str, reasons: list[str]) -> list[SessionRef]:
    """The sessions of this id, excluded ones too."""
    try:
        with excluded.suspended():
            return [ref for ref in source.list() if excluded.digest(ref.id) == id_sha256]
    except (InputError, PluginError) as error:
        reasons.append(str(error))
        return []


def places(trace: Trace, step: Step) -> list[Place]:
    """The lines that a step came from, its results' included."""
    numbers = set(step.info.line_nos) | {info.line_no for info in answers(step) if info.line_no}
    if not numbers:  # words that came with the result of a call, in the one line of both
        own = set(step.info.uuids)
        found = (info for one in trace.steps for info in answers(one) if info.uuid in own)
        numbers = {info.line_no for info in found if info.line_no}
    files = trace.info.source.files
    if not files or not numbers:
        return []
    path = files[0].path
    unit = "line" if bare(Path(path)).suffix in LINES else "record"
    return [Place(path, unit, tuple(sorted(numbers)))]


def answers(step: Step) -> list[ResultInfo]:
    return [result.extra.bashgym for result in step.observation.results] if step.observation else []


def absent(found: Iterable[Place]) -> list[Place]:
    """Lines that are not in their files."""
    lengths: dict[str, int] = {}
    missing = []
    for place in found:
        if place.unit == "line":
            if place.path not in lengths:
                lengths[place.path] = length(Path(place.path))
            if any(not 1 <= number <= lengths[place.path] for number in place.numbers):
                missing.append(place)
    return missing


def length(path: Path) -> int:
    """Lines of a file, packed or not; 0 where it is gone."""
    try:
        with opened(path) as file:
            return sum(1 for _ in file)
    except OSError:
        return 0
