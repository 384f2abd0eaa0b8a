"""What the words of a command become: variables, braces, and substitutions of which the output is known."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bashgym.policy.places import UNRESOLVED
from bashgym.signals.shell import ESCAPE, Command, every, unescape

MANY = 64  # alternatives of one word; more are not told apart
NAMED = re.compile(r"\$(?:\{(\w+)(?::?([-=+?])(.*))?\}|(\w+|[@*#?$!-]))", re.DOTALL)
BRACES = re.compile(r"(?<!\$)\{([^{}]*,[^{}]*)\}")
DECODING = frozenset({"-d", "-D", "--decode", "-di", "-id"})

PRINTED = {"whoami": "user", "mktemp": "/tmp/tmp.x", "nproc": "1", "date": "1", "hostname": "host"}


@dataclass
class Session:
    """What earlier commands of a line have set: the working folder (None: unknown), variables, and files written.

    A file's text is None where it was downloaded."""

    cwd: str | None = "."
    variables: dict[str, list[str] | None] = field(default_factory=dict)
    files: dict[str, str | None] = field(default_factory=dict)


def known_variables(session: Session) -> dict[str, list[str] | None]:
    """What the shell sets itself."""
    here = None if session.cwd is None else [session.cwd]
    return {
        "HOME": ["~"], "PWD": here, "TMPDIR": ["/tmp/tmpdir"], "USER": ["user"], "LOGNAME": ["user"], "IFS": [" "],
        "$": ["1"], "?": ["0"], "#": ["1"], "RANDOM": ["1"], "SECONDS": ["1"], "UID": ["1000"], "EUID": ["1000"],
        "LINENO": ["1"], "HOSTNAME": ["host"], "PPID": ["1000"], "EPOCHSECONDS": ["1"], "!": ["1000"],
    }  # fmt: skip


def resolved(words: Sequence[str], session: Session) -> list[str]:
    return [value for word in words for value in resolve(word, session)]


def resolve(word: str, session: Session) -> list[str]:
    """The words that one word becomes, or may become; what is not known is UNRESOLVED.

    Signs that were quoted are no patterns: they are replaced by a letter, as only their place matters."""
    live, bare = getattr(word, "live", ()), getattr(word, "bare", False)
    values = [str(word)]
    for expansion in live:
        outcomes = evaluate(expansion, session) or [UNRESOLVED]
        values = [value.replace(expansion, outcome, 1) for value in values for outcome in outcomes][:MANY]
    if not bare and not live:
        return ["./" + value if value.startswith("~") else re.sub(r"[*?\[]", "x", value) for value in values]
    if not bare:
        return values
    values = [one for value in values for one in braces(value)]
    return [one for value in values for one in value.split()] if live else values


def braces(value: str) -> list[str]:
    """`a{b,c}` is ab and ac."""
    values = [value]
    while len(values) < MANY:
        found = next((index for index, one in enumerate(values) if BRACES.search(one)), None)
        if found is None:
            break
        match = BRACES.search(values[found])
        assert match
        start, end = match.span()
        whole = values[found]
        values[found : found + 1] = [whole[:start] + part + whole[end:] for part in match[1].split(",")]
    return [one for one in values if one]


def evaluate(expansion: str, session: Session) -> list[str] | None:
    """The values of `$X`, `${X:-y}`, `$(...)`; None where they are not known."""
    if expansion.startswith("$(("):
        return ["1"]
    if expansion.startswith(("$(", "`", "<(", ">(")):
        output = None if expansion[0] in "<>" else output_of(inside(expansion), session)
        return None if output is None else [output]
    match = NAMED.fullmatch(expansion)
    separators = session.variables.get("IFS")
    if not match or (separators and separators != [" "]):
        return None
    name = match[1] or match[4]
    value = session.variables.get(name, known_variables(session).get(name))
    if match[2] in ("-", "=") and value is None:
        return [match[3], UNRESOLVED]
    return None if match[2] == "+" else value


def inside(expansion: str) -> str:
    """The commands of a substitution."""
    return expansion.strip("`") if expansion.startswith("`") else expansion[2:].removesuffix(")")


def output_of(text: str, session: Session) -> str | None:
    """What commands print, where that can be told without running them."""
    commands = every(text)
    if not commands or any(command.after not in ("|", ";", "") for command in commands):
        return None
    printed = printed_by(commands[0], session)
    for command in commands[1:]:
        if command.before != "|" or printed is None:
            return None
        printed = decoded(command, printed)
    return None if printed is None else printed.rstrip("\n")


def printed_by(command: Command, session: Session) -> str | None:
    program, rest = command.program, resolved(command.words[1:], session)
    if any(UNRESOLVED in word for word in rest):
        return None
    if program in ("echo", "printf"):
        return echoed(program, [str(word) for word in plain(command.words[1:], session)])
    if program == "cat" and command.stdin and not rest:
        return str(command.stdin)
    known = {
        "pwd": session.cwd,
        "whoami": "user",
        "mktemp": "/tmp/tmp.x",
        "nproc": "1",
        "date": "1",
        "hostname": "host",
    }
    if program in known:
        return known[program]
    if program in ("which", "realpath", "readlink") and rest:
        return rest[-1]
    if program in ("command", "type") and rest[:1] in (["-v"], ["-p"]) and len(rest) == 2:
        return rest[1]
    return "." if program == "git" and rest[:2] == ["rev-parse", "--show-toplevel"] else None


def plain(words: Sequence[str], session: Session) -> Iterator[str]:
    """The words as text: nothing in them is a pattern."""
    for word in words:
        if getattr(word, "live", ()):
            yield from resolve(word, session)
        else:
            yield word


def echoed(program: str, words: list[str]) -> str:
    """What echo or printf prints of these words."""
    flags = [word for word in words if re.fullmatch(r"-[neE]+", word)] if program == "echo" else []
    rest = words[len(flags) :] if words[: len(flags)] == flags else words
    text = " ".join(rest)
    if program == "printf":
        text = rest[0] if rest else ""
        for word in rest[1:]:
            text = re.sub(r"%[-0-9.]*[sbqdi]", word.replace("\\", r"\\"), text, count=1)
    return ESCAPE.sub(unescape, text) if program == "printf" or any("e" in flag for flag in flags) else text


def decoded(command: Command, text: str) -> str | None:
    """What a filter makes of a text; None where that is not told here."""
    if command.program in ("cat", "tee"):
        return text
    if command.program == "rev":
        return "\n".join(line[::-1] for line in text.split("\n"))
    try:
        if command.program in ("base64", "gbase64") and DECODING & set(command.words[1:]):
            return base64.b64decode(text, validate=False).decode("utf-8", "replace")
        if command.program == "xxd" and {"-r", "-p"} <= set(command.words[1:]) | set("".join(command.words[1:])):
            return bytes.fromhex(re.sub(r"\s", "", text)).decode("utf-8", "replace")
    except (ValueError, binascii.Error):
        return None
    return None
