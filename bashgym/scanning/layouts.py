"""Secrets whose place says so from afar: in manifests of Kubernetes, in columns of tables, in cookies, in pieces.

Every search is linear: what is matched is bounded, and each place of the text is looked at once."""

import re
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator

from bashgym.scanning.promised import likely
from bashgym.scanning.secret_values import HEX, placeholder, random, secretlike

Place = tuple[int, int]  # start, end

SECRET_KIND = re.compile(r"kind[\"']?\s{0,4}:\s{0,4}[\"']?Secret\b")
DATA = re.compile(r"(?:\b|[\"'])(?:data|stringData)[\"']?[ \t]{0,4}:[ \t]{0,4}(?:(\{)|\r?\n([ \t]{1,40}))")
ENTRY = re.compile(r"[\"']?[\w.-]{1,128}[\"']?[ \t]{0,4}:[ \t]{0,4}[\"']?([^\s\"',{}]{1,65536})")
NEAR = 32768  # characters between a manifest's kind and its data
INSERT = re.compile(
    r"insert\s{1,4}into\s{1,4}[^\s()]{1,80}\s{0,4}\(([^()]{1,400})\)\s{0,4}values\s{0,4}", re.IGNORECASE
)
ROW = re.compile(r"\s{0,4},?\s{0,4}\(((?:[^()'\"]|'[^'\n]{0,400}'|\"[^\"\n]{0,400}\"){1,1000})\)")
CELL = re.compile(r"\s{0,8}('[^'\n]{0,400}'|\"[^\"\n]{0,400}\"|[^,'\"]{0,400})\s{0,8}(?:,|$)")
COLUMN = re.compile(
    r"[\s\"'`]*(?:\w{1,20}[ _-])?"
    r"(?:password|passwd|passwort|passphrase|secret|token|api[ _-]?key|secret[ _-]?key)[\s\"'`]*",
    re.IGNORECASE,
)
RULE = re.compile(r"[\s|+:=-]*")
MOST_ROWS = 400
WIDEST = 400  # characters of a header
PAIR = re.compile(r"([^\s=;,\"']{1,64})=([^\s;,\"']{8,4096})")
LISTED = re.compile(r"[\"']value[\"']\s{0,4}:\s{0,4}[\"']([^\s\"']{8,4096})[\"']")
ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority"})
COOKIE_LIST = "cookie"  # the name that its values are judged by
COOKIE = 16  # characters of a session's id
PIECES = re.compile(r"[\"'`][ \t]{0,4}(?:[+.\\][ \t]{0,4})?\n?[ \t+>|-]{0,40}[bru]?[\"'`]([^\"'`\s]{4,512})(?=[\"'`])")
WRAPPED = re.compile(r"\\\r?\n[ \t]{0,8}([^\s\"'`;|&]{4,512})")
PIECE = 8


def may_be(text: str) -> bool:
    """Whether there may be a manifest or a statement of SQL in it."""
    return "Secret" in text or "nsert" in text or "NSERT" in text


def kubernetes(text: str) -> Iterator[Place]:
    """The values under `data` and `stringData` of manifests of kind Secret, whatever their keys, in YAML or JSON."""
    kinds = [match.start() for match in SECRET_KIND.finditer(text)] if "Secret" in text else []
    at = 0
    while kinds and (block := DATA.search(text, at)):
        near = bisect_left(kinds, block.start() - NEAR)
        at = block.end()
        at = max(at, text.find("}", at, at + NEAR) if block[1] else block_end(text, at, len(block[2])))
        if near < len(kinds) and kinds[near] <= at + NEAR:
            yield from entries(text, block.start(2) if block[2] else block.end(), at)


def block_end(text: str, at: int, indent: int) -> int:
    """Where the lines end that are indented by at least `indent`, from a line that is."""
    while (line := text.find("\n", at)) >= 0:
        head = text[line + 1 : line + 1 + indent]
        if head.strip(" \t"):
            return line
        at = line + 1
    return len(text)


