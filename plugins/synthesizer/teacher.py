"""A teacher's answers in place of the session's own, for distillation; cached, within a limit, gated byte for byte."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from pydantic import Field

from bashgym import tools
from bashgym.endpoint import Endpoint, EndpointSettings, OverBudget, Reply
from bashgym.errors import PrivacyError
from bashgym.mining import conversation
from bashgym.mining.places import Message, Places, made
from bashgym.records import Drop, Example, Verdict
from bashgym.trace import Trace

NAME = "teacher"
ROLE = "You are a coding agent. Give your next reply in this session: words, calls of your tools, or both."


class Synthesizer:
    class Config(EndpointSettings):
        url: str = "http://127.0.0.1:8000/v1"
        """Where the teacher's API begins: https://api.anthropic.com, https://api.openai.com/v1, http://127.0.0.1:8000/v1."""
        protocol: Literal["openai", "anthropic"] = "openai"
        """The protocol it speaks: chat completions or messages."""
        model: str = Field("teacher", min_length=1)
        """The teacher's name there."""
        answers: Literal["turns", "steps"] = "turns"
        """What it answers: the user's messages (turns), or every place where the session's model replied (steps)."""
        at_most: int = Field(4, ge=1)
        """Answers for each session, the first ones."""
        over_budget: Literal["stop", "leave_out"] = "stop"
        """When max_usd is spent: stop the run, which goes on from there another day, or leave out what is missing."""

    outgoing: Callable[[bytes], None] | None = None  # set by the worker: the leak gate for what leaves

    def __init__(self, config: Config) -> None:
        self.config = config
        self.model = Endpoint(config)

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """One example an answer; meta.teacher names the model, meta.in_place_of the step it stands in for.

        What was answered before is not asked again: answers are kept under a hash of the very question. Raises
        EndpointFailed after all tries, OverBudget where over_budget is stop."""
        places = Places(trace)
        offered = tools.transcribed(trace.agent.tool_definitions) or inferred(trace)
        steps = list(self.places(places))
        for number, step in enumerate(steps[: self.config.at_most]):
            try:
                yield self.answer(places, number, step, offered)
            except OverBudget:
                if self.config.over_budget == "stop":
                    raise
                yield Drop(reason=f"{NAME}: over the day's limit", n=len(steps[: self.config.at_most]) - number)
                return

    def places(self, places: Places) -> Iterator[int]:
        """The steps whose reply the teacher is asked for."""
        for window in places.windows:
            for place, message in enumerate(window.messages):
                asked = place and window.messages[place - 1]["role"] == "user"
                if message["role"] == "assistant" and place and (asked or self.config.answers == "steps"):
                    yield window.steps[place]

    def answer(self, places: Places, number: int, step: int, offered: list[dict[str, Any]]) -> Example | Drop:
        prompt, known = places.prompt(step), places.reply(step)
        if prompt is None or known is None:
            return Drop(reason=f"{NAME}: nothing asked before the step")
        if self.outgoing is None:
            raise PrivacyError("synthesizer.teacher: there is no leak gate to look at what would be sent; nothing is")
        reply = self.model.ask(
            f"{ROLE}\n{conversation.system(prompt.messages)}".strip(),
            conversation.sent(prompt.messages, self.config.protocol),
            tools=offered,
            check=self.outgoing,
        )
        if reply.stop in ("length", "refusal"):
            return Drop(reason=f"{NAME}: answer that was {'cut short' if reply.stop == 'length' else 'refused'}")
        if not reply.text.strip() and not reply.calls:
            return Drop(reason=f"{NAME}: empty answer")
        meta = {"teacher": self.config.model, "in_place_of": step, "train_only": True}
        return made(places, step, NAME, number, [message_of(reply, number)], keys=[known[1]], meta=meta)


def inferred(trace: Trace) -> list[dict[str, Any]]:
    """The session's tools, as far as its calls show them."""
    used = tools.usage(trace)
    return tools.definitions(used, len(used))


def message_of(reply: Reply, number: int) -> Message:
    message: Message = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": f"{NAME}_{number}_{place}",
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for place, call in enumerate(reply.calls)
        ]
    return message
