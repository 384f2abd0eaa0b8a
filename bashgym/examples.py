"""Examples out of a trace: one per context window, every turn of the user kept, in OpenAI's messages shape."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bashgym.records import Drop, Example
from bashgym.trace import ContextWindow, Step, Trace, plain

# what the client wrote in the model's or the user's name; to train on it would teach the client's words
NOT_WORDS_OF_ANYONE = frozenset({"synthetic", "api_error", "meta", "hook_feedback", "system", "tool_result"})


def reply_key(step: Step) -> int:
    """64-bit hash of a reply's id: equal in a session, its resumes and its forks."""
    name = step.info.message_id or (step.info.uuids[0] if step.info.uuids else f"step {step.step_id}")
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big")


def name_of(trace: Trace) -> str:
    """The session's id; a sub-agent's has its own after a slash."""
    return f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id


def examples(trace: Trace, session: str) -> Iterator[Example | Drop]:
    """An Example per context window that holds at least one reply, and a Drop for what was left out."""
    windows = conversations(trace.info.context_windows) or whole(trace)
    for number, window in enumerate(windows):
        steps = [step for step in trace.steps if window.first_step <= step.step_id <= window.last_step]
        example, dropped = from_window(steps, session, number, opening(trace))
        yield from (Drop(reason=reason, n=n) for reason, n in sorted(dropped.items()))
        if example is None:
            yield Drop(reason="context window without a reply")
        else:
            yield example
    inside = sum(any(one.first_step <= step.step_id <= one.last_step for one in windows) for step in trace.steps)
    if inside < len(trace.steps):
        yield Drop(reason="step outside every context window", n=len(trace.steps) - inside)


def conversations(windows: list[ContextWindow]) -> list[ContextWindow]:
    """The windows, with those of a micro-compaction joined to the one before: it clears old tool results, and the
    conversation goes on."""
    joined: list[ContextWindow] = []
    for window in windows:
        if window.reason == "micro" and joined:
            before = joined.pop()
            window = ContextWindow(first_step=before.first_step, last_step=window.last_step, reason=before.reason)
        joined.append(window)
    return joined


def whole(trace: Trace) -> list[ContextWindow]:
    return [ContextWindow(first_step=1, last_step=len(trace.steps))] if trace.steps else []


def opening(trace: Trace) -> list[dict[str, Any]]:
    """The one thing of the agent's system prompt that its calls cannot be understood without: where it works."""
    cwd = trace.info.project.cwd
    return [{"role": "system", "content": f"Working directory: {cwd}"}] if cwd else []


def from_window(
    steps: list[Step], session: str, number: int, before: list[dict[str, Any]]
) -> tuple[Example | None, Counter[str]]:
    """The window's messages after those `before`; for each, the reply and the step it came from (none: "" and 0)."""
    messages = list(before)
    keys = [""] * len(before)
    numbers = [0] * len(before)
    dropped: Counter[str] = Counter()
    for step in steps:
        if not step.info.active:
            dropped["step on an abandoned branch"] += 1
            continue
        if step.info.kind in NOT_WORDS_OF_ANYONE:
            dropped[f"{step.info.kind.replace('_', ' ')} step"] += 1
            continue
        made = list(of_step(step, dropped))
        messages += made
        keys += [f"{reply_key(step):016x}" if message["role"] == "assistant" else "" for message in made]
        numbers += [step.step_id] * len(made)
    while messages and messages[-1]["role"] != "assistant" and messages[-1]["role"] != "tool":
        messages.pop(), keys.pop(), numbers.pop()
        dropped["turn with no reply after it"] += 1
    if not any(message["role"] == "assistant" for message in messages):
        return None, dropped
    example = Example(
        id=f"{session}#{number}", session=session, window=number, messages=messages, tools=[], keys=keys, steps=numbers
    )
    return example, dropped


def of_step(step: Step, dropped: Counter[str]) -> Iterator[dict[str, Any]]:
    """The messages of one step: the user's words, or a reply followed by the results of its calls."""
    if step.source != "agent":
        text = words(step.message)
        if text:
            yield {"role": "user", "content": text}
        else:
            dropped["turn without words"] += 1
        return
    results = step.results()
    calls = [call for call in step.tool_calls or [] if call.tool_call_id in results]
    orphans = len(step.tool_calls or []) - len(calls)
    if orphans:
        dropped["tool call without a result"] += orphans
    message: dict[str, Any] = {"role": "assistant", "content": words(step.message)}
    if step.reasoning_content:
        message["reasoning_content"] = step.reasoning_content
    if calls:
        message["tool_calls"] = [
            {
                "id": call.tool_call_id,
                "type": "function",
                "function": {"name": call.function_name, "arguments": call.arguments},
            }
            for call in calls
        ]
    if not message["content"] and not calls:
        dropped["reply without words or calls"] += 1
        return
    yield message
    for call in calls:
        content = words(results[call.tool_call_id].content)
        yield {"role": "tool", "tool_call_id": call.tool_call_id, "name": call.function_name, "content": content}


def words(message: str | list[dict[str, Any]] | None) -> str:
    """The text of a message, with a mark where an image was."""
    if isinstance(message, list):
        parts = [
            part["text"] if isinstance(part.get("text"), str) else f"[{part.get('type', 'part')}]" for part in message
        ]
        return "\n".join(parts)
    return plain(message)
