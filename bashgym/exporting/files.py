"""Sessions written as ATIF documents, as a file of spans, or both; each is read and sanitized once."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bashgym import jsonl, pseudonyms, registry, scan
from bashgym.atif import writing
from bashgym.display import Terminal
from bashgym.errors import InputError, PrivacyError
from bashgym.exporting import otlp
from bashgym.gate.sweep import Sweep, clean_value
from bashgym.history import listed, reports
from bashgym.history.printed import many
from bashgym.history.reading import over_processes
from bashgym.reading import images
from bashgym.records import SessionRef
from bashgym.registry import Plugin
from bashgym.show import as_json
from bashgym.trace import Trace, from_builtins, to_builtins

LINES = ".jsonl"
PRIVATE = "raw: what is written holds the text as it was, secrets included; do not share it"


class Chosen(NamedTuple):
    """A session to be exported: what reads it, with which settings."""

    plugin: Plugin
    config: dict[str, Any]
    ref: SessionRef


class Task(NamedTuple):
    """One session, and what is wanted of it; `folder` is where its ATIF document goes, None where a line is wanted."""

    chosen: Chosen
    raw: bool
    folder: str | None
    name: str
    atif: bool
    spans: bool


class Made(NamedTuple):
    """What came of a session: its lines, how many values were replaced, images it refers to, or why it has none."""

    document: bytes = b""
    spans: bytes = b""
    redactions: int = 0
    images: int = 0
    fault: str = ""


class Report(NamedTuple):
    """What was written. All counts are measured."""

    sessions: int
    redactions: int
    images: int
    faults: list[str]
    raw: bool


def wanted(options: listed.Wanted, name: str | None, path: str | None, screen: Terminal) -> list[Chosen]:
    """The sessions that fit, newest first; with `path`, those that the source finds there.

    Raises InputError when there are none."""
    if path is not None:
        return at_path(options, name, path)
    found, _ = listed.sessions(options, screen)
    if name:
        found = [listed.by_id(name, found)[0]]
    if not found:
        raise InputError("traces export: no session fits; `bashgym traces list` shows what there is")
    return [Chosen(one.agent.plugin, {}, one.ref) for one in found]


def at_path(options: listed.Wanted, name: str | None, path: str) -> list[Chosen]:
    """Sessions that are not an agent's own history. Raises InputError when there are none."""
    if any((options.repo, options.since, options.until, options.verdict)):
        raise InputError("traces export --path: exports all there is, or the one session named; leave out the filters")
    plugin = registry.find("source", options.source or "claude_code")
    config = {"path": path}
    refs = list(registry.build(plugin, config, f"source.{plugin.name}").list())
    refs = [ref for ref in refs if name is None or ref.id.startswith(name)]
    if not refs:
        raise InputError(f"traces export --path {path}: no session there{f' begins with {name}' if name else ''}")
    return [Chosen(plugin, config, ref) for ref in refs]


def export(chosen: Sequence[Chosen], atif: Path | None, spans: Path | None, raw: bool, screen: Terminal) -> Report:
    """Writes the sessions: `atif` is a folder, one document (.json) or one a line (.jsonl); `spans` one line each.

    Every file is for this user only, and appears whole or not at all. Raises PrivacyError when a session cannot be
    sanitized; what was written before it is clean."""
    if atif is not None and atif.suffix == ".json" and len(chosen) > 1:
        raise InputError(f"--atif {atif}: one document for {len(chosen)} sessions; name a folder, or a file in .jsonl")
    folder = atif if atif is not None and atif.suffix not in (".json", LINES) else None
    if folder is not None:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"--atif {folder}: is a file; name a folder, or end the name in .json or .jsonl")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = reports.unique([reports.stem(one.ref.id) for one in chosen])
    place = str(folder) if folder else None
    tasks = [
        Task(one, raw, place, name, atif is not None, spans is not None)
        for one, name in zip(chosen, names, strict=True)
    ]
    size = sum(one.ref.size for one in chosen)
    done = screen.progress("exporting", over_processes(make, tasks, size), len(tasks))
    return written(done, atif if folder is None else None, spans, tasks, raw)


