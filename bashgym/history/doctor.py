"""Whether capture and reading work on this machine, and what to do where they do not: `bashgym doctor`.

Every check says one thing in one line; `evidence` is of the figures in it."""

import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from bashgym import __version__, environment, paths
from bashgym.capture import archive, client, events, spool
from bashgym.capture import status as capture
from bashgym.capture.status import Registered, Status
from bashgym.claude_code.retention import Deletion
from bashgym.display import Terminal
from bashgym.errors import BashGymError
from bashgym.history.reading import Found, find
from bashgym.records import Evidence, Record
from bashgym.report.figures import size

Level = Literal["ok", "warning", "error"]

LATE = 900.0  # seconds that a session may go on after its last event before the hook is said to be missing it
FULL = 500_000_000  # free bytes below which the hooks' archive and runs stop (hooks/archive.py, bashgym/run.py)
TIGHT = 5_000_000_000
HALF = 0.5  # share of empty thinking from which it is told as a warning
SHOWN = 3


class Check(Record, frozen=True, kw_only=True):
    """One thing that was looked at. `do` is what to do about it, "" where nothing has to be done."""

    name: str
    level: Level
    said: str
    evidence: Evidence = "measured"
    do: str = ""


class Machine(NamedTuple):
    """What the checks look at."""

    status: Status
    clients: list[client.Client]
    found: Found


def examine(screen: Terminal) -> list[Check]:
    """All checks, in a fixed order. A check that cannot be made is an error of its own."""
    try:
        machine = Machine(capture.status(), client.clients(), find(screen))
    except BashGymError as error:
        return [Check(name="rules", level="error", said=str(error), do="then run doctor again")]
    checks: list[Check] = []
    for check in CHECKS:
        try:
            checks += check(machine)
        except BashGymError as error:
            checks.append(Check(name=check.__name__, level="error", said=str(error)))
    return checks


def hooks(machine: Machine) -> Iterator[Check]:
    """Are they registered, and would they run?"""
    stands = machine.status
    for fault in stands.faults:
        yield Check(name="settings", level="error", said=fault, do="correct the file")
    if not stands.registered:
        said = "not registered: sessions are known only from what Claude Code keeps itself for a while"
        yield Check(name="hooks", level="warning", said=said, do="bashgym capture install")
    for one in stands.registered:
        yield registered(one, machine)
    for notice in stands.notices:
        said, _, do = notice.partition("; ")
        yield Check(name="hooks", level="warning", said=said, do=do)
    if stands.paused:
        yield Check(name="hooks", level="warning", said="paused: nothing is written", do="bashgym capture resume")


def registered(one: Registered, machine: Machine) -> Check:
    """One settings file with our hooks."""
    repair = "bashgym capture install" + (" --project" if one.settings.endswith(".local.json") else "")
    if not one.alive:
        said = f"{one.settings}: their Python, {one.python or 'none'}, is gone, so they write nothing"
        return Check(name="hooks", level="error", said=said, do=repair)
    if machine.status.hook_days is None:
        return Check(name="hooks", level="error", said=f"{one.settings}: the hook itself is gone", do=repair)
    oldest = machine.clients[0] if machine.clients else None
    strange = sorted(set(one.events) - set(events.registered(oldest.version))) if oldest else []
    if oldest and strange:
        said = f"{one.settings}: Claude Code {oldest.version} ({oldest.where}) does not know {', '.join(strange)}"
        return Check(name="hooks", level="error", said=f"{said}, and may ignore the whole file", do=repair)
    lacking = sorted(set(events.registered(oldest.version)) - set(one.events)) if oldest else []
    if lacking or not one.current or machine.status.outdated:
        why = f"lack {', '.join(lacking)}" if lacking else "are not as this BashGym would have them"
        return Check(name="hooks", level="warning", said=f"{one.settings}: they {why}", do=repair)
    age = f"brought up to date {machine.status.hook_days:.0f} days ago"
    return Check(name="hooks", level="ok", said=f"{one.settings}: {len(one.events)} events, {one.python}, {age}")


