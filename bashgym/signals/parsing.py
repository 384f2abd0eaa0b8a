"""Whether a text parses in the language its name promises. Nothing is executed: Python is compiled, shell read with -n,
and languages without a parser here are read by tree-sitter's grammars (grammars.py).

Unknown is an answer: a template, a dialect (JSON with comments, Python newer than ours), a text too long or too deeply
nested, a pseudonym where a value was. Test data that is meant to be broken is told by its path."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from bashgym.pseudonyms import pseudonyms
from bashgym.signals import grammars

Language = str  # of PARSERS
State = Literal["parses", "broken", "unknown"]

SUFFIXES: dict[str, Language] = {
    **grammars.SUFFIXES,
    ".py": "python", ".pyi": "python", ".json": "json", ".ipynb": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".sh": "shell", ".bash": "shell",
}  # fmt: skip
SHEBANG = re.compile(r"#!\s*\S*/(?:env\s+)?(?P<program>bash|sh|dash|python[\d.]*)\b")
TEMPLATE_MARKS = (("{{", "}}"), ("{%", "%}"), ("<%", "%>"))
PLACEHOLDER = re.compile(r"@@\w{1,60}@@|__[A-Z]{1,60}__")
MEANT_BROKEN = re.compile(
    r"(?:^|/)(?:fixtures?|testdata|test_data|test-data|__fixtures__|samples?|corpus|snapshots|__snapshots__|golden)/"
    r"|(?:^|[/_.-])(?:invalid|malformed|broken|corrupt(?:ed)?|bad|syntax[_-]?errors?|unparseable|truncated)(?:[/_.-]|\d|$)",
    re.IGNORECASE,
)
WITH_COMMENTS = re.compile(
    r"(?:^|/)(?:[tj]sconfig[\w.-]*|devcontainer|settings|launch|tasks|extensions|keybindings|\.?eslintrc"
    r"|\.babelrc|api-extractor|\.swcrc|deno|wrangler|biome|turbo|nx|angular|language-configuration)\.json$|(?:^|/)\.(?:vscode|devcontainer|cursor)/"
)
COMMENT_IN_JSON = re.compile(r"^[ \t]*(?://|/\*)|,\s*[}\]]", re.MULTILINE)
# what Python 3.12 to 3.14 read and an older one refuses: type parameters, type statements, except without (), t-strings
NEWER_PYTHON = re.compile(
    r"^\s*(?:async\s+)?(?:def|class)\s+\w+\s*\[|^\s*type\s+\w+.*=|^\s*except\*?\s+\w+(?:\.\w+)*\s*,|\b[tT]r?['\"]",
    re.MULTILINE,
)
NOTEBOOK_LINE = re.compile(r"^\s*[%!]")
FLOW = re.compile(r"^\s*(?://|/?\*+)\s*@flow\b", re.MULTILINE)
DOTS = 1000  # in a line of TOML; tomllib's time grows with their square
STAND_INS = ("1", "a", '"a"', 'a"', '"a', "a'", "'a", "")  # what a pseudonym may stand for


class Parsed(NamedTuple):
    """The state of one text, and why where it is not "parses"; `line` from 1, where the parser names one."""

    state: State
    why: str = ""
    line: int | None = None


class Broken(Exception):
    """The parser refused the text."""

    def __init__(self, why: str, line: int | None) -> None:
        super().__init__(why)
        self.why, self.line = " ".join(why.split())[:160], line


class Unknown(Exception):
    """The parser cannot tell."""


def language_of(path: str, content: str) -> Language | None:
    """By the ending, else by the first line; None for all that is not parsed here."""
    found = SUFFIXES.get(PurePosixPath(path).suffix.lower())
    if found or PurePosixPath(path).suffix:
        return found
    shebang = SHEBANG.match(content)
    if not shebang:
        return None
    return "python" if shebang["program"].startswith("python") else "shell"


def parse(path: str, content: str, language: Language, seconds: float) -> Parsed:
    """Whether `content` parses; a failure that something else than the session may explain is unknown."""
    try:
        PARSERS[language](content, seconds)
        return Parsed("parses")
    except Unknown as unknown:
        return Parsed("unknown", str(unknown))
    except Broken as broken:
        excuse = excused(path, content, language, broken, seconds)
        return Parsed("unknown", excuse, broken.line) if excuse else Parsed("broken", broken.why, broken.line)


def excused(path: str, content: str, language: Language, broken: Broken, seconds: float) -> str:
    """Why a failure to parse says nothing about the session's work; empty when it does."""
    if is_template(line_of(content, broken) if language == "python" else content):
        return "a template"
    if MEANT_BROKEN.search(path):
        return "test data, which may be meant to be broken"
    if language == "json" and (WITH_COMMENTS.search(path) or COMMENT_IN_JSON.search(content)):
        return "JSON with comments or trailing commas"
    if language == "python" and newer(content, broken):
        return f"of a notebook, or of a Python other than {sys.version_info.major}.{sys.version_info.minor}"
    return "a pseudonym stands where it fails" if damaged(content, language, broken, seconds) else ""


def is_template(text: str) -> bool:
    """Whether a mark of Jinja, Helm, ERB or the like opens and closes; by find, as a search would be quadratic."""
    found = [(text.find(opening), closing) for opening, closing in TEMPLATE_MARKS]
    return any(at >= 0 and text.find(closing, at) >= 0 for at, closing in found) or bool(PLACEHOLDER.search(text))


