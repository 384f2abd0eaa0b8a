"""What `bashgym capture` does, told as data and as lines."""

from typing import Any

import msgspec

from bashgym.capture import consent, install
from bashgym.capture import status as stands
from bashgym.errors import InputError
from bashgym.reading import excluded as rules

Told = tuple[Any, list[str]]  # as data, and as lines

DONE = {
    "created": "the hooks are registered in {settings}, which is new",
    "installed": "the hooks are registered in {settings}",
    "upgraded": "the hooks registered in {settings} are brought up to date",
    "unchanged": "the hooks are registered in {settings} already; nothing was changed",
    "restored": "{settings} is again what it was before, byte for byte",
    "deleted": "{settings} held nothing but our hooks and is deleted",
    "removed": "our hooks are taken out of {settings}; what was changed there since stays",
    "absent": "no hooks of ours in {settings}; nothing was changed",
}


def installed(project: bool) -> Told:
    facts = install.install(project)
    client = f"Claude Code {facts['client']}" if facts["client"] else "any Claude Code, as none was found here"
    lines = [DONE[facts["done"]].format(**facts), f"  events    {', '.join(facts['events'])} ({client})"]
    if facts["backup"]:
        lines.append(f"  backup    {facts['backup']}")
    lines += [f"  warning   {notice}" for notice in facts["notices"]]
    if facts["done"] != "unchanged":
        lines.append("  sessions that are open go on as they are; new ones are captured. See: bashgym capture status")
    return facts, lines


def uninstalled(project: bool) -> Told:
    facts = install.uninstall(project)
    return facts, [DONE[facts["done"]].format(**facts)]


def paused(wanted: bool) -> Told:
    changed = consent.pause() if wanted else consent.resume()
    state = "paused: the hooks write nothing until `bashgym capture resume`" if wanted else "on"
    return {"paused": wanted, "changed": changed}, [f"capture is {'' if changed else 'already '}{state}"]


def excluded(what: str | None, remove: bool) -> Told:
    if what is None:
        if remove:
            raise InputError("exclude --remove: name what to let in again; `bashgym capture exclude` lists it")
        known = rules.entries()
        return {"excluded": known}, known or ["nothing is excluded but what a .bashgymignore covers"]
    if remove:
        entry = consent.include(what)
        return {"entry": entry, "excluded": False}, [f"{entry} is captured and read again from now on"]
    entry, new = consent.exclude(what)
    kind = "folder, and all below it," if entry.startswith("/") else "repository, wherever it is checked out,"
    lines = [f"the {kind} {entry} is {'' if new else 'already '}kept out: no hook writes of it, no run reads it"]
    lines.append(f"  what was kept before stays until: bashgym forget {entry}")
    return {"entry": entry, "excluded": True, "new": new}, lines


def rescued() -> Told:
    from bashgym.capture import archive

    facts = archive.rescue()
    counts = [
        f"{value:,} {name.replace('_', ' ')}" for name, value in facts.items() if isinstance(value, int) and value
    ]
    lines = [f"archived: {', '.join(counts) or 'nothing was there'} (sessions, measured)"]
    return facts, lines + [f"  failed    {failure}" for failure in facts["failures"]]


def status() -> Told:
    found = stands.status()
    return msgspec.to_builtins(found), list(lines(found))


def lines(found: stands.Status) -> list[str]:
    shown = [f"hooks      {one.settings}: {hooks(one, found)}" for one in found.registered]
    shown = shown or ["hooks      not registered; register them: bashgym capture install"]
    shown += [f"warning    {text}" for text in (*found.faults, *found.notices)]
    if len(found.registered) > 1:
        shown.append("note       registered in several places with the same command, which Claude Code runs once")
    shown.append(f"capture    {'paused; go on: bashgym capture resume' if found.paused else 'on'}")
    shown.append(f"spool      {found.spool['sessions']:,} sessions, {held(found.spool)} (measured)")
    shown.append(f"archive    {found.archive['files']:,} files, {held(found.archive)} (measured)")
    shown += [f"excluded   {entry}" for entry in found.excluded]
    shown += [f"last event {one.last_event}  {one.folder} ({one.sessions} sessions)" for one in found.projects]
    return shown


def hooks(one: stands.Registered, found: stands.Status) -> str:
    """The state of one registration in words."""
    faults = []
    if not one.alive:
        faults.append(f"its Python {one.python or '(none)'} is gone")
    if not one.current or found.outdated:
        faults.append("not as this BashGym would have them")
    if found.hook_days is None:
        faults.append("the hook itself is gone")
    if faults:
        return f"{' and '.join(faults)}; repair: bashgym capture install"
    return f"{len(one.events)} events, {one.python}, up to date"


def held(kept: dict[str, int]) -> str:
    """The bytes kept, and what gave way to the quota."""
    gone = f"; {kept['dropped']:,} sessions, {size(kept['dropped_bytes'])}, gave way to its quota"
    return size(kept["bytes"]) + (gone if kept["dropped"] else "")


def size(n: int) -> str:
    return f"{n / 1e6:,.1f} MB"
