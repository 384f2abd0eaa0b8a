"""JSON with comments, changed in place: every byte that is not changed stays as its owner wrote it.

Comments (`//`, `/* */`) and commas before a closing bracket are allowed, as Claude Code allows them in its settings.
An edit returns the whole new text; positions are characters. What `appended` puts in, `without` takes out again."""

import json
import re
from typing import Any, NamedTuple

TRIVIA = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\r\n]*|/\*.*?\*/)*", re.S)
PIECE = re.compile(r"//[^\r\n]*|/\*.*?\*/|,", re.S)
BLANK = " \t\r\n\ufeff"
DECODER = json.JSONDecoder()
CLOSING = {"{": "}", "[": "]"}


class Member(NamedTuple):
    """One element of an array, or one entry of an object with its `key`; `start` is that of the key."""

    start: int
    end: int
    key: str
    node: "Node"


class Node(NamedTuple):
    """A value in the text [start, end): an object or array has `members`."""

    start: int
    end: int
    value: Any
    members: tuple[Member, ...] = ()

    def get(self, key: str) -> "Node | None":
        """The value under `key`; of repeated keys the last, as JSON.parse has it."""
        return next((member.node for member in reversed(self.members) if member.key == key), None)


class NotJson(ValueError):
    """The text is no JSON, with comments or without; says the line."""


def parse(text: str) -> Node:
    """The value that `text` holds. Raises NotJson."""
    try:
        node = value_at(text, after_trivia(text, 0))
    except RecursionError:
        raise NotJson("nested too deeply") from None
    end = after_trivia(text, node.end)
    if end != len(text):
        raise wrong(text, end)
    return node


def value_at(text: str, at: int) -> Node:
    if text[at : at + 1] in CLOSING:
        return container_at(text, at)
    try:
        value, end = DECODER.raw_decode(text, at)
    except ValueError:
        raise wrong(text, at) from None
    return Node(at, end, value)


def container_at(text: str, start: int) -> Node:
    is_object, closing = text[start] == "{", CLOSING[text[start]]
    members: list[Member] = []
    at = after_trivia(text, start + 1)
    while text[at : at + 1] != closing:
        member = entry_at(text, at) if is_object else element(value_at(text, at))
        members.append(member)
        at = after_trivia(text, member.end)
        if text[at : at + 1] == ",":
            at = after_trivia(text, at + 1)
        elif text[at : at + 1] != closing:
            raise wrong(text, at)
    value = {one.key: one.node.value for one in members} if is_object else [one.node.value for one in members]
    return Node(start, at + 1, value, tuple(members))


def element(node: Node) -> Member:
    return Member(node.start, node.end, "", node)


def entry_at(text: str, at: int) -> Member:
    key = value_at(text, at)
    colon = after_trivia(text, key.end)
    if not isinstance(key.value, str) or text[colon : colon + 1] != ":":
        raise wrong(text, at if not isinstance(key.value, str) else colon)
    node = value_at(text, after_trivia(text, colon + 1))
    return Member(at, node.end, key.value, node)


def after_trivia(text: str, at: int) -> int:
    """Where the next token begins: past blanks and comments."""
    found = TRIVIA.match(text, at)
    return found.end() if found else at


def wrong(text: str, at: int) -> NotJson:
    found = repr(text[at]) if at < len(text) else "the end of the file"
    return NotJson(f"line {text.count(chr(10), 0, at) + 1}: {found} is not expected there")


def appended(text: str, container: Node, value: Any, key: str = "") -> str:
    """`text` with `value` as the last member of `container`, laid out like the rest of the file."""
    close = container.end - 1
    last = len(text[:close].rstrip(BLANK))  # the end of what stands before the closing bracket, comments included
    lead, tail = layout(text, container)
    head = f"{json.dumps(key, ensure_ascii=False)}: " if key else ""
    if not container.members:
        body = head + written(text, value, lead)
        if lead:
            return text[:last] + lead + body + tail + text[close:]
        return text[:last] + body + text[close:]
    end = container.members[-1].end
    comma = after_trivia(text, end)
    trailing = text[comma : comma + 1] == ","
    first, rest = (text[:last], "") if trailing else (text[:end] + ",", text[end:last])
    before = lead or (newline(text) if in_comment(text[end:last]) else " ")
    return first + rest + before + head + written(text, value, lead) + ("," if trailing else "") + text[last:]


def layout(text: str, container: Node) -> tuple[str, str]:
    """What goes before a member of `container` and before its closing bracket: newline and indentation, or nothing
    where members stand in one line."""
    line = newline(text)
    own = indentation(text, container.start)
    if not container.members:
        lone = "\n" not in text.strip(BLANK) and text.strip(BLANK) not in {"{}", "[]"}
        return ("", "") if lone else (line + own + unit(text), line + own)
    first = container.members[0].start
    if "\n" not in text[container.start : first]:
        return "", ""
    return line + indentation(text, first), line + own


def written(text: str, value: Any, lead: str) -> str:
    """`value` as JSON: indented like `text` from `lead` on, in one line where that is empty."""
    if not lead:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, indent=unit(text), ensure_ascii=False).replace("\n", lead)


def newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def indentation(text: str, at: int) -> str:
    """The blanks that the line of position `at` begins with."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at].lstrip("\ufeff")
    return line[: len(line) - len(line.lstrip(" \t"))]


def unit(text: str) -> str:
    """One step of indentation: that of the first indented line of a member, else two spaces."""
    root = parse(text)
    first = root.members[0].start if root.members else 0
    return (indentation(text, first) if "\n" in text[root.start : first] else "") or "  "


def without(text: str, container: Node, index: int) -> str:
    """`text` without member `index` of `container` and its comma; comments stay."""
    gone = container.members[index]
    comma = after_trivia(text, gone.end)
    followed = text[comma] == ","
    rest = text[comma + 1 :] if followed else text[gone.end :]
    before = container.members[index - 1].end if index else container.start + 1
    start = len(text[: gone.start].rstrip(BLANK))
    if in_comment(text[before:start]) and "\n" not in rest[: len(rest) - len(rest.lstrip(BLANK))]:
        start = gone.start  # what follows would fall into the comment
    spans = [(start, gone.end)]
    if followed:
        spans.append((comma, comma + 1))
    elif index:
        comma = after_trivia(text, container.members[index - 1].end)
        spans.insert(0, (comma, comma + 1))
    for start, end in reversed(spans):
        text = text[:start] + text[end:]
    return emptied(text, container.start) if len(container.members) == 1 else text


def in_comment(gap: str) -> bool:
    """Whether what is written after `gap`, the text between two members, would belong to a `//` comment."""
    last = next(reversed(list(PIECE.finditer(gap))), None)
    return last is not None and last.group().startswith("//") and last.end() == len(gap)


def emptied(text: str, start: int) -> str:
    """The container at `start`, which has no member left, as `{}` or `[]` where it holds no comment either."""
    end = after_trivia(text, start + 1)
    return text[: start + 1] + text[end:] if not text[start + 1 : end].strip(BLANK) else text