def written(done: Iterator[Made], atif: Path | None, spans: Path | None, tasks: Sequence[Task], raw: bool) -> Report:
    sessions, redactions, shown, faults = 0, 0, 0, []
    with ExitStack() as stack:
        documents = stack.enter_context(jsonl.replacing(atif)) if atif else None
        lines = stack.enter_context(jsonl.replacing(spans)) if spans else None
        for task, made in zip(tasks, done, strict=True):
            if made.fault:
                faults.append(made.fault)
                continue
            sessions, redactions, shown = sessions + 1, redactions + made.redactions, shown + made.images
            if documents is not None:
                documents.write(made.document + b"\n")
            if lines is not None:
                lines.write(made.spans + b"\n")
            if raw and atif:
                for trace in read(task.chosen):
                    images.write(task.chosen.ref, trace, atif.parent)
        if not sessions:
            raise InputError(f"traces export: nothing could be read: {faults[0]}")
    return Report(sessions, redactions, shown, faults, raw)


def read(chosen: Chosen) -> list[Trace]:
    plugin = registry.build(chosen.plugin, chosen.config, f"source.{chosen.plugin.name}")
    return list(plugin.read(chosen.ref))


def make(task: Task) -> Made:
    """One session read, sanitized and rendered. Raises PrivacyError where it cannot be sanitized."""
    try:
        traces = read(task.chosen)
    except InputError as error:
        return Made(fault=str(error))
    if not traces:
        return Made(fault=f"{task.chosen.ref.path}: there is no conversation in it")
    redactions = 0
    shown = sum(1 for trace in traces for _ in images.parts(trace))
    originals = traces
    if not task.raw:
        traces, redactions = sanitized(traces, task.chosen.ref)
    document = jsonl.dumps(writing.document(traces)) if task.atif else b""
    if task.folder is not None and task.atif:
        folder = Path(task.folder)
        jsonl.replace(folder / f"{task.name}.json", document + b"\n")
        for trace in originals if task.raw else ():
            images.write(task.chosen.ref, trace, folder)
        document = b""
    return Made(document, jsonl.dumps(otlp.request(traces)) if task.spans else b"", redactions, shown)


def sanitized(traces: Sequence[Trace], ref: SessionRef) -> tuple[list[Trace], int]:
    """The traces with what the base recipe's sanitizers find replaced; what they found in one place is then looked
    for in every other, however it is written there."""
    key = pseudonyms.load_key()
    result = scan.sanitize([to_builtins(trace) for trace in traces], reports.sanitizers(), key, ref.id)
    sweep, clean = Sweep(result.removed), []
    for value in result.value:
        hit = next(sweep.hits(jsonl.dumps(value)), None)
        clean.append(value if hit is None else clean_value(value, sweep, key))
    try:
        made = [from_builtins(value) for value in clean]
    except msgspec.ValidationError as error:
        raise PrivacyError(f"session {ref.id}: a sanitizer damaged the trace's structure ({error})") from error
    left = next((hit for trace in made for hit in sweep.hits(jsonl.dumps(to_builtins(trace)))), None)
    if left is not None:
        raise PrivacyError(f"session {ref.id}: {left.type} ({left.form}) is still in it; nothing of it was written")
    return made, sum(result.counts.values())


def told(report: Report, places: Sequence[Path | None], json: bool, screen: Terminal) -> None:
    """Says what was written where, and what was not."""
    for fault in report.faults:
        screen.say(f"could not be read: {fault}")
    if report.images and not report.raw:
        screen.say(f"{many(report.images, 'image')} referred to but not written: pictures cannot be sanitized")
    where = [str(place) for place in places if place is not None]
    if json:
        as_json({**report._asdict(), "files": where})
        return
    told = "as it was" if report.raw else f"{many(report.redactions, 'value')} replaced"
    print(f"{', '.join(where)}: {many(report.sessions, 'session')}, {told}")
