"""A model's most likely tokens at every place of a given text: OpenAI's completions with vLLM's `prompt_logprobs`.

Nothing is generated but the one token that the protocol asks for at least. Cached, paid for and looked at by the leak
gate as any other request (client.py)."""

import time
from collections.abc import Callable
from typing import NamedTuple

from bashgym import jsonl
from bashgym.endpoint.client import Check, Endpoint
from bashgym.endpoint.settings import EndpointSettings
from bashgym.trace import Metrics


class Positions(NamedTuple):
    """A token of the text each: number -> log probability, that of the token itself among them; None for the first.

    `usd` is an estimate at list prices, 0 from the cache, None without a price."""

    positions: list[dict[int, float] | None]
    usd: float | None
    cached: bool


class PromptLogprobs:
    """`k` most likely tokens a place, of the model that `settings` name."""

    def __init__(self, settings: EndpointSettings, k: int, sleep: Callable[[float], None] = time.sleep) -> None:
        self.endpoint, self.k = Endpoint(settings, sleep), k

    def of(self, text: str, check: Check | None) -> Positions:
        """Raises EndpointFailed, OverBudget, RecipeError, and what `check` raises."""
        settings = self.endpoint.settings
        body = {
            "model": settings.model,
            "prompt": text,
            "max_tokens": 1,
            "temperature": 0.0,
            "prompt_logprobs": self.k,
            "add_special_tokens": False,  # the text has all there are
        }
        answer = self.endpoint.exchange(f"{settings.url}/completions", jsonl.dumps(body), 1, read, check)
        return Positions(answer.value, answer.usd, answer.cached)


def read(data: bytes) -> tuple[list[dict[int, float] | None], Metrics]:
    """Raises ValueError where an answer is not what this protocol promises."""
    try:
        answer = jsonl.parse(data)
        choice = answer["choices"][0]
        said = choice.get("prompt_logprobs") or answer.get("prompt_logprobs")
        if not said:
            raise ValueError("no prompt_logprobs in the answer: this server cannot teach by logits; vLLM can")
        places = [one and {int(token): float(about["logprob"]) for token, about in one.items()} for one in said]
        usage = answer.get("usage") or {}
        counted = Metrics(prompt_tokens=usage.get("prompt_tokens"), completion_tokens=usage.get("completion_tokens"))
        return places, counted
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"not an answer of this protocol ({type(error).__name__})") from None
