"""Trajectories in ADP 1.x, the Agent Data Protocol's own classes.

A trajectory is a flat list of actions and observations. Actions that follow each other are one reply, with its words
first and its calls after them; observations answer the call they name, or else the one before them."""

import mimetypes
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bashgym import config, jsonl
from bashgym.errors import InputError
from bashgym.reading import blobs, rows
from bashgym.reading.conversation import Conversation
from bashgym.reading.values import record, text
from bashgym.records import SessionRef
from bashgym.trace import Agent, Origin, Step, ToolCall, Trace

SHELLS = frozenset({"bash", "sh", "shell", "console", "commandline", "cmd"})
SPEAKERS: dict[str, Origin] = {"user": "user", "system": "system", "agent": "agent", "assistant": "agent"}


class Source:
    """Reads `sample_std.json` and the like: an array of trajectories, or one a line."""

    class Config(config.Config):
        path: str = ""
        """A folder of ADP files (.json, .jsonl), or one file; every one of them must be ADP 1.x."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def list(self) -> Iterable[SessionRef]:
        """Every trajectory, unread. Raises InputError when there are none, or for ADP 2 and later."""
        found = rows.files_of("adp", self.config.path, "FOLDER", "a folder of ADP files", ("*.json", "*.jsonl"))
        return rows.references("adp", found, name_of)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The trajectory's trace."""
        found = rows.row(ref)
        fault = found.error or fault_of(found.value)
        if fault:
            yield rows.broken("adp", ref, found, fault)
        else:
            yield Reader(found.value).trace(ref, found)


def name_of(path: Path, found: rows.Row) -> str | None:
    """The trajectory's id. Raises InputError where it says that it is of another version."""
    version = text(found.value, "schema_version")
    if version and version.startswith("ATIF-"):
        raise InputError(f"{path}: row {found.line_no} is {version}, to which ADP has moved; use source=atif for it")
    if version and not version.startswith("1."):
        raise InputError(f"{path}: row {found.line_no}: ADP schema_version {version!r} is not known; 1.x is")
    return text(found.value, "id")


def fault_of(value: Any) -> str | None:
    """Why a row is no trajectory; None when it is one."""
    if not isinstance(value, dict) or not isinstance(value.get("content"), list):
        return "no object with a list of content"
    try:
        blobs.lift_long(value)
    except blobs.TooDeep as error:
        return str(error)
    return None


class Reader:
    """One trajectory while it is read."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.talk = Conversation()
        self.reply: Step | None = None  # the reply that an action would still be part of
        self.last: ToolCall | None = None  # the call that an observation without an id answers

    def trace(self, ref: SessionRef, found: rows.Row) -> Trace:
        for number, item in enumerate(self.value["content"], 1):
            self.item(item, number)
        details = record(self.value, "details")
        name = text(details, "agent") or "adp"
        source = rows.info_of("adp", ref, found, text(self.value, "schema_version"))
        made = self.talk.trace(text(self.value, "id") or ref.id, Agent(name=name), source)
        made.info.foreign = {key: item for key, item in self.value.items() if key not in ("content", "id")}
        return made

    def item(self, item: Any, number: int) -> None:
        kind = text(item, "class_") or ""
        if kind in ("api_action", "code_action") and (called := self.called(item)):
            self.call(item, number, *called)
        elif kind == "message_action" and isinstance(item.get("content"), str):
            self.say(item, number, item["content"])
        elif kind.endswith("_observation") and isinstance(item.get("content", ""), str | dict):
            self.observe(item, number)
        elif isinstance(item, dict) and kind not in ("api_action", "code_action", "message_action"):
            self.talk.event(kind or "item", item, line_no=number)
        else:
            self.talk.bad(number, f"{kind or 'item'} is not what ADP says", jsonl.dumps(item).decode())

    @staticmethod
    def called(item: dict[str, Any]) -> tuple[str, Any] | None:
        """The function and its arguments; code of a shell as a shell's tool has it, other code under its language."""
        if item["class_"] == "api_action":
            function = text(item, "function")
            return (function, item.get("kwargs")) if function else None
        language, code = text(item, "language"), item.get("content")
        if language is None or not isinstance(code, str):
            return None
        return ("bash", {"command": code}) if language.lower() in SHELLS else (language, {"code": code})

    def act(self, item: dict[str, Any], number: int, words: str = "") -> Step:
        """The reply that an action belongs to. Words after a call begin another."""
        step = self.reply
        if step is None or (words and (step.tool_calls or step.message)):
            step = self.reply = self.talk.say("agent", words, line_no=number)
        elif words:
            step.message = words
        self.talk.mark(step, number)
        if thought := text(item, "reasoning_content"):
            self.talk.think(step, thought)
        if item.get("reward") is not None:
            step.info.foreign.setdefault("rewards", {})[str(number)] = item["reward"]
        return step

    def say(self, item: dict[str, Any], number: int, words: str) -> None:
        step = self.act(item, number, words)
        if description := text(item, "description"):
            step.info.foreign["description"] = description

    def call(self, item: dict[str, Any], number: int, name: str, arguments: Any) -> None:
        """A call. A description of more than one word is what the agent said before it, where it said nothing else."""
        description = text(item, "description") or ""
        step = self.act(item, number)
        if not step.message and not step.tool_calls and len(description.split()) > 1:
            step.message = description
        self.last = self.talk.call(step, text(item, "tool_call_id") or f"item_{number}", name, arguments)
        if description:
            self.last.extra.bashgym.foreign["description"] = description

    def observe(self, item: dict[str, Any], number: int) -> None:
        """A result where it answers a call, else words of the user, the system or the agent."""
        call_id, said = text(item, "tool_call_id"), text(item, "source") or "environment"
        adjacent = self.last.tool_call_id if self.last and self.reply else None
        content = content_of(item)
        self.reply, self.last = None, None
        if call_id is None and said in SPEAKERS:
            step = self.talk.say(SPEAKERS[said], content, line_no=number)
            step.info.foreign = rest_of(item, "content", "source", "class_")
            return
        odd = rest_of(item, "content", "tool_call_id", "class_")
        made = self.talk.result(call_id or adjacent, content, line_no=number)
        made.extra.bashgym.foreign = {key: value for key, value in odd.items() if (key, value) != ("source", said)}


def content_of(item: dict[str, Any]) -> str | list[dict[str, Any]]:
    """The words of an observation; an image as a reference, a page as its text with its picture."""
    kind, content = item["class_"], item.get("content")
    if kind == "image_observation":
        return [image(str(content))]
    if kind == "web_observation":
        page = "\n".join(filter(None, (text(item, "url"), text(item, "axtree") or text(item, "html"))))
        picture = text(item, "image_observation", "content")
        return [{"type": "text", "text": page}, image(picture)] if picture else page
    return content if isinstance(content, str) else jsonl.dumps(content).decode()


def image(path: str) -> dict[str, Any]:
    media = mimetypes.guess_type(path)[0] or "image/png"
    return {"type": "image", "source": {"media_type": media, "path": path}}


def rest_of(item: dict[str, Any], *used: str) -> dict[str, Any]:
    """What is not used of an item, and says something."""
    return {key: value for key, value in item.items() if key not in used and value is not None}
