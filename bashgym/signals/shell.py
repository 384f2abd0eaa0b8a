"""A command line as the shell would split it, without running it: simple commands and the operators between them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

BREAKS = frozenset(" \t\r\n|&;()<>")
OPERATORS = ("&&", "||", "|&", ";;", "|", ";", "&", "(", ")", "\n")
REDIRECTION = re.compile(r"(?:\d*|&)(?:>>|>\||>&|>)|\d*(?:<<<|<<-?|<>|<&|<)(?!\()")
HERE = re.compile(r"<<-?[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|\\?([^\s'\"|&;<>()]+))")
VARIABLE = re.compile(r"\$(?:\w+|[@*#?$!-])")
ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|.)", re.DOTALL)
ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "v": "\v"}
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
OPENING = frozenset({"if", "while", "until", "for", "case", "select"})
CLOSING = frozenset({"fi", "done", "esac"})
BETWEEN = frozenset({"then", "do", "else", "elif", "{", "}", "!", "time"})
CLOSER = {"(": ")", "{": "}", '"': '"'}
SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh"})
DEPTH = 5  # of `bash -c` within `bash -c`
LONGEST = 100_000  # characters; a longer command is data, not a command


class Word(str):
    """A word of which the shell makes something else yet; one without is a plain str.

    live: variables and substitutions outside of single quotes, as they are written; bare: any of them, or a pattern
    (* ? [ {), or a leading ~, stands outside of double quotes, too."""

    live: tuple[str, ...] = ()
    bare: bool = False

    @classmethod
    def of(cls, value: str, live: list[str], bare: bool) -> str:
        if not live and not bare:
            return value
        made = cls(value)
        made.live, made.bare = tuple(live), bare
        return made


class Command(NamedTuple):
    """One simple command. `before` and `after` are the operators around it: "", ;, &&, ||, | or & (newline is ;)."""

    words: tuple[str, ...]
    before: str = ""
    after: str = ""
    writes: tuple[str, ...] = ()  # files its output is redirected into
    stdin: str = ""  # its here-document or here-string
    conditional: bool = False  # inside if, for, while, case, or after !: its status is not the line's
    reads: tuple[str, ...] = ()  # files its input is redirected from
    assigned: tuple[str, ...] = ()  # NAME=value before it

    @property
    def program(self) -> str:
        """The name of what is run, without its folder."""
        return self.words[0].rsplit("/", 1)[-1] if self.words else ""


def every(text: str) -> list[Command]:
    """All there is in `text`, as it stands: `bash -c TEXT` is one command, and so are assignments and redirections
    without a program, and the heads of loops (`for NAME in ...`, `case WORD in ...`)."""
    return list(assemble(tokens(text[:LONGEST]), whole=True))


def split(text: str) -> list[Command]:
    """The simple commands of `text` in order; what `bash -c TEXT` would run stands in its place."""
    return list(parsed(text[:LONGEST]))


@lru_cache(maxsize=512)
def parsed(text: str, depth: int = 0) -> tuple[Command, ...]:
    """See `split`. Several judges look at the same line, one after the other."""
    found: list[Command] = []
    for command in assemble(tokens(text)):
        inner = script(command) if depth < DEPTH else None
        within = list(parsed(inner, depth + 1)) if inner is not None else []
        if within:
            within[0] = within[0]._replace(before=command.before)
            within[-1] = within[-1]._replace(after=command.after)
        found.extend(within or [command])
    return tuple(found)


def script(command: Command) -> str | None:
    """The text after `bash -c`, `sh -lc` or `eval`."""
    if command.program == "eval":
        return " ".join(command.words[1:])
    if command.program not in SHELLS:
        return None
    for flag, value in zip(command.words[1:], command.words[2:], strict=False):
        if re.fullmatch(r"-[a-z]*c", flag):
            return value
    return None


def assemble(stream: Iterator[tuple[str, str]], whole: bool = False) -> Iterator[Command]:
    """Commands out of tokens; empty ones (a lone newline, `fi`) are left out, their operators kept.

    whole: those without a program and the heads of loops are kept, too (see `every`)."""
    words: list[str] = []
    writes: list[str] = []
    reads: list[str] = []
    assigned: list[str] = []
    stdin, before, level, negated = "", "", 0, False
    held: Command | None = None
    for kind, value in stream:
        if kind == "word":
            if words or not (value in OPENING | CLOSING | BETWEEN or ASSIGNMENT.match(value)):
                words.append(value)
            else:
                level += (value in OPENING) - (value in CLOSING)
                negated = negated or value == "!"
                if value in ("for", "case", "select"):
                    words.append(value)  # its words are no command, see below
                elif ASSIGNMENT.match(value):
                    assigned.append(value)
        elif kind == "write":
            writes.append(value)
        elif kind == "read":
            reads.append(value)
        elif kind == "stdin":
            stdin = value
        else:
            operator = {"\n": ";", ";;": ";", "|&": "|", "(": before, ")": ""}.get(value, value)
            kept = bool(words or writes or assigned) if whole else words and words[0] not in ("for", "case", "select")
            if kept:
                if held:
                    yield held
                conditional = level > 0 or negated
                redirected = (tuple(writes), stdin, conditional, tuple(reads), tuple(assigned))
                held = Command(tuple(words), before, operator, *redirected)
                before = operator
            elif held and operator and not (held.after and operator == ";") and value != "(":
                held = held._replace(after=operator)  # `( pytest ) | tail`: the operator is behind the bracket
                before = operator
            words, writes, reads, assigned, stdin, negated = [], [], [], [], "", False
    if held:
        yield held


def tokens(text: str) -> Iterator[tuple[str, str]]:
    """`("word", value)`, `("write", file)`, `("read", file)`, `("stdin", here-document)`, `("operator", sign)`; an

    operator ends it."""
    at = 0
    jumps: dict[int, int] = {}  # from the end of a line over the here-documents below it
    while at < len(text):
        sign = text[at]
        if sign in " \t\r":
            at += 1
        elif text.startswith("\\\n", at):
            at += 2
        elif sign == "#":
            at = line_end(text, at)
        elif here := HERE.match(text, at) if not text.startswith("<<<", at) else None:
            body, jumps[line_end(text, at)] = here_document(text, here, jumps)
            yield "stdin", body if here[1] or here[2] or "\\" in here[0] else Word.of(body, expansions(body), False)
            at = here.end()
        elif redirection := REDIRECTION.match(text, at):
            at, target = word(text, skip(text, redirection.end()))
            if ">" in redirection[0] and not (redirection[0].endswith(">&") and re.match(r"[\d-]", target)):
                yield "write", target
            elif redirection[0].endswith("<<<"):
                yield "stdin", target
            elif redirection[0].endswith("<"):
                yield "read", target
        elif operator := next((known for known in OPERATORS if text.startswith(known, at)), None):
            at = jumps.get(at, at + 1) if operator == "\n" else at + len(operator)
            yield "operator", operator
        else:
            end, value = word(text, at)
            yield "word", value
            at = max(end, at + 1)
    yield "operator", ";"


def line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def here_document(text: str, here: re.Match[str], jumps: dict[int, int]) -> tuple[str, int]:
    """The body below the line of `<<`, and where the text goes on after it."""
    end = line_end(text, here.start())
    start = jumps.get(end, end + 1)
    mark = here[1] or here[2] or here[3]
    closing = re.compile(rf"^[ \t]*{re.escape(mark)}[ \t]*$", re.MULTILINE).search(text, start)
    if closing is None:
        return text[start:], len(text)
    return text[start : closing.start()], min(closing.end() + 1, len(text))


def word(text: str, at: int) -> tuple[int, str]:
    """One word from `at` with its quotes taken off; variables and substitutions stay as they are written."""
    parts: list[str] = []
    live: list[str] = []
    bare = text.startswith("~", at)
    while at < len(text):
        sign = text[at]
        if sign == "'":
            end = text.find("'", at + 1)
            end = len(text) if end < 0 else end
            parts.append(text[at + 1 : end])
            at = end + 1
        elif sign == '"' or text.startswith('$"', at):
            at, value = double_quoted(text, at + (1 if sign == '"' else 2), live)
            parts.append(value)
        elif text.startswith("$'", at):
            at, value = escaped(text, at + 2)
            parts.append(value)
        elif sign == "\\":
            parts.append("" if text.startswith("\\\n", at) else text[at + 1 : at + 2])
            at += 2
        elif end := expansion(text, at):
            parts.append(text[at:end])
            live.append(text[at:end])
            bare = True
            at = end
        elif sign in BREAKS:
            break
        else:
            bare = bare or sign in "*?[{"
            parts.append(sign)
            at += 1
    return at, Word.of("".join(parts), live, bare)


def double_quoted(text: str, at: int, live: list[str]) -> tuple[int, str]:
    """The value between double quotes from `at`, and the position behind the closing one; adds to `live`."""
    parts: list[str] = []
    while at < len(text) and text[at] != '"':
        if text[at] == "\\":
            following = text[at + 1 : at + 2]
            parts.append(following if following in '"\\$`' else "" if following == "\n" else "\\" + following)
            at += 2
        elif not text.startswith(("<(", ">("), at) and (end := expansion(text, at)):
            parts.append(text[at:end])
            live.append(text[at:end])
            at = end
        else:
            parts.append(text[at])
            at += 1
    return at + 1, "".join(parts)


def escaped(text: str, at: int) -> tuple[int, str]:
    """The value of `$'...'` from behind its opening, and the position behind its end."""
    end = at
    while end < len(text) and text[end] != "'":
        end += 2 if text[end] == "\\" else 1
    return end + 1, ESCAPE.sub(unescape, text[at:end])


def unescape(match: re.Match[str]) -> str:
    """The character of one escape of `$'...'`."""
    sign = match[0][1:]
    if sign[0] in "xuU" and len(sign) > 1:
        return chr(min(int(sign[1:], 16), 0x10FFFF))
    return chr(int(sign, 8) & 0xFF) if sign[0] in "01234567" else ESCAPED.get(sign, sign)


def expansions(text: str) -> list[str]:
    """Variables and substitutions of a here-document, as they are written."""
    found, at = [], 0
    while at < len(text):
        end = 0 if text.startswith(("<(", ">("), at) else expansion(text, at)
        if end:
            found.append(text[at:end])
        at = end or at + (2 if text[at] == "\\" else 1)
    return found


def expansion(text: str, at: int) -> int:
    """The position behind a variable or a substitution that begins at `at`; 0 where none does."""
    if text[at] == "`" or text.startswith(("$(", "${", "<(", ">("), at):
        return substitution(text, at)
    found = VARIABLE.match(text, at) if text[at] == "$" else None
    return found.end() if found else 0


def substitution(text: str, at: int) -> int:
    """The position behind `$(...)`, `${...}`, `<(...)` or backquotes; here-documents within are jumped over."""
    if text[at] == "`":
        end = text.find("`", at + 1)
        return len(text) if end < 0 else end + 1
    open_ones = [CLOSER[text[at + 1]]]  # a stack and no recursion: a trace is hostile text
    at += 2
    while at < len(text) and open_ones:
        sign, innermost = text[at], open_ones[-1]
        if sign == "\\":
            at += 2
        elif sign == innermost:
            open_ones.pop()
            at += 1
        elif text.startswith(("$(", "${"), at):
            open_ones.append(CLOSER[text[at + 1]])
            at += 2
        elif innermost == '"':
            at += 1
        elif sign in CLOSER and (sign == '"' or CLOSER[sign] == innermost):
            open_ones.append(CLOSER[sign])
            at += 1
        elif sign == "'" and innermost == ")":
            end = text.find("'", at + 1)
            at = len(text) if end < 0 else end + 1
        elif innermost == ")" and (here := HERE.match(text, at)):
            at = here_document(text, here, {})[1]
        else:
            at += 1
    return min(at, len(text))