def last_events(machine: Machine) -> Iterator[Check]:
    """Projects whose sessions went on without a word of the hooks, and what the hooks could not write."""
    since = min((seconds(one.since) for one in machine.status.registered if one.since), default=None)
    if since is not None and not machine.status.paused:
        silent = list(unheard(machine.found, since))
        for folder, last, event in silent[:SHOWN]:
            said = f"{folder}: sessions went on until {told(last)}, last event {told(event) if event else 'never'}"
            do = "sessions that were open before the hooks came have none; else look at disableAllHooks and --bare"
            yield Check(name="last event", level="warning", said=said, do=do)
        if len(silent) > SHOWN:
            yield Check(name="last event", level="warning", said=f"and {len(silent) - SHOWN} more folders like these")
        newest = machine.status.projects[0] if machine.status.projects else None
        if not silent and newest:
            said = f"{newest.last_event} in {newest.folder}; {len(machine.status.projects)} folders"
            yield Check(name="last event", level="ok", said=said)
    waiting = len(spool.waiting())
    if waiting:
        said = f"{waiting} events found no Python and wait"
        yield Check(name="spool", level="warning", said=said, do="bashgym capture rescue")


def seconds(moment: str) -> float:
    """Seconds since 1970 of a time in ISO 8601."""
    return datetime.fromisoformat(moment).timestamp()


def unheard(found: Found, since: float) -> Iterator[tuple[str, float, float | None]]:
    """(folder, last change, last event) of folders whose newest session goes on while no event comes."""
    newest: dict[str, tuple[float, float | None]] = {}
    for session in found.sessions:
        if session.ref.source != "claude_code" or not session.facts.cwd:
            continue
        changed, event = modified(Path(session.ref.path)), modified(spool.file_of(session.ref.id))
        if changed is not None and changed > newest.get(session.facts.cwd, (0.0, None))[0]:
            newest[session.facts.cwd] = (changed, event)
    for folder, (changed, event) in sorted(newest.items(), key=lambda one: -one[1][0]):
        if changed > since + LATE and (event is None or changed - event > LATE):
            yield folder, changed, event


def modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def told(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%MZ")


def retention(machine: Machine) -> Iterator[Check]:
    """What agents will delete soon, and the archive that keeps it."""
    for agent in machine.found.agents:
        look: Callable[[], Deletion | None] | None = getattr(agent.source, "deletion", None)
        gone = look() if look else None
        if gone is not None:
            yield deletion(agent.name, gone)
    state = archive.state()
    if state["failed"]:
        said = f"{state['failed']} files could not be archived (see {paths.archive() / 'log.jsonl'})"
        yield Check(name="archive", level="warning", said=said, do="bashgym capture rescue")
    for name, told, of in (("archive", "", ""), ("spool", "what hooks told of ", "spool_")):
        if state[of + "dropped"]:
            said = f"{told}{state[of + 'dropped']} sessions gave way to the quota of {size(state[of + 'quota'])}"
            do = f"write a larger one into {paths.home() / name / 'quota'}"
            yield Check(name=name, level="warning", said=said, do=do)


def deletion(name: str, gone: Deletion) -> Check:
    if gone.days is None:
        return Check(name="retention", level="error", said=f"{name}: {gone.note}", evidence="missing", do="correct it")
    if gone.due:
        bytes_due = sum(bytes for _, bytes, _ in gone.due)
        first = told(gone.due[0][2])
        said = f"{name} deletes {len(gone.due)} sessions ({size(bytes_due)}) that are not archived, from {first} on"
        do = f"bashgym capture rescue; or raise cleanupPeriodDays in {gone.origin}"
        return Check(name="retention", level="warning", said=said, evidence="estimated", do=do)
    said = f"{name} keeps sessions {gone.days} days; nothing that is due within a week is lost"
    return Check(name="retention", level="ok", said=said, evidence="estimated")


def reading(machine: Machine) -> Iterator[Check]:
    """What of the history cannot be read or understood."""
    facts = [session.facts for session in machine.found.sessions]
    yield thinking(
        sum(t.thoughts for f in facts for t in f.traces), sum(t.empty_thoughts for f in facts for t in f.traces)
    )
    for reason in machine.found.unreadable[:SHOWN]:
        said, _, do = reason.partition("; ")
        yield Check(name="unreadable", level="error", said=said, do=do)
    if len(machine.found.unreadable) > SHOWN:
        more = len(machine.found.unreadable) - SHOWN
        yield Check(name="unreadable", level="error", said=f"and {more} more files: bashgym collect --json lists them")
    malformed = sum(f.malformed for f in facts)
    if malformed:
        where = max(facts, key=lambda one: one.malformed).session
        said = f"{malformed} of {sum(f.lines for f in facts):,} lines, most in {where}; they are kept aside"
        yield Check(name="malformed", level="warning", said=said, do=f"look at them: bashgym traces show {where}")
    strange = sum((Counter(f.unknown) for f in facts), Counter[str]())
    if strange:
        kinds = ", ".join(f"{name or 'without a type'} ({n})" for name, n in strange.most_common(6))
        said = f"lines of types this BashGym does not know: {kinds}; they are kept as events"
        yield Check(name="line types", level="warning", said=said, do="update BashGym")
    for reason, n in machine.found.left_out.items():
        yield Check(name="left out", level="ok", said=f"{n} sessions {reason}")
    if facts and not (machine.found.unreadable or malformed or strange):
        lines = sum(f.lines for f in facts)
        yield Check(name="reading", level="ok", said=f"{len(facts):,} sessions, {lines:,} lines, every one understood")


def thinking(with_words: int, empty: int) -> Check:
    total = with_words + empty
    if not total:
        return Check(name="thinking", level="ok", said="no reply with thinking", evidence="measured")
    said = f"empty in {empty:,} of {total:,} replies that have it ({empty / total:.0%})"
    if empty / total < HALF:
        return Check(name="thinking", level="ok", said=said)
    do = "nothing brings it back: newer servers send a signature only; format.reasoning=drop trains without it"
    return Check(name="thinking", level="warning", said=said, do=do)


def disk(machine: Machine) -> Iterator[Check]:
    home = paths.home()
    free = shutil.disk_usage(home).free
    held = f"spool {size(machine.status.spool['bytes'])}, archive {size(machine.status.archive['bytes'])}"
    said = f"{size(free)} free for {home} ({held})"
    if free < TIGHT:
        level: Level = "error" if free < FULL else "warning"
        do = "make room, or move the data home: BASHGYM_HOME=FOLDER" + (
            "; nothing is archived now" if free < FULL else ""
        )
        yield Check(name="disk", level=level, said=said, do=do)
    else:
        yield Check(name="disk", level="ok", said=said)


def versions(machine: Machine) -> Iterator[Check]:
    """What runs here; a missing training environment is no fault until one trains."""
    by_place: dict[str, list[str]] = {}  # the oldest first
    for one in machine.clients:
        by_place.setdefault(one.where, []).append(one.version)
    seen = ", ".join(f"{spanned(found)} ({where})" for where, found in by_place.items())
    node = output("node")
    said = f"BashGym {__version__}, Python {platform.python_version()}, Claude Code {seen or 'not found'}, {node}"
    yield Check(name="versions", level="ok", said=said)
    try:
        yield Check(name="training", level="ok", said=f"environment ready: {environment.python()}")
    except BashGymError as error:
        said, _, do = str(error).partition("; ")
        yield Check(name="training", level="warning", said=said, evidence="missing", do=f"{do} (the first run does it)")


def spanned(versions: Sequence[str]) -> str:
    """One version, or the oldest and the newest."""
    if len(versions) == 1:
        return versions[0]
    return f"{versions[0]} to {versions[-1]}, {len(versions)} versions"


def output(program: str) -> str:
    """`node v22.1.0`, or that there is none."""
    path = shutil.which(program)
    if path is None:
        return f"no {program}"
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return f"{program} does not answer"
    return f"{program} {done.stdout.strip()}"


CHECKS: tuple[Callable[[Machine], Iterator[Check]], ...] = (hooks, last_events, retention, reading, disk, versions)


def report(json: bool) -> int:
    """Prints the checks; 1 where one is an error, else 0."""
    from bashgym import show
    from bashgym.display import printable

    checks = examine(Terminal(quiet=json))
    if json:
        show.as_json([msgspec.to_builtins(check) for check in checks])
    else:
        print(printable("\n".join(line(check) for check in checks)))
    return int(any(check.level == "error" for check in checks))


def line(check: Check) -> str:
    """`warning  hooks       what is so (measured)  ->  what to do`."""
    do = f"  ->  {check.do}" if check.do else ""
    return f"{check.level:<8} {check.name:<11} {check.said} ({check.evidence}){do}"
