"""Where a step stands in the examples of its trace, and what was to be read when it was made."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from bashgym.examples import examples, name_of
from bashgym.records import Drop, Example
from bashgym.signals.calls import Called
from bashgym.trace import Trace

Message = dict[str, Any]

# characters of a prompt that are kept: formats cut to the sequence length, and a long session has a hundred prompts
LONGEST = 100_000


class Prompt(NamedTuple):
    """What was read before a step; for each message the reply's key and the step it came from."""

    messages: list[Message]
    keys: list[str]
    steps: list[int]
    window: int


class Places:
    """The examples of one trace, by step."""

    def __init__(self, trace: Trace) -> None:
        self.session = name_of(trace)
        self.windows = [one for one in examples(trace, self.session) if not isinstance(one, Drop)]
        self.at: dict[int, tuple[int, int]] = {}
        for number, window in enumerate(self.windows):
            for place, step in enumerate(window.steps):
                if step:
                    self.at.setdefault(step, (number, place))

    def prompt(self, step_id: int) -> Prompt | None:
        """What was to be read before a step, the oldest turns left out where it is long; None where nothing was
        asked before it, or the step is in no example."""
        if step_id not in self.at:
            return None
        number, place = self.at[step_id]
        window = self.windows[number]
        chosen = recent(window.messages[:place])
        if not any(window.messages[one]["role"] == "user" for one in chosen):
            return None
        return Prompt(
            [window.messages[one] for one in chosen],
            [window.keys[one] for one in chosen],
            [window.steps[one] for one in chosen],
            window.window,
        )

    def reply(self, step_id: int) -> tuple[Message, str] | None:
        """The reply of a step, and its key."""
        if step_id not in self.at:
            return None
        number, place = self.at[step_id]
        window = self.windows[number]
        message = window.messages[place]
        return (message, window.keys[place]) if message["role"] == "assistant" else None


def recent(messages: Sequence[Message]) -> list[int]:
    """The places of what is kept of a prompt: the system's words, the last request, and the newest turns."""
    kept: list[int] = []
    room = LONGEST
    start = len(messages)
    while start and room > 0:
        begin = start - 1
        while begin and messages[begin]["role"] == "tool":  # results stay with the reply whose calls they answer
            begin -= 1
        room -= sum(len(str(one.get("content"))) for one in messages[begin:start])
        start = begin
    kept = list(range(start, len(messages)))
    asked = next((n for n in range(start - 1, -1, -1) if messages[n]["role"] == "user"), None)
    if asked is not None and messages[start]["role"] != "user":
        kept.insert(0, asked)
    return [0, *kept] if start and messages[0]["role"] == "system" and asked != 0 else kept


def calling(called: Called, words: str = "") -> Message:
    """A reply that makes this one call."""
    function = {"name": called.call.function_name, "arguments": called.call.arguments}
    call = {"id": called.call.tool_call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": words, "tool_calls": [call]}


def made(
    places: Places,
    step_id: int,
    origin: str,
    number: int,
    chosen: Sequence[Message],
    *,
    keys: Sequence[str] = (),
    steps: Sequence[int] = (),
    rejected: Sequence[Message] = (),
    label: bool | None = None,
    meta: dict[str, Any] | None = None,
) -> Example | Drop:
    """An example of what should follow the prompt of a step; `steps` are those that `chosen` came from. What has the
    label False is never learnt: only formats that read the label use it."""
    prompt = places.prompt(step_id)
    if prompt is None:
        return Drop(reason=f"{origin}: nothing asked before the step")
    return Example(
        id=f"{places.session}#{origin}.{number}",
        session=places.session,
        window=prompt.window,
        messages=[*prompt.messages, *([{**one, "train": False} for one in chosen] if label is False else chosen)],
        tools=[],
        keys=[*prompt.keys, *(keys or [""] * len(chosen))],
        steps=[*prompt.steps, *(steps or [step_id] * len(chosen))],
        origin=origin,
        given=len(prompt.messages),
        rejected=list(rejected),
        label=label,
        meta=meta or {},
    )
