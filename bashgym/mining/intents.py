"""Whether two calls were meant to do the same, and whether a failure was the call's own fault.

Precision before recall: a pair that is none teaches that something right was wrong."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from bashgym.signals.calls import EDIT_TOOLS, READ_TOOLS, WRITE_TOOLS, Called, command_line, path_of
from bashgym.signals.runners import runner
from bashgym.signals.shell import Command, split
from bashgym.similar.prints import strings, words

# the state of the world, or another call, not the words of this one
NOT_ITS_FAULT = re.compile(
    r"sibling tool call|cancell?ed|has not been read yet|modified since|timed? ?out\b|ECONN|ETIMEDOUT|rate limit"
    r"|could not resolve host|network is|connection (?:refused|reset)|temporary failure|50[234] |overloaded|quota"
    r"|no space left|(?:resource|device) .{0,20}(?:busy|unavailable)|index\.lock|lock file|interrupted"
    r"|HTTP 4(?:01|03|29)",
    re.IGNORECASE,
)
# a command that was written wrongly, as shells and programs say it
MISWRITTEN = re.compile(
    r"command not found|not recognized|no such file|does not exist|doesn't exist|not a directory|is a directory"
    r"|cannot (?:access|find|stat|open)|can't (?:open|cd|find)|unknown (?:option|flag|command|argument|switch)"
    r"|unrecognized|invalid (?:option|argument|choice|flag|reference|value|regular|syntax)|illegal option|bad option"
    r"|unexpected (?:token|argument|EOF|end)|syntax error|parse error|SyntaxError|usage:|no module named"
    r"|missing (?:operand|argument|script|required)|requires an? (?:argument|value)|unbound variable|bad substitution"
    r"|no matches found|ambiguous|pathspec|unable to (?:access|find|locate)|not a valid|not found|no rule to make"
    r"|too (?:many|few) arguments|expected",
    re.IGNORECASE,
)
# programs whose exit code is an answer, not a failure: nothing found, files differ, the code has faults
ANSWERING = frozenset({
    "grep", "egrep", "fgrep", "rg", "ag", "diff", "cmp", "test", "[", "which", "pgrep", "mypy", "ruff", "eslint", "tsc",
    "flake8", "pylint", "golangci-lint", "prettier", "black", "shellcheck", "clippy", "vet", "credo",
    "dialyzer", "false",
})  # fmt: skip
BUILDING = frozenset({"build", "check", "lint", "fmt", "format", "typecheck", "compile", "clippy", "vet"})
QUIET = frozenset({"cd", "echo", "export", "set", "source", ".", "sleep", "true", "pwd", "mkdir", "printf", "unset"})
ALIASES = {"python3": "python", "pip3": "pip", "nodejs": "node", "egrep": "grep", "fgrep": "grep", "gmake": "make"}
HIDING = re.compile(r"\|\|\s*(?:true|:|echo|exit 0)\b|;\s*true\s*$|2>\s*/dev/null|2>&-")
MOST = 0.6
LONGER = 4  # times the words of the shorter command
MISSPELT = 0.75
SPELT = 0.88  # of the names of two files: conn_case and data_case are two
SAME_NAME = 0.6
LIKE = 0.5  # share of words that two calls have in common
ALTERED = 0.4  # of an edit's new text, which may be corrected along with its place


def own_fault(called: Called) -> bool:
    """Whether a call failed because of how it was written."""
    if not called.failed or called.call.extra.bashgym.denied or NOT_ITS_FAULT.search(called.text[:2000]):
        return False
    line = command_line(called)
    if line is None:
        return True
    commands = split(line)
    if any(runner(one) for one in commands) or any(answers(one) for one in commands):
        return False
    return bool(MISWRITTEN.search(called.text[-4000:]))


def answers(command: Command) -> bool:
    words = [word.rsplit("/", 1)[-1] for word in command.words[:4]]
    return bool(ANSWERING & set(words[:2])) or bool(BUILDING & set(words[1:]))


def same_intent(failed: Called, later: Called) -> bool:
    """Whether `later` is another try at what `failed` was meant to do; equal calls are not: the world changed."""
    if failed.call.arguments == later.call.arguments and failed.tool == later.tool:
        return False
    line, other = command_line(failed), command_line(later)
    if line is not None and other is not None:
        return same_command(line, other)
    editing = EDIT_TOOLS | WRITE_TOOLS
    if failed.tool in editing and later.tool in editing:
        if path_of(failed) != path_of(later) or overlap(new_text(failed), new_text(later)) < ALTERED:
            return False
        old, new = old_text(failed), old_text(later)
        return not old or not new or overlap(old, new) >= LIKE  # a Write takes the place of what it does not name
    if failed.tool != later.tool:
        return False
    if failed.tool in READ_TOOLS:
        return near_path(path_of(failed) or "", path_of(later) or "")
    return same_arguments(failed.call.arguments, later.call.arguments)


def same_command(line: str, other: str) -> bool:
    """Half of the words, and an argument in common, or one that is written a little differently; of another program
    only what has most of its arguments in common."""
    if HIDING.search(other) and not HIDING.search(line):
        return False
    left, right = telling(split(line)), telling(split(other))
    if not left or not right:
        return False
    programs = ALIASES.get(left[0].program, left[0].program), ALIASES.get(right[0].program, right[0].program)
    near = any(close(one, two) for one in arguments(left)[:20] for two in arguments(right)[:20])
    shared = overlap(flat(left), flat(right))
    size = sorted((len(set(flat(left))), len(set(flat(right)))))
    return near and shared >= (LIKE if programs[0] == programs[1] else MOST) and size[1] <= LONGER * size[0]


def close(one: str, other: str) -> bool:
    """The same word, or a misspelling of it."""
    return one == other or SequenceMatcher(None, one[:200], other[:200]).ratio() >= MISSPELT


def telling(commands: Sequence[Command]) -> list[Command]:
    """The commands that do the work."""
    return [one for one in commands if one.words and one.program not in QUIET]


def flat(commands: Sequence[Command]) -> list[str]:
    return [part for one in commands for word in [*one.words, one.stdin] for part in words(word)]


def arguments(commands: Sequence[Command]) -> list[str]:
    return [word for one in commands for word in one.words[1:] if not word.startswith("-")]


def overlap(left: Sequence[str], right: Sequence[str]) -> float:
    """Words that two have in common, of those of the shorter one."""
    one, two = set(left), set(right)
    return len(one & two) / min(len(one), len(two)) if one and two else 0.0


def new_text(called: Called) -> list[str]:
    """The words that an edit would leave behind, not those it takes away."""
    kept = {name: value for name, value in called.call.arguments.items() if "old" not in name.lower()}
    if isinstance(kept.get("edits"), list):
        kept["edits"] = [one.get("new_string", "") for one in kept["edits"] if isinstance(one, dict)]
    path = path_of(called)
    return [word for text in strings(kept) if text != path for word in words(text)]


def old_text(called: Called) -> list[str]:
    """The words that an edit takes away; none of a Write."""
    found = [value for name, value in called.call.arguments.items() if "old" in name.lower()]
    return [word for text in strings(found) for word in words(text)]


def near_path(left: str, right: str) -> bool:
    """The same file by another path or in part, or a file in the folder that was asked for."""
    if not left or not right:
        return False
    name, other = left.rstrip("/").rsplit("/", 1)[-1].lower(), right.rstrip("/").rsplit("/", 1)[-1].lower()
    one, two = set(words(name.rsplit(".", 1)[0])), set(words(other.rsplit(".", 1)[0]))
    alike = len(one & two) / len(one | two) if one and two else 0.0
    inside = right.startswith(left.rstrip("/") + "/")
    return name == other or inside or alike >= SAME_NAME or SequenceMatcher(None, name, other).ratio() >= SPELT


def same_arguments(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Half of the words of all arguments; where one of two has none, they are another try of an empty call."""
    one = [word for text in strings(left) for word in words(text)]
    two = [word for text in strings(right) for word in words(text)]
    return overlap(one, two) >= LIKE
