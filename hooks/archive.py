"""Compressed copies of Claude Code's session files, which it deletes itself (after 30 days by default).

`$BASHGYM_HOME/archive/claude_code` mirrors the projects folder, each file gzipped as `<name>.gz` with the original's
modification time, which tells whether the original has changed since. A copy is replaced in one step, and only by what
continues it: a file that was cut or rewritten leaves its older copy beside the new one as `<name>.1.gz`.

The archive has a quota (`$BASHGYM_HOME/archive/quota`, such as `5 GB`; QUOTA where there is none). Above it the oldest
sessions go, each as a whole and never the last one; `archive/log.jsonl` has a line for each, and for each file that
could not be copied. A dropped session returns when it changes or the quota grows. The detached child of
hooks/capture.py and `bashgym capture rescue` both work with this module; standard library only, any Python from 3.8.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import json
import os
import re
import shutil
import tempfile
import time
import zlib
from collections import Counter
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import IO, Any, Callable, Iterator

from session_files import BLOCK, PART, directories, folders, newest, sessions, value

QUOTA = 20 * 10**9  # bytes, compressed: some 150 GB of sessions
SPOOL = 5 * 10**9  # bytes of hooks' events
QUIET = 3600  # seconds without an event after which a session that told no end is taken to have none
RESERVE = 500 * 10**6  # bytes that stay free on the disk: an archive is no reason to fill it
WAITS = (0, 2, 8)  # seconds before each look at a session that has just ended: some lines come after its end
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.I)
Rule = Callable[[str], bool]


def finish(home: str, transcript: str, excluded: Rule, forgotten: Rule) -> None:
    """Archives the session whose file is `transcript`, just ended, and what is written to it in the next seconds."""
    folder, name = os.path.split(os.path.realpath(transcript))
    projects, slug = os.path.split(folder)
    if os.path.basename(projects) != "projects" or not name.endswith(".jsonl"):
        return
    os.nice(10)
    archive = Archive(home, excluded, forgotten)
    session = slug + "/" + name[: -len(".jsonl")]
    for seconds in WAITS:
        time.sleep(seconds)
        archive.keep(projects, session, sessions(projects, slug).get(session, []))
    if archive.grown:
        archive.shrink()


def unended(home: str, transcript: str, excluded: Rule, forgotten: Rule) -> None:
    """What a session that starts finds undone: archives earlier ones that our hooks saw and whose end they never did
    (a crash, a kill), and keeps the spool's quota. `transcript` is the new session's file, of the same projects folder.
    """
    projects = os.path.dirname(os.path.dirname(os.path.realpath(transcript)))
    if os.path.basename(projects) != "projects":
        return
    os.nice(10)
    archive = Archive(home, excluded, forgotten)
    seen = {name[: -len(".jsonl")] for name, _, _ in archive.spooled()}
    for slug in directories(projects):
        held = {entry.name[: -len(".jsonl")] for entry in os.scandir(os.path.join(projects, slug))} & seen
        torn = {slug + "/" + one for one in held if not archive.has(projects, slug + "/" + one + ".jsonl")}
        for session, files in (sessions(projects, slug) if torn else {}).items():
            if session in torn:
                archive.keep(projects, session, files)
    if archive.grown:
        archive.shrink()
    archive.limit_spool()


class Archive:
    """The archive of one BashGym home. `excluded(folder)` and `forgotten(session id)` say what stays out."""

    def __init__(self, home: str, excluded: Rule, forgotten: Rule) -> None:
        self.home, self.excluded, self.forgotten = home, excluded, forgotten
        self.root = os.path.join(home, "archive", "claude_code")
        self.log = os.path.join(home, "archive", "log.jsonl")
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.grown = 0  # bytes written since the quota was last looked at
        private(self.root)

    def sweep(self, projects: str) -> None:
        """Archives every session under `projects`, the oldest files (the next to be deleted) first."""
        for session, files in sorted(sessions(projects).items(), key=lambda one: newest(projects, one[1])):
            self.keep(projects, session, files)
            if self.grown > self.quota() // 20:
                self.shrink()
        self.shrink()

    def shrink(self) -> None:
        """Keeps the quota; what it drops is counted and noted."""
        with self.locked():
            self.limit()
        self.grown = 0

    def keep(self, projects: str, session: str, files: list[str]) -> None:
        """Archives what is new of a session; counts what became of it in `counts`."""
        with self.locked():
            self.counts[self.kept(projects, session, files)] += 1

    def kept(self, projects: str, session: str, files: list[str]) -> str:
        changed = [name for name in files if not self.has(projects, name)]
        if not changed:
            return "unchanged"
        if self.forgotten(session.partition("/")[2]):
            return "forgotten"
        if any(map(self.excluded, {cwd for name in files for cwd in folders(os.path.join(projects, name))})):
            return "excluded"
        mtime, quota = self.dropped().get(digest(session), (0, 0))
        if newest(projects, files) <= mtime and self.quota() <= quota:
            return "over_quota"
        done = [self.copied(projects, session, name) for name in changed]
        return "copied" if all(done) else "failed"

    def has(self, projects: str, name: str) -> bool:
        """Whether the copy is of the original as it is now; also when that has just gone."""
        try:
            original = os.stat(os.path.join(projects, name))
        except OSError:
            return True
        try:
            return os.stat(self.path(name)).st_mtime_ns == original.st_mtime_ns
        except OSError:
            return False

    def path(self, name: str) -> str:
        return os.path.join(self.root, name + ".gz")

    def copied(self, projects: str, session: str, name: str) -> bool:
        try:
            self.copy(os.path.join(projects, name), self.path(name))
            return True
        except OSError as error:
            reason = error.strerror or str(error)
            if not any(failure.endswith(": " + reason) for failure in self.failures):  # a full disk is told once
                self.note("failed", session=digest(session), reason=reason)
            self.failures.append(name + ": " + reason)
            return False

    def copy(self, source: str, target: str) -> None:
        """`source`, compressed, at `target` in one step. Raises OSError, and leaves what was there."""
        folder = os.path.dirname(target)
        private(folder)
        for dead in [entry.path for entry in os.scandir(folder) if entry.name.startswith(PART)]:
            os.unlink(dead)  # whoever wrote it was killed: the lock is ours
        with open(source, "rb") as original:
            status = os.fstat(original.fileno())
            if shutil.disk_usage(folder).free < RESERVE + status.st_size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            file, part = tempfile.mkstemp(dir=folder, prefix=PART)
            try:
                with os.fdopen(file, "wb") as raw:
                    pack(original, raw)
                os.utime(part, ns=(status.st_mtime_ns, status.st_mtime_ns))
                if os.path.exists(target) and not continues(part, target):
                    os.rename(target, aside(target))
                    self.counts["set_aside"] += 1
                self.grown += os.path.getsize(part)
                os.replace(part, target)
            except BaseException:
                os.unlink(part)
                raise

    def limit(self) -> None:
        """Drops the oldest sessions while the archive is above its quota; the newest one stays."""
        quota, held = self.quota(), sessions(self.root)
        sizes = {one: sum(os.path.getsize(os.path.join(self.root, name)) for name in held[one]) for one in held}
        total = sum(sizes.values())
        for session in sorted(held, key=lambda one: newest(self.root, held[one]))[:-1]:
            if total <= quota:
                return
            mtime = newest(self.root, held[session])
            for name in held[session]:
                path = os.path.join(self.root, name)
                os.unlink(path)
                with suppress(OSError):  # not empty yet
                    os.removedirs(os.path.dirname(path))
            total -= sizes[session]
            self.counts["dropped"] += 1
            self.note("dropped", session=digest(session), bytes=sizes[session], mtime_ns=mtime, quota=quota)

    def spooled(self) -> list[tuple[str, int, int]]:
        """(name, modification time in ns, bytes) of the spool's files that have been quiet, the oldest first."""
        found, folder = [], os.path.join(self.home, "spool", "claude_code")
        for entry in os.scandir(folder) if os.path.isdir(folder) else ():
            status = entry.stat(follow_symlinks=False)
            if entry.name.endswith(".jsonl") and time.time() - status.st_mtime > QUIET:
                found.append((entry.name, status.st_mtime_ns, status.st_size))
        return sorted(found, key=lambda one: one[1])

    def limit_spool(self) -> None:
        """Drops what hooks told of the oldest sessions while the spool is above its quota; `spool/quota` may say it."""
        found = self.spooled()
        total, quota = sum(size for _, _, size in found), self.quota("spool", SPOOL)
        for name, _, size in found[:-1]:
            if total <= quota:
                return
            os.unlink(os.path.join(self.home, "spool", "claude_code", name))
            total -= size
            self.note("spool_dropped", session=digest(name[: -len(".jsonl")]), bytes=size, quota=quota)

    def quota(self, of: str = "archive", usual: int = QUOTA) -> int:
        """Bytes. What the file says when it can be understood."""
        try:
            return quota(self.home, of, usual)
        except ValueError:
            return usual

    def dropped(self) -> dict[str, tuple[int, int]]:
        """{digest of a session: (time of its newest file, the quota)} of those that the quota dropped."""
        return {one["session"]: (one["mtime_ns"], one["quota"]) for one in notes(self.log) if one["what"] == "dropped"}

    def note(self, what: str, **facts: Any) -> None:
        """One line in the log, where the disk still takes it."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        with suppress(OSError), open(self.log, "a", opener=own) as file:
            file.write(json.dumps({"ts": now, "what": what, **facts}) + "\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time; a lock of the dead opens by itself."""
        with open(os.path.join(self.home, "archive", ".lock"), "w", opener=own) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def private(folder: str) -> None:
    """Makes the folder and those above it that are missing, for this user only."""
    if not os.path.isdir(folder):
        private(os.path.dirname(folder))
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)


