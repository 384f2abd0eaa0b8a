"""What Claude Code calls for every event: one line in the session's spool file, no word on the screen, always exit 0.

Run as `python -I -S hooks/capture.py` (any Python from 3.8), the event on stdin. The line is
{"ts": when, "event": the event as it came} in `$BASHGYM_HOME/spool/claude_code/<session>.jsonl`; what is no JSON
object is kept as {"unparsed": text}. Everything here runs many times a minute while somebody waits: `json` and `re`
stay out of it, since importing either takes as long as the rest; rarer work lies in rules.py and archive.py.
"""

import fcntl
import os
import sys
import time

SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
LONGEST = 64  # characters of a session id that may name a file
TRIES = 100  # to get the lock, PAUSE seconds apart: a stopped process must not stop the others
PAUSE = 0.002


def main() -> None:
    os.umask(0o077)
    raw = read()
    whole = parsed(raw)
    event = whole or {}
    home = os.path.expanduser(os.environ.get("BASHGYM_HOME") or "~/.bashgym")
    given = event.get("session_id")
    session = os.environ.get("CLAUDE_CODE_SESSION_ID") or (given if isinstance(given, str) else searched(raw))
    if os.path.lexists(home + "/paused") or kept_out(home, places(event), (session, given)):
        return
    append(home + "/spool/claude_code", file_name(session), line(raw, whole is not None, time.time()))
    work = detached(event)
    if work and isinstance(event.get("transcript_path"), str):
        detach(home, work, event["transcript_path"])


def read() -> bytes:
    """All of stdin."""
    parts = []
    while part := os.read(0, 1 << 20):
        parts.append(part)
    return b"".join(parts)


class Grammar:
    """How the scanner reads: numbers as text, since nothing here counts with them and none is then too long."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = parse_int = parse_constant = str


def parsed(raw: bytes) -> "dict | None":
    """The event; None where stdin holds no JSON object, or one too deep to be read."""
    try:
        text = raw.decode().strip(" \t\r\n")
        value, end = scanner()(text, 0)
    except (ValueError, StopIteration, RecursionError, SystemError):
        return None  # the last is how the scanner fails to raise an exception of the `json` that nobody imported
    return value if end == len(text) and isinstance(value, dict) else None


def scanner() -> object:
    """CPython's scanner of JSON without the package around it; (text, start) -> (value, end)."""
    try:
        from _json import make_scanner
    except ImportError:
        from json import JSONDecoder

        return JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).scan_once
    return make_scanner(Grammar)


def searched(raw: bytes) -> str:
    """The session id in bytes that are no JSON: what stands in quotes after the first key of that name."""
    value = raw.partition(b'"session_id"')[2].lstrip(b" \t\r\n:")
    return value[1:].partition(b'"')[0].decode("utf-8", "replace") if value[:1] == b'"' else ""


def file_name(session: str) -> str:
    """The spool file of a session: its id, or the SHA-256 of an id that is no safe name."""
    if not session:
        return "unknown.jsonl"
    if len(session) <= LONGEST and SAFE.issuperset(session):
        return session + ".jsonl"
    from hashlib import sha256

    return sha256(session.encode("utf-8", "surrogatepass")).hexdigest() + ".jsonl"


def places(event: dict) -> list:
    """The folders that decide whether the event may be kept: the project's, and where the session is now."""
    named = os.environ.get("CLAUDE_PROJECT_DIR"), event.get("cwd")
    return [place for place in named if isinstance(place, str) and is_absolute(place)]


def is_absolute(path: str) -> bool:
    """Whether this is an absolute path that a file system could have."""
    try:
        return path.startswith("/") and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def kept_out(home: str, folders: list, sessions: tuple) -> bool:
    """Whether a rule of the user keeps this event out; the rules are read only where there are any."""
    if not (os.path.lexists(home + "/exclude") or os.path.lexists(home + "/forgotten") or any(map(marked, folders))):
        return False
    rules = beside("rules")
    return any(rules.covers(home, folder) for folder in folders) or rules.forgotten(home, *sessions)


def marked(folder: str) -> bool:
    """Whether a `.bashgymignore` lies in the folder or above, as it is written or with its links followed."""
    for place in (os.path.normpath(folder), os.path.realpath(folder)):
        while place.strip("/"):
            if os.path.lexists(place + "/.bashgymignore"):
                return True
            place = os.path.dirname(place)
    return os.path.lexists("/.bashgymignore")


def beside(name: str) -> object:
    """A module of this folder, which -I leaves out of the path."""
    here = os.path.dirname(os.path.abspath(__file__))
    if here not in sys.path:
        sys.path.insert(0, here)
    return __import__(name)


def line(raw: bytes, valid: bool, now: float) -> bytes:
    """The line of an event at `now`; `valid`: it is a JSON object, so its newlines lie outside its strings."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%03dZ" % (now % 1 * 1000)
    if valid:
        kept = raw.strip().replace(b"\n", b" ").replace(b"\r", b" ")
    else:
        from json import dumps

        kept = dumps({"unparsed": raw.decode("utf-8", "backslashreplace")}).encode()
    return b'{"ts": "' + stamp.encode() + b'", "event": ' + kept + b"}\n"


def append(folder: str, name: str, content: bytes) -> None:
    """`content`, a line, in one write at the end of a file; on a full disk all of it or nothing.

    Under a lock, since a write that was cut short has to be taken back before the next one begins. Without the lock
    (a file system that has none, a stopped process that holds it) the write still is one piece. A part of a line that
    a killed writer left gets its newline first, so that it cannot spoil this one."""
    file = opened(folder, name)
    mine = locked(file)
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        content = b"\n" + content
    written = os.write(file, content)
    if written < len(content) and mine and os.fstat(file).st_size == size + written:
        os.ftruncate(file, size)
    os.close(file)


def opened(folder: str, name: str) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(folder + "/" + name, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(folder, 0o700, exist_ok=True)
        return os.open(folder + "/" + name, flags, 0o600)


def locked(file: int) -> bool:
    for _ in range(TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(PAUSE)
        except OSError:
            break
    return False


def detached(event: dict) -> str:
    """What of hooks/archive.py is to be done after this event; "" for nothing."""
    if event.get("hook_event_name") == "SessionEnd":
        return "finish"
    starts = event.get("hook_event_name") == "SessionStart" and event.get("source") in ("startup", "resume")
    return "unended" if starts else ""


def detach(home: str, work: str, transcript: str) -> None:
    """Does `work` in a process of its own session, which outlives Claude Code and holds none of its pipes."""
    ready, done = os.pipe()
    if os.fork():
        os.close(done)
        os.read(ready, 1)  # returns when the child has left the process group, which may be killed at once
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.closerange(3, 256)
    from functools import partial

    rules, archive = beside("rules"), beside("archive")
    excluded, forgotten = partial(rules.covers, home), partial(rules.forgotten, home)
    getattr(archive, work)(home, transcript, excluded, forgotten)


if __name__ == "__main__":
    try:
        main()
    finally:
        os._exit(0)  # whatever happened, and before Python could say so
