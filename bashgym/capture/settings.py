"""Our hooks in a settings file of Claude Code: put in and taken out, everything else left as it is.

A hook of ours is a command that ends with MARK, a comment of the shell. The file is changed in the text
(bashgym/jsonc.py): comments, key order, indentation, newlines and a byte order mark stay; a link is written
through, the mode is kept. What a file was before and what we left behind is remembered (notes.py), so that taking out
gives back the very bytes where nobody has touched the file since."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bashgym import jsonc, jsonl, paths
from bashgym.capture import notes
from bashgym.errors import InputError

MARK = "# bashgym"
BACKUP = "bashgym-backup"

Entry = dict[str, Any]  # {matcher?, hooks: [{type, command, timeout}]}


class Place(NamedTuple):
    """One of our hooks in a file: its event, and its position in the event's list and in the entry's."""

    event: str
    entry: int
    hook: int


def path(project: bool) -> Path:
    """The settings file: the user's own, or the project's local one, which no repository shares.

    The local one because our command names paths of this machine."""
    return paths.project() / ".claude" / "settings.local.json" if project else paths.claude_home() / "settings.json"


def content(file: Path) -> bytes | None:
    """The file's bytes; None where there is none. Raises InputError when it cannot be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); nothing was changed") from None


def parsed(file: Path, raw: bytes) -> tuple[str, jsonc.Node]:
    """The file's text and what it says. Raises InputError where hooks cannot be put into it."""
    way_out = "correct it and try again; nothing was changed"
    try:
        text = raw.decode()
        root = jsonc.parse(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 (byte {error.start}); {way_out}") from None
    except jsonc.NotJson as error:
        raise InputError(f"{file}: not JSON, {error}; {way_out}") from None
    hooks = root.get("hooks")
    if not isinstance(root.value, dict):
        raise InputError(f"{file}: not an object; {way_out}")
    if hooks is not None and not isinstance(hooks.value, dict):
        raise InputError(f"{file}: hooks is not an object; {way_out}")
    wrong = next((one.key for one in (hooks.members if hooks else ()) if not isinstance(one.node.value, list)), None)
    if wrong is not None:
        raise InputError(f"{file}: hooks.{wrong} is not a list; {way_out}")
    return text, root


def ours(root: jsonc.Node) -> Iterator[Place]:
    """Where our hooks are, in the order of the file."""
    hooks = root.get("hooks")
    for event in hooks.value if hooks else ():
        entries = hooks.get(event) if hooks else None
        for number, entry in enumerate(entries.members if entries else ()):
            listed = entry.node.get("hooks")
            for index, hook in enumerate(listed.members if listed else ()):
                if is_ours(hook.node.value):
                    yield Place(event, number, index)


def is_ours(hook: Any) -> bool:
    command = hook.get("command") if isinstance(hook, dict) else None
    return isinstance(command, str) and command.rstrip().endswith(MARK)


def events(root: jsonc.Node) -> list[str]:
    """The events our hooks are registered for."""
    return list(dict.fromkeys(place.event for place in ours(root)))


def current(root: jsonc.Node, wanted: dict[str, Entry]) -> bool:
    """Whether the file has exactly our hooks as they should be."""
    hooks = root.value.get("hooks") or {}
    found = [place.event for place in ours(root)]
    return sorted(found) == sorted(wanted) and all(entry in hooks[event] for event, entry in wanted.items())


def with_ours(text: str, wanted: dict[str, Entry]) -> str:
    """The text with our hooks, older ones of ours taken out."""
    if current(jsonc.parse(text), wanted):
        return text
    text = without_ours(text)
    if jsonc.parse(text).get("hooks") is None:
        return jsonc.appended(text, jsonc.parse(text), {event: [entry] for event, entry in wanted.items()}, "hooks")
    for event, entry in wanted.items():
        hooks = jsonc.parse(text).get("hooks")
        assert hooks is not None
        listed = hooks.get(event)
        text = jsonc.appended(text, listed, entry) if listed else jsonc.appended(text, hooks, [entry], event)
    return text


def without_ours(text: str) -> str:
    """The text without our hooks, and without the entries, events and `hooks` that held nothing else."""
    emptied: set[str] = set()
    while places := list(ours(jsonc.parse(text))):
        last = places[-1]
        emptied.add(last.event)
        text = without_one(text, last)
    for event in emptied:
        text = without_empty(text, event)
    root = jsonc.parse(text)
    return without_bare(text, root, "hooks") if emptied and root.get("hooks") else text


def without_one(text: str, place: Place) -> str:
    hooks = jsonc.parse(text).get("hooks")
    listed = hooks.get(place.event) if hooks else None
    assert listed is not None
    entry = listed.members[place.entry].node
    inner = entry.get("hooks")
    assert inner is not None
    if len(inner.members) == 1:
        return jsonc.without(text, listed, place.entry)
    return jsonc.without(text, inner, place.hook)


def without_empty(text: str, event: str) -> str:
    hooks = jsonc.parse(text).get("hooks")
    return without_bare(text, hooks, event) if hooks and hooks.get(event) else text


def without_bare(text: str, node: jsonc.Node, key: str) -> str:
    """The text without the entry `key` of an object, if that is a list or an object with neither member nor comment."""
    index = index_of(node, key)
    entry = node.members[index]
    rest = text[jsonc.value_at(text, entry.start).end : entry.end]
    return jsonc.without(text, node, index) if "".join(rest.split()) in {":{}", ":[]"} else text


def index_of(node: jsonc.Node, key: str) -> int:
    return max(number for number, member in enumerate(node.members) if member.key == key)


def install(file: Path, wanted: dict[str, Entry], client: str | None = None) -> str:
    """Puts our hooks into `file`; says `unchanged`, `upgraded`, `created` or `installed`. Raises InputError.

    `client` is the version that `wanted` was chosen for."""
    raw = content(file)
    text, root = (
        parsed(file, raw) if raw is not None and raw.strip(b"\xef\xbb\xbf \t\r\n") else ("{}\n", jsonc.parse("{}"))
    )
    before = text if raw is not None else None
    changed = with_ours(text, wanted)
    if changed == before:
        return "unchanged"
    earlier = bool(events(root))
    note = notes.remembered(file, raw)
    made = [str(folder) for folder in missing(file)]
    backup = str(backed_up(file, raw)) if raw is not None and not earlier else None
    after = changed.encode()
    write(file, after)
    made_note = noted(note, raw, after, backup, made, earlier)
    notes.remember(file, msgspec.structs.replace(made_note, client=client))
    return "upgraded" if earlier else "installed" if raw is not None else "created"


def noted(
    note: notes.Note | None, raw: bytes | None, after: bytes, backup: str | None, made: list[str], earlier: bool
) -> notes.Note:
    """What to remember: of an upgrade, the file before the first install where it was not touched in between."""
    digest, now = notes.hashed(after), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    if earlier and note is not None:
        return msgspec.structs.replace(note, after=digest)
    before = notes.hashed(raw) if raw is not None and not earlier else None
    return notes.Note(before=before, after=digest, backup=backup, made=tuple(made), new=raw is None, at=now)


def uninstall(file: Path) -> str:
    """Takes our hooks out; says `absent`, `restored` (the very bytes of before), `deleted` or `removed`."""
    raw = content(file)
    if raw is None:
        notes.forget(file)
        return "absent"
    note = notes.remembered(file, raw)
    if note is not None and not note.touched and restored(file, note):
        notes.forget(file)
        return "deleted" if note.new else "restored"
    text, root = parsed(file, raw) if raw.strip() else ("", jsonc.parse("{}"))
    if not events(root):
        return "absent"
    changed = without_ours(text)
    if note is not None and note.new and jsonc.parse(changed).value == {}:
        deleted(file, note)
        notes.forget(file)
        return "deleted"
    write(file, changed.encode())
    notes.forget(file)
    return "removed"


def restored(file: Path, note: notes.Note) -> bool:
    """Whether the file is again what it was before we came."""
    if note.new:
        deleted(file, note)
        return True
    backup = Path(note.backup) if note.backup else None
    raw = content(backup) if backup else None
    if backup is None or raw is None or notes.hashed(raw) != note.before:
        return False
    write(file, raw)
    backup.unlink()
    return True


def deleted(file: Path, note: notes.Note) -> None:
    """Takes away the file we made, and the folders we made for it where they are empty."""
    Path(os.path.realpath(file)).unlink(missing_ok=True)
    for folder in sorted(note.made, key=len, reverse=True):
        try:
            Path(folder).rmdir()
        except OSError:
            return  # somebody put something in


def missing(file: Path) -> list[Path]:
    """The folders above `file`, or above what it links to, that are not there."""
    return [folder for folder in Path(os.path.realpath(file)).parents if not folder.exists()]


def backed_up(file: Path, raw: bytes) -> Path:
    """A copy of the file's bytes beside it, as readable as it is."""
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    name = f"{file.name}.{BACKUP}-{stamp}"
    backup, number = file.with_name(name), 1
    while backup.exists():
        backup, number = file.with_name(f"{name}-{number}"), number + 1
    write(backup, raw, stat.S_IMODE(file.stat().st_mode))
    return backup


def write(file: Path, raw: bytes, mode: int | None = None) -> None:
    """The file holds its old bytes or `raw`, never a part; a link stays a link, the mode what it is (0600 where new).

    Raises InputError."""
    target = Path(os.path.realpath(file))
    try:
        if mode is None:
            mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
        with jsonl.replacing(target) as out:
            out.write(raw)
            os.fchmod(out.fileno(), mode)
    except OSError as error:
        raise InputError(f"{file}: cannot be written ({error.strerror}); nothing was changed") from None
