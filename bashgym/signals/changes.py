"""What a call does to the working tree: edits, commits, work taken back or put aside.

A formatter, an install and a build are no edits; a program that rewrites files unseen (`python fix.py`) is missed."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

from bashgym.signals.calls import (
    AGENT_TOOLS,
    EDIT_TOOLS,
    OPAQUE_TOOLS,
    READING_AGENTS,
    WRITE_TOOLS,
    WRITING_NAME,
    Called,
    argument,
    command_line,
    exit_code,
    path_of,
)
from bashgym.signals.runners import runner
from bashgym.signals.shell import Command, split
from bashgym.trace import Trace

# away: the tree no longer holds the session's work (stash, another branch); back: it may hold it again
Kind = Literal["edit", "commit", "revert", "away", "back"]
At = tuple[int, int, int]

EVERYTHING = "*"
GIT_VALUES = frozenset({"-C", "-c", "--git-dir", "--work-tree"})
BRINGING = frozenset({"pull", "merge", "rebase", "cherry-pick"})
FILE = re.compile(r".*\.[A-Za-z]\w{0,5}")
TARGETED = frozenset({"mv", "cp", "rm", "patch", "rsync", "install", "ln", "unlink", "rmdir", "truncate"})
IN_PLACE = frozenset({"sed", "perl", "gsed", "ruby", "yq", "jq"})
INTERPRETER = re.compile(r"(?:python|pypy)[\d.]*|node|ruby|perl|deno|bun|php")
WRITING_CODE = re.compile(
    r"write|\bopen\([^)]{1,300},\s*(?:mode=)?['\"][wax]|\bunlink|\brename|\bcopy|\bremove|rmtree|\bdump\("
)
ELSEWHERE = re.compile(
    r"/dev/|/tmp/|/var/tmp/|\$TMPDIR|(?:~|.*)/\.claude/(?:plans|todos|projects)/|&?\d+$|\$\(mktemp|.*\.(?:log|out)$"
)
COMMITTED = re.compile(r"^\[[^\]\n]*\b[0-9a-f]{7,40}\] ", re.MULTILINE)


class Change(NamedTuple):
    """One change of the working tree or of the history; `path` is * where it may be any file."""

    at: At
    step_id: int
    kind: Kind
    path: str
    known: bool = True  # False: it may have changed something (a sub-agent ran), nothing shows that it did


def changes(called: Called, trace: Trace) -> Iterator[Change]:
    """What `called` changed, as far as its name and its command tell."""
    line = command_line(called)
    if line is not None:
        yield from by_command(called, trace, line)
        return
    if not called.took_effect:
        return
    at, tool = (*called.at, 0), called.tool
    if tool in WRITE_TOOLS | EDIT_TOOLS | OPAQUE_TOOLS and argument(called, "command") != "view":
        path = path_of(called) or EVERYTHING
        if not ELSEWHERE.match(path):
            yield Change(at, called.step.step_id, "edit", path)
    elif tool in AGENT_TOOLS:
        if str(argument(called, "subagenttype") or "").lower() not in READING_AGENTS:
            yield Change(at, called.step.step_id, "edit", EVERYTHING, known=False)
    elif tool.startswith("mcp__") and WRITING_NAME.search(tool.rsplit("__", 1)[-1]):
        yield Change(at, called.step.step_id, "edit", path_of(called) or EVERYTHING, known=False)


def by_command(called: Called, trace: Trace, line: str) -> Iterator[Change]:
    """The changes of the commands of one line; those of a line that failed may have happened, so they count."""
    if called.call.extra.bashgym.denied or called.result is None:
        return
    commands = split(line)
    code = exit_code(called, trace)
    tested = False
    for index, command in enumerate(commands):
        at = (*called.at, index)
        tested = runner(command) is not None or (tested and command.before == "|")
        if kind := git_change(command):
            if kind == "commit" and not committed(called, commands, index, code):
                continue
            for path in git_paths(command) if kind == "revert" else [EVERYTHING]:
                yield Change(at, called.step.step_id, kind, path)
        for path in [] if tested else written(command):  # what a test run prints into a file is no edit
            if not ELSEWHERE.match(path):
                yield Change(at, called.step.step_id, "edit", path)


def git_words(command: Command) -> list[str]:
    """The sub-command of git and what follows it; empty for other programs."""
    if command.program != "git":
        return []
    words = list(command.words[1:])
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in GIT_VALUES else words[1:]
    return words


def git_change(command: Command) -> Kind | None:
    """What a git command does to the session's work; None for all that only looks, stages or sends."""
    words = git_words(command)
    verb, flags = (words[0], set(words[1:])) if words else ("", set())
    if verb == "commit":
        return None if "--dry-run" in flags else "commit"
    if verb in ("checkout", "switch"):
        return leaving(words, flags)
    if verb == "restore":
        return "revert" if "--staged" not in flags or flags & {"--worktree", "-W"} else None
    if verb == "reset":
        return "revert" if "--hard" in flags else None
    if verb == "clean":
        return "revert" if any(re.fullmatch(r"-\w*f\w*|--force", flag) for flag in flags) else None
    if verb == "stash":
        return None if flags & {"list", "show", "drop", "clear"} else "back" if flags & {"pop", "apply"} else "away"
    if verb in ("apply", "am"):
        return "edit"
    return "revert" if verb == "revert" else "back" if verb in BRINGING else None


