"""Views to HTML. Everything of a session is escaped; the policy allows our own style and script, and nothing else."""

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from bashgym.history.pages.shapes import Request, SessionView, Turn
from bashgym.history.printed import many, money, short
from bashgym.history.text import cut, legible
from bashgym.pseudonyms import pseudonyms
from bashgym.report.figures import count, seconds

HERE = Path(__file__).parent
LONGEST = 20_000  # characters of one text: a page is read by people; --full shows all
PER_PAGE = 200  # steps of a page where a session has several
LINE = 400  # characters where one line is shown
HIGH = 1000  # the chart's own units, from top to bottom
WIDE = 10  # and from one request to the next


class Settings(NamedTuple):
    """How a session is written."""

    raw: bool  # as it is, unsanitized
    redactions: dict[str, int] = {}  # what was replaced, by type  # noqa: RUF012 (never changed)
    full: bool = False  # texts are not shortened
    per_page: int = 0  # steps of a page; 0: all on one
    stem: str = "session"  # the pages are called <stem>.html, <stem>-2.html ...
    back: str = ""  # the address of the index, "" where there is none


class Entry(NamedTuple):
    """One session in the index; what it says is as redacted as its page."""

    href: str
    title: str
    repo: str
    began: str
    agent: str
    turns: int
    calls: int
    tokens: int
    usd: float | None
    label: str
    redactions: int


def pages(session: SessionView, how: Settings) -> list[str]:
    """The HTML of each page."""
    split = paginated(session.turns, how.per_page)
    names = [file_name(how.stem, number) for number in range(1, len(split) + 1)]
    home = {step.anchor: names[at] for at, turns in enumerate(split) for turn in turns for step in turn.steps}
    template = environment(how.full).get_template("session.html.j2")
    return [
        template.render(
            **furniture(),
            session=session,
            raw=how.raw,
            redactions=sorted(how.redactions.items(), key=lambda one: (-one[1], one[0])),
            index=how.back,
            pages=len(split),
            page=number,
            names=names,
            turns=turns,
            outline=outline(session.turns, home, names[number - 1]),
            chart=chart(session, home, names[number - 1]) if session.requests else None,
        )
        for number, turns in enumerate(split, 1)
    ]


def index(entries: Sequence[Entry], raw: bool, made: str, left_out: Sequence[str]) -> str:
    """The page that links to all others."""
    template = environment(False).get_template("index.html.j2")
    return template.render(**furniture(), entries=entries, raw=raw, made=made, left_out=left_out)


def file_name(stem: str, number: int) -> str:
    return f"{stem}.html" if number == 1 else f"{stem}-{number}.html"


def paginated(turns: Sequence[Turn], per_page: int) -> list[list[Turn]]:
    """The turns on pages of at most `per_page` steps; a longer turn goes on on the next page."""
    if not per_page or not turns:
        return [list(turns)]
    split: list[list[Turn]] = [[]]
    room = per_page
    for turn in turns:
        rest = list(turn.steps)
        while rest:
            if room == 0:
                split.append([])
                room = per_page
            split[-1].append(turn._replace(steps=rest[:room]))
            taken = min(room, len(rest))
            rest, room = rest[taken:], room - taken
    return split


def outline(turns: Sequence[Turn], home: dict[str, str], here: str) -> list[dict[str, Any]]:
    """The turns with the address of each."""
    return [
        {
            "anchor": f"t{turn.number}",
            "href": address(f"t{turn.number}", home[turn.steps[0].anchor], here),
            "opening": turn.opening or "no words",
            "steps": len(turn.steps),
            "calls": turn.calls,
            "failures": turn.failures,
        }
        for turn in turns
    ]


def address(anchor: str, page: str, here: str) -> str:
    return f"#{anchor}" if page == here else f"{page}#{anchor}"


def chart(session: SessionView, home: dict[str, str], here: str) -> dict[str, Any]:
    """A bar for the context of each request, as places in a drawing, and the places of compactions."""
    highest = max(request.prompt for _, request in session.requests) or 1
    bars = []
    for number, (anchor, request) in enumerate(session.requests):
        title = f"step {anchor.lstrip('s')}: {request.prompt:,} tokens in, {request.output:,} out"
        parts = stacked(request, highest)
        bars.append({"href": address(anchor, home[anchor], here), "title": title, "x": number * WIDE, "parts": parts})
    return {
        "bars": bars,
        "wide": len(bars) * WIDE,
        "width": WIDE - 1 if len(bars) < 400 else WIDE,
        "highest": highest,
        "cuts": [number * WIDE for number in session.windows],
    }


def stacked(request: Request, highest: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    below = 0.0
    for kind, tokens in (("read", request.read), ("wrote", request.wrote), ("fresh", request.fresh)):
        height = round(HIGH * 0.94 * tokens / highest, 1)
        if height:
            found.append({"kind": kind, "y": round(HIGH - below - height, 1), "height": height})
            below += height
    return found


def furniture() -> dict[str, Markup]:
    """Our style and script, and the policy that allows these two and nothing else."""
    style, script = ours("style.css"), ours("script.js")
    policy = (
        f"default-src 'none'; style-src '{hash_of(style)}'; script-src '{hash_of(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}


@lru_cache
def ours(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def hash_of(text: str) -> str:
    """What a content security policy calls an inline style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@lru_cache
def environment(full: bool) -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {
        "cut": lambda text: cut(legible(text), 10**12 if full else LONGEST),
        "legible": legible,
        "line": one_line,
        "many": many,
        "marked": marked,
        "money": money,
        "number": count,
        "seconds": seconds,
        "short": short,
    }
    return made


def one_line(text: str) -> str:
    words = " ".join(legible(text[: 4 * LINE]).split())
    return words if len(words) <= LINE else f"{words[:LINE]}…"


def marked(text: str) -> Markup:
    """`text` escaped, with each pseudonym marked."""
    parts, at = [], 0
    for start, end in pseudonyms(text):
        kind = text[start:end].rpartition("_")[0]
        parts += [escape(text[at:start]), Markup('<mark title="replaced: {}">').format(kind)]
        parts += [escape(text[start:end]), Markup("</mark>")]
        at = end
    return Markup("").join((*parts, escape(text[at:])))
