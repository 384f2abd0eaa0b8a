"""What a worker process makes of one session's examples: the rows of its kept traces."""

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import orjson

from bashgym import jsonl, tools
from bashgym.records import Example, PluginSpec, Record, Row
from bashgym.rows.calls import malformed, parameters
from bashgym.stages.worker import build, split_drops, stored_examples
from bashgym.store import Store


class RenderTask(Record, frozen=True, kw_only=True):
    """The examples of one session's kept traces, to be rendered as rows."""

    key: str  # of the session in the store
    traces: dict[str, list[str]]  # kept trace -> replies that another session already teaches
    tools: list[dict[str, Any]]
    format: PluginSpec
    fingerprint: str
    store: str

    @property
    def rows_key(self) -> str:
        parts = orjson.dumps([self.key, self.traces, self.tools, self.fingerprint], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(parts).hexdigest()


def render(task: RenderTask) -> str:
    """The key under which the store holds the drops (first line) and, per row, [trace, row] (the others)."""
    store = Store(Path(task.store))
    if store.has(task.rows_key):
        return task.rows_key
    format_plugin = build(task.format)
    dropped: Counter[str] = Counter()
    lines = []
    for example in stored_examples(store, task.key):
        if example.session not in task.traces:
            continue
        copied = set(task.traces[example.session])
        ready = masked(declared(example, task.tools), copied, dropped)
        rows, drops = split_drops(list(format_plugin.render(ready)))
        dropped.update(drops)
        for row in rows:
            reason = taught_elsewhere(row, copied)
            if reason:
                dropped[reason] += 1
            else:
                lines.append(jsonl.dumps([example.session, row.data]))
    store.put(task.rows_key, b"\n".join([orjson.dumps(dict(sorted(dropped.items()))), *lines]))
    return task.rows_key


def declared(example: Example, common: list[dict[str, Any]]) -> Example:
    """The example with its tools: those its transcript declares, else the dataset's, which are inferred from all calls;
    and in both cases those that only it calls, inferred. Its meta says which of them are inferred."""
    base = example.tools or common
    known = {tool["function"]["name"] for tool in base}
    messages = [*example.messages, *example.rejected]
    calls = [call["function"] for message in messages for call in message.get("tool_calls", [])]
    rare = tools.counted((call["name"], call["arguments"]) for call in calls if call["name"] not in known)
    made = tools.definitions(rare, len(rare))
    told = ("transcript, some inferred" if made else "transcript") if example.tools else "inferred"
    return msgspec.structs.replace(example, tools=[*base, *made], meta={**example.meta, "tools": told})


def masked(example: Example, copied: set[str], dropped: Counter[str]) -> Example:
    """The example with replies that are shown but not trained on: those that another session already teaches, and
    those whose calls are malformed, as models make them now and then."""
    schemas = parameters(example.tools)
    messages = list(example.messages)
    for number, message in enumerate(messages):
        fault = next(malformed(message, schemas), None)
        if fault and number >= example.given:
            dropped[f"reply not learnt: {fault}"] += 1
        if fault or (copied and number < len(example.keys) and example.keys[number] in copied):
            messages[number] = {**message, "train": False}
    return msgspec.structs.replace(example, messages=messages)


def taught_elsewhere(row: Row, copied: set[str]) -> str | None:
    """Why a row has nothing to teach: its replies are other sessions', or none in it is to be learnt."""
    keys = [key for key in row.keys if key]
    if keys and all(key in copied for key in keys):
        return "every reply is a copy of another session's"
    marks = [one["train"] for one in row.data.get("messages") or row.data.get("conversations") or () if "train" in one]
    return "nothing left to learn" if marks and not any(marks) else None