def leaving(words: list[str], flags: set[str]) -> Kind | None:
    """checkout takes files back or goes to another branch; a new branch (-b, -c) keeps the tree as it is."""
    if flags & {"-b", "-B", "-c", "-C", "--create", "--orphan"}:
        return None
    if words[0] == "checkout" and (
        "--" in words or flags & {".", "-f", "--force"} or any(map(FILE.fullmatch, words[1:]))
    ):
        return "revert"
    return "away"


def git_paths(command: Command) -> list[str]:
    """The files a checkout or restore names; * for all of them (reset --hard, `.`)."""
    words = git_words(command)
    if words[0] not in ("checkout", "restore"):
        return [EVERYTHING]
    named = (
        words[words.index("--") + 1 :] if "--" in words else [word for word in words[1:] if not word.startswith("-")]
    )
    return [EVERYTHING] if not named or {".", ":/"} & set(named) else named


def committed(called: Called, commands: list[Command], index: int, code: int | None) -> bool:
    """Whether a commit was made: git's own `[branch 1a2b3c4] subject` line, or success that can only be its."""
    if COMMITTED.search(called.text):
        return True
    if "nothing to commit" in called.text or "no changes added to commit" in called.text:
        return False
    chained = all(later.after == "&&" for later in commands[index:-1])
    return code == 0 and chained and not commands[index].conditional


def written(command: Command) -> list[str]:
    """Files a simple command writes: redirections, in-place editors, tee, mv and the like, and code that writes."""
    found = list(command.writes)
    words = command.words
    plain = [word for word in words[1:] if not word.startswith("-")]
    if command.program in TARGETED:
        found += plain or [EVERYTHING]
    elif command.program == "tee":
        found += plain
    elif command.program in ("xargs", "find", "fd", "parallel") and IN_PLACE.intersection(words):
        found += [EVERYTHING] if any(re.match(r"-\w*i|--in-place", word) for word in words[2:]) else []
    elif command.program in IN_PLACE and any(re.match(r"-\w*i|--in-place", word) for word in words[1:]):
        found += plain[1:] or [EVERYTHING]
    elif INTERPRETER.fullmatch(command.program):
        code = command.stdin + " ".join(
            value for flag, value in pairwise(words) if flag in ("-c", "-e", "-pe", "-ne", "--eval")
        )
        found += [EVERYTHING] if WRITING_CODE.search(code) else []
    return found
