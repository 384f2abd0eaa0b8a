"""The tracked files of a repository as they were when a session began, read without running anything of its own.

Objects are read as they are (`ls-tree`, `cat-file`): no filter, no hook, no monitor, and nothing is fetched."""

import os
import re
import stat
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bashgym.replay.unfit import Unfit
from bashgym.trace import Trace

SAFE = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never")
COMMIT = re.compile(r"[0-9a-f]{7,64}")
PATIENCE = 60.0  # seconds for one answer of git
LINK, FILE, EXECUTABLE = "120000", "100644", "100755"
# a file of settings that are nobody else's business; what only shows how one would look may be had
PRIVATE = re.compile(r"\.env(?:rc)?(?:\.(?!example$|sample$|template$|dist$).*)?", re.IGNORECASE)


class Entry(NamedTuple):
    """One file of a commit; `size` in bytes."""

    mode: str
    sha: str
    size: int
    path: str


def git(folder: Path, *words: str, feed: bytes = b"") -> bytes:
    """What git prints; raises Unfit where it fails."""
    seen = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    seen |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
    command = ["git", *SAFE, "-C", str(folder), *words]
    try:
        answer = subprocess.run(command, input=feed, capture_output=True, env=seen, timeout=PATIENCE, check=True)
    except FileNotFoundError:
        raise Unfit("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unfit("git did not answer in time") from None
    except subprocess.CalledProcessError as error:
        reason = "belongs to somebody else" if b"dubious ownership" in error.stderr else "cannot be read"
        raise Unfit(f"its repository {reason} (git {words[0]})") from None
    return answer.stdout


def root_of(trace: Trace) -> Path:
    """The top folder of the repository that the session worked in."""
    cwd = trace.info.project.cwd
    if not cwd or not Path(cwd).is_absolute() or not Path(cwd).is_dir():
        raise Unfit("the folder it worked in is not on this machine")
    try:
        return Path(os.fsdecode(git(Path(cwd), "rev-parse", "--show-toplevel")).rstrip("\n"))
    except Unfit as error:
        raise Unfit(str(error) if "somebody" in str(error) else "it worked in no repository") from None


def commit_of(trace: Trace, root: Path) -> str:
    """The commit the session began at: as the agent wrote it down, else where HEAD was at that time.

    The log of references knows that where it reaches back far enough; else the last commit before it."""
    told = trace.info.project.git_commit
    if told and COMMIT.fullmatch(told):
        try:
            return git(root, "rev-parse", "--verify", "--quiet", f"{told}^{{commit}}").decode().strip()
        except Unfit:
            raise Unfit("the commit it began at is not in the repository") from None
    began = started(trace)
    if began is None:
        raise Unfit("neither a commit nor a time says where it began")
    for line in git(root, "log", "--walk-reflogs", "--format=%H %gd", "--date=unix", "HEAD").decode().splitlines():
        sha, _, selector = line.partition(" ")
        moment = re.search(r"@\{(\d+)\}", selector)
        if moment and int(moment[1]) <= began:
            return sha
    found = git(root, "rev-list", "-1", f"--before={began}", "HEAD").decode().strip()
    if not found:
        raise Unfit("the repository has no commit from before it began")
    return found


def started(trace: Trace) -> int | None:
    """Seconds since 1970 of the first step that has a time."""
    for step in trace.steps:
        if step.timestamp:
            try:
                return int(datetime.fromisoformat(step.timestamp.replace("Z", "+00:00")).timestamp())
            except ValueError:
                return None
    return None


def entries(root: Path, commit: str, max_bytes: int) -> list[Entry]:
    """The files of a commit; submodules are left out, and so is what is private. Raises Unfit where it is too much."""
    found = []
    for line in git(root, "ls-tree", "-r", "-z", "-l", "--full-tree", commit).split(b"\0"):
        head, _, name = line.partition(b"\t")
        if not name:
            continue
        mode, _, sha, size = head.split()
        entry = Entry(mode.decode(), sha.decode(), int(size) if size.isdigit() else 0, os.fsdecode(name))
        if entry.mode in (LINK, FILE, EXECUTABLE) and may_be_written(entry.path):
            found.append(entry)
    if sum(entry.size for entry in found) > max_bytes:
        raise Unfit("its repository is larger than max_repository_mb")
    return found


def may_be_written(path: str) -> bool:
    parts = PurePosixPath(path).parts
    if any(part in ("..", ".", "") or part.lower() == ".git" for part in parts) or path.startswith("/"):
        return False
    return not PRIVATE.fullmatch(parts[-1])


def write(root: Path, commit: str, folder: Path, max_bytes: int, leave_out: Sequence[str] = ()) -> None:
    """Writes the tracked files into an empty folder; top names in `leave_out` stay free for what is bound there.

    Links come last, so that nothing is written through one."""
    wanted = [one for one in entries(root, commit, max_bytes) if PurePosixPath(one.path).parts[0] not in leave_out]
    links = []
    for entry, content in contents(root, wanted):
        place = folder / entry.path
        if entry.mode == LINK:
            links.append((place, content))
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        if entry.mode == EXECUTABLE:
            place.chmod(place.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    for place, content in links:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(os.fsdecode(content))


def contents(root: Path, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
    """Each entry with its bytes."""
    feed = b"".join(entry.sha.encode() + b"\n" for entry in wanted)
    answer = git(root, "cat-file", "--batch", feed=feed)
    at = 0
    for entry in wanted:
        end = answer.index(b"\n", at)
        head = answer[at:end].split()
        if head[-1] == b"missing":
            raise Unfit("an object of its commit is not in the repository")
        size = int(head[2])
        yield entry, answer[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
