"""Sessions to pages on disk: secrets and people replaced unless told otherwise, judged, readable by this user only."""

import hashlib
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bashgym import jsonl, paths, prices, pseudonyms, scan
from bashgym.display import Terminal
from bashgym.errors import InputError, PrivacyError
from bashgym.history import agents, listed
from bashgym.history.census import built, judges
from bashgym.history.pages import render
from bashgym.history.pages.render import Entry, Settings
from bashgym.history.pages.shapes import SessionView
from bashgym.history.pages.view import tokens, view
from bashgym.history.printed import many
from bashgym.history.reading import Session, over_processes
from bashgym.kinds import JudgeContext
from bashgym.records import SessionRef, Verdict
from bashgym.registry import Plugin
from bashgym.show import as_json
from bashgym.trace import Trace, from_builtins, to_builtins
from bashgym.verdict import classify

PLAIN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MARK = ".bashgym-pages"  # in a folder that was written here, and may be replaced
PRIVATE = "raw: this holds the text as it was written, secrets included; do not share it"


class Task(NamedTuple):
    """One session to be made into pages in `folder`."""

    plugin: Plugin
    ref: SessionRef
    folder: str
    how: Settings


class Made(NamedTuple):
    """What came of a session: its place in the index, or why it could not be read."""

    entry: Entry | None
    fault: str


def one_page(typed: str, out: Path | None, raw: bool, full: bool, json: bool) -> None:
    """Writes the page of the session whose id begins with `typed`, and says where."""
    screen = Terminal()
    found, _ = listed.sessions(listed.Wanted(), screen)
    session, _ = listed.by_id(typed, found)
    target = out or paths.home() / "reports" / f"{stem(session.ref.id)}.html"
    if target.is_dir():
        raise InputError(f"--out {target}: is a folder; name a file")
    if raw:
        screen.say(PRIVATE)
    with screen.waiting("reading the session" if raw else "replacing secrets and people"):
        html, entry = made(session.agent.plugin, session.ref, Settings(raw, full=full))
    jsonl.replace(target, html[0].encode("utf-8", "replace"))
    if json:
        as_json({"page": str(target), "raw": raw, "redactions": entry.redactions})
    else:
        print(target)


def all_pages(wanted: listed.Wanted, out: Path | None, raw: bool, full: bool, json: bool) -> None:
    """Writes a folder with a page (or several) for each session that is wanted, and an index."""
    screen = Terminal()
    found, _ = listed.sessions(wanted, screen)
    if not found:
        raise InputError("traces report --all: no session fits; `bashgym traces list` shows what there is")
    target = (out or paths.home() / "reports" / "all").absolute()
    replaceable(target)
    if raw:
        screen.say(PRIVATE)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    folder.mkdir(mode=0o700)
    try:
        entries, faults = written(found, folder, Settings(raw, full=full), screen)
        swap(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for fault in faults:
        screen.say(f"could not be read: {fault}")
    if json:
        as_json({"index": str(target / "index.html"), "sessions": len(entries), "raw": raw, "unreadable": faults})
    else:
        print(f"{target / 'index.html'}: {many(len(entries), 'session')}")


def written(found: Sequence[Session], folder: Path, how: Settings, screen: Terminal) -> tuple[list[Entry], list[str]]:
    """All pages in `folder`; the index entries in the order of `found`, and what could not be read."""
    names = unique([stem(session.ref.id) for session in found])
    tasks = [
        Task(
            session.agent.plugin,
            session.ref,
            str(folder),
            how._replace(per_page=render.PER_PAGE, stem=name, back="index.html"),
        )
        for session, name in zip(found, names, strict=True)
    ]
    size = sum(session.ref.size for session in found)
    done = list(screen.progress("making pages", over_processes(make, tasks, size), len(tasks)))
    entries = [one.entry for one in done if one.entry]
    faults = [one.fault for one in done if one.fault]
    stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    jsonl.replace(folder / "index.html", render.index(entries, how.raw, stamp, faults).encode())
    jsonl.replace(folder / MARK, b"made by bashgym traces report --all; replaced as a whole by the next one\n")
    return entries, faults


def make(task: Task) -> Made:
    """Writes the pages of one session. Raises PrivacyError where it cannot be sanitized."""
    try:
        html, entry = made(task.plugin, task.ref, task.how)
    except InputError as error:
        return Made(None, str(error))
    for number, page in enumerate(html, 1):
        jsonl.replace(Path(task.folder) / render.file_name(task.how.stem, number), page.encode("utf-8", "replace"))
    return Made(entry, "")


def made(plugin: Plugin, ref: SessionRef, how: Settings) -> tuple[list[str], Entry]:
    """The pages of a session and its entry in an index."""
    traces = list(built(plugin).read(ref))
    if not traces:
        raise InputError(f"{ref.path}: there is no conversation in it")
    redactions: dict[str, int] = {}
    if not how.raw:
        traces, redactions = sanitized(traces, ref)
    verdicts = judged(traces[0])
    label, _ = classify(verdicts, agents.verdict_settings())
    session = view(traces, verdicts, label)
    pages = render.pages(session, how._replace(redactions=redactions))
    return pages, entry_of(session, traces, how.stem, sum(redactions.values()))


def entry_of(session: SessionView, traces: Sequence[Trace], name: str, redactions: int) -> Entry:
    main = traces[0]
    bill = prices.bill((step for trace in traces for step in trace.steps), prices.load())
    return Entry(
        href=f"{name}.html",
        title=session.title,
        repo=main.info.project.cwd or "",
        began=next((step.timestamp for step in main.steps if step.timestamp), "")[:16].replace("T", " "),
        agent=main.agent.name,
        turns=sum(step.kind == "human" for turn in session.turns for step in turn.steps),
        calls=sum(len(step.tool_calls or ()) for trace in traces for step in trace.steps),
        tokens=sum(map(tokens, traces)),
        usd=bill.usd,
        label=session.label,
        redactions=redactions,
    )


def sanitized(traces: Sequence[Trace], ref: SessionRef) -> tuple[list[Trace], dict[str, int]]:
    """The traces with what the base recipe's sanitizers find replaced, and how often by type."""
    result = scan.sanitize([to_builtins(trace) for trace in traces], sanitizers(), pseudonyms.load_key(), ref.id)
    try:
        return [from_builtins(value) for value in result.value], result.counts
    except msgspec.ValidationError as error:
        raise PrivacyError(f"session {ref.id}: a sanitizer damaged the trace's structure ({error})") from error


@lru_cache
def sanitizers() -> tuple[tuple[str, Any], ...]:
    return tuple((piece.label, piece.build()) for piece in agents.pieces("sanitizer"))


def judged(trace: Trace) -> list[Verdict]:
    return [
        msgspec.structs.replace(judge.judge(trace, JudgeContext()), judge=label, signals=())
        for label, judge in judges()
    ]


def stem(name: str) -> str:
    """A file name for a session: its uuid, else a hash, for other ids may hold a path."""
    return name if PLAIN.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def unique(names: Sequence[str]) -> list[str]:
    """Names with a number where one comes again (two sources, one id)."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return found


def replaceable(target: Path) -> None:
    """Raises InputError where `target` holds what was not written here."""
    if target.exists() and not (target.is_dir() and ((target / MARK).exists() or not any(target.iterdir()))):
        raise InputError(f"--out {target}: is there already and was not made by this command; name another folder")


def swap(folder: Path, target: Path) -> None:
    """Puts `folder` in the place of `target`: who opens it sees all old pages or all new ones."""
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    if target.exists():
        target.rename(aside)
    folder.rename(target)
    shutil.rmtree(aside, ignore_errors=True)
