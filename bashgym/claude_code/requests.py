"""What the model was told beside the conversation: system prompt and tools, out of the requests that newer versions
keep in the session file (`api-request-shape`, `api-request`, and the attachment `prompt_snapshot`).

Those lines stay events, verbatim; older files hold none of it."""

from collections.abc import Sequence
from typing import Any

from bashgym.claude_code.lines import Entry, Kinds
from bashgym.trace import Step, StepExtra, StepInfo

SHAPE = "api-request-shape"
SNAPSHOT = "prompt_snapshot"
KINDS = frozenset({SHAPE, "api-request", "attachment", "assistant"})


def system_step(entries: Sequence[Entry], kinds: Kinds) -> Step | None:
    """The system prompt as the first step: that of the request which the first reply answers, else the first there is.

    Another process that went on with the session may have sent another one: `prompts` in `foreign` counts them."""
    if SHAPE not in kinds and "attachment" not in kinds:
        return None
    shapes: dict[str, Entry] = {}
    requests: dict[str, str] = {}
    first: Entry | None = None
    snapshots = []
    for entry in entries:
        if entry.kind not in KINDS:
            continue
        if entry.kind == SHAPE and prompt_of(entry.value.get("shape"), "system"):
            shapes.setdefault(entry.text("shapeHash") or f"line-{entry.line_no}", entry)
        elif entry.kind == "api-request":
            requests.setdefault(entry.text("id") or "", entry.text("shapeHash") or "")
        elif entry.kind == "assistant" and first is None and (asked := shapes.get(requests.get(asked_by(entry), ""))):
            first = asked
        elif entry.kind == "attachment" and prompt_of(snapshot(entry), "systemPrompt"):
            snapshots.append(entry)
    chosen = first or next(iter(shapes.values()), None)
    if chosen is not None:
        prompts = [prompt_of(entry.value["shape"], "system") for entry in shapes.values()]
        return step(chosen, prompt_of(chosen.value["shape"], "system"), distinct(prompts))
    if snapshots:
        prompts = [prompt_of(snapshot(entry), "systemPrompt") for entry in snapshots]
        return step(snapshots[0], prompts[0], distinct(prompts))
    return None


def step(entry: Entry, texts: list[str], prompts: int) -> Step:
    """The step claims no line: its line is an event."""
    parts = [{"type": "text", "text": text} for text in texts]
    info = StepInfo(kind="system", origin=SNAPSHOT if entry.kind == "attachment" else SHAPE)
    if prompts > 1:
        info.foreign = {"prompts": prompts}
    message: Any = texts[0] if len(texts) == 1 else parts
    return Step(step_id=1, source="system", message=message, timestamp=entry.ts, extra=StepExtra(bashgym=info))


def asked_by(entry: Entry) -> str:
    """The id of the request that a reply answers; "" where the line does not say."""
    ref = entry.value.get("requestRef")
    found = ref.get("id") if isinstance(ref, dict) else ref
    return found if isinstance(found, str) else ""


def snapshot(entry: Entry) -> dict[str, Any] | None:
    found = entry.value.get("attachment")
    return found if isinstance(found, dict) and found.get("type") == SNAPSHOT else None


def prompt_of(holder: Any, key: str) -> list[str]:
    """The texts of a system prompt: text, a list of texts, or a list of text blocks."""
    found = holder.get(key) if isinstance(holder, dict) else None
    blocks = found if isinstance(found, list) else [found]
    texts = [block.get("text") if isinstance(block, dict) else block for block in blocks]
    return [text for text in texts if isinstance(text, str) and text]


def distinct(prompts: list[list[str]]) -> int:
    return len(set(map(tuple, prompts)))


def definitions(kinds: Kinds) -> list[dict[str, Any]] | None:
    """All tools ever offered in these lines, the latest definition of each; None where the lines hold none."""
    found: dict[str, dict[str, Any]] = {}
    told = [*kinds.get(SHAPE, ()), *kinds.get("attachment", ())]
    for entry in sorted(told, key=lambda entry: entry.line_no):
        for tool in offered(entry):
            if definition := openai(tool):
                found[definition["function"]["name"]] = definition
    return list(found.values()) or None


def offered(entry: Entry) -> list[Any]:
    """The tools in an `api-request-shape` or in a prompt snapshot, as the client wrote them."""
    holder = entry.value.get("shape") if entry.kind == SHAPE else snapshot(entry)
    tools = holder.get("tools") if isinstance(holder, dict) else None
    return tools if isinstance(tools, list) else []


def openai(tool: Any) -> dict[str, Any] | None:
    """Anthropic's `{name, description, input_schema}`, itself or under `schema`; None when it is neither."""
    if isinstance(tool, dict) and isinstance(tool.get("schema"), dict):
        tool = tool["schema"]
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        return None
    schema, description = tool.get("input_schema"), tool.get("description")
    return {
        "type": "function",
        "function": {
            "name": tool["name"],
            "description": description if isinstance(description, str) else "",
            "parameters": schema if isinstance(schema, dict) else {"type": "object", "properties": {}},
        },
    }
