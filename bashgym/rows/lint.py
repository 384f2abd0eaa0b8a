"""What must not be trained on, found in the rows as written: each fault is named, counted, and shown by a first row."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl
from bashgym.rows.calls import malformed, parameters
from bashgym.rows.template import Template, TemplateFault

Row = Mapping[str, Any]

MANY = 500  # rows that are rendered with the template: a template that fits these fits the others


class Fault(NamedTuple):
    """One kind of fault: how many rows have it, and the first of them."""

    name: str
    rows: int
    first: str


def lint(file: Path, schema: str, template: Template | None) -> list[Fault]:
    """The faults of the rows in `file`, most frequent first; `template` is the model's, where it is on this disk."""
    counts: Counter[str] = Counter()
    first: dict[str, str] = {}
    check = CHECKS.get(schema)
    for line in jsonl.read_lines(file):
        name = str(line.value.get("id") or f"line {line.number}") if isinstance(line.value, dict) else ""
        faults = [line.error] if line.error else list(check(line.value)) if check else []
        if template and line.number <= MANY and not faults and schema in TEMPLATES:
            faults = list(TEMPLATES[schema](line.value, template))
        for fault in dict.fromkeys(faults):
            counts[fault] += 1
            first.setdefault(fault, name or f"line {line.number}")
    return [Fault(name, n, first[name]) for name, n in counts.most_common()]


def chat(row: Row) -> Iterator[str]:
    """Faults of a row of messages."""
    messages, schemas = row["messages"], parameters(row.get("tools") or [])
    yield from orphans(messages)
    for message in messages:
        if any(call["function"]["name"] not in schemas for call in message.get("tool_calls") or []):
            yield "call of a tool that the row does not declare"
        if message.get("train"):
            yield from malformed(message, schemas)
    learnt = [message for message in messages if message.get("train")]
    if not any(message.get("content") or message.get("tool_calls") for message in learnt):
        yield "nothing left to learn"
    if any(message["role"] != "assistant" for message in learnt):
        yield "a message that is not the assistant's would be learnt"


def orphans(messages: Iterable[Row]) -> Iterator[str]:
    """Results of no call, and calls without a result; the last reply's may have none."""
    waiting: dict[str, None] = {}
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                yield "result of no call (orphan call id)"
            waiting.pop(message.get("tool_call_id") or "", None)
            continue
        if waiting:
            yield "call without a result (orphan call id)"
        ids = [call["id"] for call in message.get("tool_calls") or []]
        if len(set(ids)) < len(ids):
            yield "two calls of one id"
        waiting = dict.fromkeys(ids)


def preference(row: Row) -> Iterator[str]:
    if not row["prompt"].strip():
        yield "empty prompt"
    if not row["chosen"].strip() or not row["rejected"].strip():
        yield "nothing left to learn"
    elif row["chosen"] == row["rejected"]:
        yield "chosen and rejected are the same"


def completion(row: Row) -> Iterator[str]:
    if not row["prompt"].strip():
        yield "empty prompt"
    if not row["completion"].strip():
        yield "nothing left to learn"


def prompts(row: Row) -> Iterator[str]:
    if not row["prompt"].strip():
        yield "empty prompt"
    if not row.get("kind"):
        yield "no verifier"


def said_by(row: Row, template: Template) -> Iterator[str]:
    """Whether the template says all that is learnt: many know nothing of tools, and leave calls out in silence."""
    try:
        text = template.render(row["messages"], row.get("tools") or [])
    except TemplateFault:
        yield "messages that the chat template refuses (template mismatch)"
        return
    for message in row["messages"]:
        calls = [call["function"]["name"] for call in message.get("tool_calls") or []]
        if any(name not in text for name in calls):
            yield "calls that the chat template leaves out (template mismatch)"
        if message.get("train") and (message.get("content") or "").strip() not in text:
            yield "words that the chat template leaves out (template mismatch)"


def opened_by(row: Row, template: Template) -> Iterator[str]:
    """Whether text was made with this very template: its prompt ends as the template asks for a reply."""
    asked = template.asked([{"role": "user", "content": "\0"}], [])
    ending = asked.rpartition("\0")[2]
    if not row["prompt"].endswith(ending):
        yield "prompt of another chat template (template mismatch)"


CHECKS: dict[str, Callable[[Row], Iterator[str]]] = {
    "chat": chat,
    "preference": preference,
    "feedback": completion,
    "prompt_completion": completion,
    "prompts": prompts,
}
TEMPLATES: dict[str, Callable[[Row, Template], Iterator[str]]] = {
    "chat": said_by,
    "preference": opened_by,
    "feedback": opened_by,
    "prompt_completion": opened_by,
    "prompts": opened_by,
}