def line_of(content: str, broken: Broken) -> str:
    """The line the parser names."""
    lines = content.split("\n")
    return lines[broken.line - 1] if broken.line and broken.line <= len(lines) else ""


def newer(content: str, broken: Broken) -> bool:
    """Python 2's print, a notebook's magic line, or what a newer Python reads; a plain mistake looks otherwise."""
    line = line_of(content, broken)
    told = "f-string" in broken.why or broken.why.startswith("Missing parentheses in call to")
    return told or bool(NEWER_PYTHON.search(line) or NOTEBOOK_LINE.match(line))


def damaged(content: str, language: Language, broken: Broken, seconds: float) -> bool:
    """Whether pseudonyms explain the failure: it is in a line with one, or another value in their place parses."""
    spans = list(pseudonyms(content))
    if not spans:
        return False
    lines = {content.count("\n", 0, start) + 1 for start, _ in spans}
    if broken.line is not None and lines & {broken.line - 1, broken.line, broken.line + 1}:
        return True
    return any(parses(filled(content, spans, value), language, seconds) for value in STAND_INS)


def filled(content: str, spans: list[tuple[int, int]], value: str) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [content[at:start], value]
        at = end
    return "".join([*parts, content[at:]])


def parses(content: str, language: Language, seconds: float) -> bool:
    try:
        PARSERS[language](content, seconds)
    except (Broken, Unknown):
        return False
    return True


def python(content: str, seconds: float) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(content, "<file>", "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        raise Broken(error.msg or "syntax error", error.lineno) from None
    except (RecursionError, MemoryError):
        raise Unknown("nested too deeply") from None
    except ValueError as error:  # null bytes, lone surrogates
        raise Unknown(str(error)) from None


def json_text(content: str, seconds: float) -> None:
    try:
        json.loads(content.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise Broken(error.msg, error.lineno) from None
    except RecursionError:
        raise Unknown("nested too deeply") from None
    except ValueError as error:  # an integer of more than 4300 digits
        raise Unknown(str(error)) from None


def json_lines(content: str, seconds: float) -> None:
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip():
            try:
                json_text(line, seconds)
            except Broken as broken:
                raise Broken(broken.why, number) from None


def yaml_text(content: str, seconds: float) -> None:
    """Events only: nothing is constructed, aliases are not expanded, tags may be any.

    libyaml takes minutes over 100,000 open brackets, hence the look at the clock."""
    import yaml

    from bashgym import yamls

    ends = time.monotonic() + seconds
    try:
        for _ in yaml.parse(content, Loader=yamls.LOADER):
            if time.monotonic() > ends:
                raise Unknown(f"YAML that takes longer than {seconds:.0f} s")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Broken(error.problem or "not YAML", mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, RecursionError, UnicodeError) as error:
        raise Unknown(type(error).__name__) from None


def toml(content: str, seconds: float) -> None:
    if any(line.count(".") > DOTS for line in content.split("\n")):
        raise Unknown(f"a line with more than {DOTS} dots")
    try:
        tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        told = re.search(r"at line (\d+)", str(error))
        raise Broken(str(error), int(told[1]) if told else None) from None
    except RecursionError:
        raise Unknown("nested too deeply") from None
    except ValueError as error:
        raise Unknown(str(error)) from None


def shell(content: str, seconds: float) -> None:
    """`bash -n` reads and does not run. extglob is on: a script that sets it would otherwise be refused."""
    shebang = SHEBANG.match(content)
    posix = bool(shebang and shebang["program"] in ("sh", "dash"))
    program = shutil.which("bash") or (shutil.which("sh") if posix else None)
    if program is None:
        raise Unknown("no bash here to read it")
    command = [program, "-O", "extglob", "-n"] if program.endswith("bash") else [program, "-n"]
    try:
        done = subprocess.run(
            command,
            input=content.encode("utf-8", "replace"),
            capture_output=True,
            timeout=max(seconds, 0.1),
            env={"PATH": os.defpath, "LC_ALL": "C"},  # no BASH_ENV, no exported functions
            cwd="/",
            start_new_session=True,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise Unknown(f"bash -n: {type(error).__name__}") from None
    if done.returncode < 0:
        raise Unknown(f"bash -n ended by signal {-done.returncode}")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace")
        told = re.search(r"line (\d+)", said)
        first = said.strip().split("\n")[0] if said.strip() else "refused by bash -n"
        raise Broken(re.sub(r"^\S+: (?:line \d+: )?", "", first), int(told[1]) if told else None)


def by_grammar(language: str, content: str, seconds: float) -> None:
    """What tree-sitter's grammar of the language says."""
    if FLOW.search(content[:2000]):
        raise Unknown("JavaScript with Flow's types")
    try:
        fault = grammars.fault(content, language, seconds)
    except ImportError:
        raise Unknown(f"no grammar of {language} is installed") from None
    except grammars.Late:
        raise Unknown(f"{language} that takes longer than {seconds:.0f} s") from None
    if fault:
        raise Broken(fault.told, fault.line)


PARSERS: dict[Language, Callable[[str, float], None]] = {
    **{name: partial(by_grammar, name) for name in grammars.GRAMMARS},
    "python": python,
    "json": json_text,
    "jsonl": json_lines,
    "yaml": yaml_text,
    "toml": toml,
    "shell": shell,
}