def entries(text: str, start: int, end: int) -> Iterator[Place]:
    for match in ENTRY.finditer(text, start, end):
        if len(match[1]) >= 4 and not placeholder(match[1]):
            yield match.span(1)


def columns(text: str, headers: Iterable[int], bits: float) -> Iterator[Place]:
    """Cells below a column that is called password (or token, secret, API key), in tables of any delimiter; `headers`
    are places in such names."""
    done = 0
    for at in sorted(headers):
        if at >= done:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            done = end if end >= 0 else len(text)
            if end - start <= WIDEST:
                found, done = table(text, text[start:end], end + 1, bits)
                yield from found


def table(text: str, header: str, at: int, bits: float) -> tuple[list[Place], int]:
    """The cells of the lines from `at` on that have as many as the header, and where those lines end."""
    delimiter = next((mark for mark in "|\t;," if mark in header), "|")
    cells = header.split(delimiter)
    wanted = {number for number, cell in enumerate(cells) if COLUMN.fullmatch(cell)}
    found: list[Place] = []
    for _ in range(MOST_ROWS if wanted else 0):
        end = text.find("\n", at, at + 10 * WIDEST)
        end = min(len(text), at + 10 * WIDEST) if end < 0 else end
        line = text[at:end]
        if line.count(delimiter) != len(cells) - 1 and not RULE.fullmatch(line[:WIDEST]):
            break
        found += picked(line, delimiter, wanted, at, bits)
        if end == len(text):
            break
        at = end + 1
    return found, at


def picked(line: str, delimiter: str, wanted: Container[int], at: int, bits: float) -> Iterator[Place]:
    for number, cell in enumerate(line.split(delimiter)):
        value = cell.strip(" \t\r\"'`")
        if number in wanted and likely(value, bits):
            start = at + cell.index(value)
            yield start, start + len(value)
        at += len(cell) + 1


def inserted(text: str, bits: float) -> Iterator[Place]:
    """What an SQL INSERT puts into columns of such names."""
    if "nsert" not in text and "NSERT" not in text:
        return
    for match in INSERT.finditer(text):
        wanted = [number for number, cell in enumerate(match[1].split(",")) if COLUMN.fullmatch(cell)]
        at = match.end()
        while wanted and (row := ROW.match(text, at)):
            at = row.end()
            for number, cell in enumerate(CELL.finditer(text, *row.span(1))):
                value = cell[1].strip(" \t\r\n\"'")
                if number in wanted and likely(value, bits):
                    start = cell.start(1) + cell[1].index(value)
                    yield start, start + len(value)


def cookies(text: str, start: int, end: int, bits: float) -> Iterator[Place]:
    """The values of a cookie header in [start, end) that could be somebody's session."""
    for pair in PAIR.finditer(text, start, end):
        name, value = pair[1].lower(), pair[2]
        if name in ATTRIBUTES or placeholder(value):
            continue
        if (len(value) >= COOKIE and (HEX.fullmatch(value) or random(value, bits))) or likely(value, bits):
            yield pair.span(2)


def cookie_list(text: str, start: int, end: int, bits: float) -> Iterator[Place]:
    """The values of a list of cookies in [start, end), each an object of JSON with a name and a value."""
    for match in LISTED.finditer(text, start, end):
        if secretlike(COOKIE_LIST, match[1], True, bits):
            yield match.span(1)


def continued(text: str, end: int, bits: float) -> int:
    """Where a secret ends whose first piece ends at `end`: `'k3j9' + 'd8f7'`, a line wrapped with a backslash."""
    while piece := PIECES.match(text, end) or WRAPPED.match(text, end - (text[end - 1] == "\\")):
        value = piece[1]
        if len(value) < PIECE or not likely(value, bits):
            break
        end = piece.end(1)
    return end