def pack(original: IO[bytes], raw: IO[bytes]) -> None:
    """All of `original`, gzipped, safely on the disk. The same bytes give the same file."""
    with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        shutil.copyfileobj(original, packed, BLOCK)
    raw.flush()
    os.fsync(raw.fileno())


def continues(longer: str, shorter: str) -> bool:
    """Whether one gzip file holds what another holds, and perhaps more; true where the other is damaged."""
    with gzip.open(longer) as long, gzip.open(shorter) as short:
        try:
            while block := short.read(BLOCK):
                if long.read(len(block)) != block:
                    return False
        except (OSError, EOFError, zlib.error):
            return True
    return True


def aside(target: str) -> str:
    """A free name beside `target`: `x.jsonl.1.gz` for `x.jsonl.gz`."""
    number = 1
    while os.path.exists(target[:-3] + "." + str(number) + ".gz"):
        number += 1
    return target[:-3] + "." + str(number) + ".gz"


def digest(session: str) -> str:
    """The SHA-256 of a session's id (the end of `slug/id`): the log names nothing that was dropped."""
    return sha256(session.rpartition("/")[2].encode("utf-8", "surrogatepass")).hexdigest()


def quota(home: str, of: str = "archive", usual: int = QUOTA) -> int:
    """Bytes that `of` may hold. Raises ValueError for a quota file that cannot be understood."""
    try:
        with open(os.path.join(home, of, "quota")) as file:
            said = file.read().strip()
    except FileNotFoundError:
        return usual
    found = SIZE.fullmatch(said)
    if not found:
        raise ValueError(said)
    return int(float(found.group(1)) * 1000 ** " kmgt".index(found.group(2).lower() or " "))


def notes(log: str) -> list[dict[str, Any]]:
    """The lines of the archive's log; none where there is none yet. A damaged line says nothing."""
    try:
        with open(log, "rb") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return []
    return [one for one in map(value, lines) if isinstance(one, dict) and "what" in one]
