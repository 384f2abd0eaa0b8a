"""One question, one answer: from the cache, else over the network, tried again where that helps, paid for.

The bytes that leave are given to `check` first (the leak gate, bashgym/gate/outgoing.py), which raises where they must
not. An answer is cached under a hash of address, protocol and those very bytes."""

import hashlib
import http.client
import os
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from bashgym import jsonl, paths, prices
from bashgym.endpoint import protocols
from bashgym.endpoint.protocols import Asked, Dialect, Reply
from bashgym.endpoint.settings import EndpointSettings
from bashgym.endpoint.spending import Purse
from bashgym.errors import RecipeError, RunFailed
from bashgym.store import Store
from bashgym.trace import Metrics

AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds; doubled each time, with chance, as both vendors advise
CHARACTERS = 2  # per token at the least, for the most a prompt can cost
LONGEST_ANSWER = 32 << 20  # bytes
Check = Callable[[bytes], None]


class EndpointFailed(RunFailed):
    """The model could not be asked, or its answer cannot be used."""


class OverBudget(EndpointFailed):
    """The day's limit has no room for this request."""


class Refused(EndpointFailed):
    """The server refuses the request itself; `said` is why."""

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said


class Answered(NamedTuple):
    """What was answered; `usd` is an estimate at list prices, 0 from the cache, None without a price."""

    value: Any
    usd: float | None
    cached: bool


class Straight(urllib.request.HTTPRedirectHandler):
    """A redirection is a fault: the key and the session go where the recipe says, or nowhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Endpoint:
    """`sleep` is what waits between two tries."""

    def __init__(self, settings: EndpointSettings, sleep: Callable[[float], None] = time.sleep) -> None:
        self.settings = settings
        self.sleep = sleep
        self.dialect = Dialect()
        self.purse = Purse(settings.url, settings.model)
        self.cache = Store(paths.home() / "endpoint")
        self.opener = urllib.request.build_opener(Straight)

    def ask(
        self,
        system: str,
        messages: Sequence[dict[str, Any]],
        *,
        shape: type[BaseModel] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int | None = None,
        temperature: float | None = None,
        check: Check | None = None,
        sample: int = 0,
    ) -> Reply:
        """The model's reply; with `shape`, `Reply.value` is an instance of it. `sample` tells several replies to one
        question apart. Raises EndpointFailed, OverBudget, RecipeError, and what `check` raises."""
        schema = strict(shape.model_json_schema()) if shape else None
        warmth = self.settings.temperature if temperature is None else temperature
        asked = Asked(system, messages, schema, tools, max_tokens or self.settings.max_tokens, warmth)
        while True:
            try:
                return self.shaped(asked, shape, check, sample)
            except Refused as refused:
                learnt = protocols.taught(self.dialect, refused.said)
                if learnt is None:
                    raise
                self.dialect = learnt

    def shaped(self, asked: Asked, shape: type[BaseModel] | None, check: Check | None, sample: int) -> Reply:
        """A reply that has its shape; one that has not is asked for once more, then given up."""
        for attempt in range(2):
            reply = self.once(asked, check, sample, fresh=attempt > 0)
            if shape is None:
                return reply
            if reply.stop == "refusal":
                raise EndpointFailed(f"{self.settings.model} refuses to answer")
            try:
                return reply._replace(value=shape.model_validate(reply.value))
            except ValidationError:
                continue
        raise EndpointFailed(f"{self.settings.model} does not answer in the shape that was asked for")

    def once(self, asked: Asked, check: Check | None, sample: int, fresh: bool) -> Reply:
        """From the cache unless `fresh`, else over the network."""
        data = jsonl.dumps(protocols.body(self.settings, asked, self.dialect))

        def read(answer: bytes) -> tuple[Reply, Metrics]:
            reply = protocols.read(self.settings, jsonl.parse(answer), asked.schema is not None)
            return reply, reply.metrics

        answered = self.exchange(protocols.path(self.settings), data, asked.max_tokens, read, check, sample, fresh)
        reply: Reply = answered.value
        return reply._replace(usd=answered.usd, cached=answered.cached)

    def exchange(
        self,
        address: str,
        data: bytes,
        max_tokens: int,
        read: Callable[[bytes], tuple[Any, Metrics]],
        check: Check | None,
        sample: int = 0,
        fresh: bool = False,
    ) -> Answered:
        """What `read` makes of the answer to `data`, and what it cost; `read` raises ValueError where it is none."""
        key = hashlib.sha256(f"{self.settings.protocol} {self.settings.url} {sample} ".encode() + data).hexdigest()
        known = None if fresh else self.cache.get(key)
        if known is not None:
            return Answered(self.understood(known, read)[0], 0.0, True)
        if check is not None:
            check(data)
        most = self.most(data, max_tokens)
        name = self.purse.set_aside(most, self.settings.max_usd)
        if name is None:
            raise OverBudget(
                f"max_usd={self.settings.max_usd}: {self.purse.spent():.4f} USD are spent or set aside today on "
                f"{self.settings.model}, and this request may cost {most:.4f}"
            )
        cost = 0.0
        try:
            answer = self.posted(address, data)
            cost = most
            value, metrics = self.understood(answer, read)
            usd = self.price(metrics)
            cost = most if usd is None else usd
        finally:
            self.purse.settle(name, most, cost)
        self.cache.put(key, answer)
        return Answered(value, usd, False)

    def understood(self, answer: bytes, read: Callable[[bytes], tuple[Any, Metrics]]) -> tuple[Any, Metrics]:
        try:
            return read(answer)
        except ValueError as error:
            raise EndpointFailed(f"{self.settings.model} at {self.settings.url}: {error}") from None

    def most(self, data: bytes, max_tokens: int) -> float:
        """USD that a request can cost at most. Raises RecipeError where there is a limit and no price."""
        usd = self.price(Metrics(prompt_tokens=len(data) // CHARACTERS, completion_tokens=max_tokens))
        if usd is None and self.settings.max_usd is not None:
            raise RecipeError(
                f"max_usd={self.settings.max_usd}: {self.settings.model} has no price, so no limit can be held; "
                "add it to conf/prices.yaml, or set max_usd to null"
            )
        return usd or 0.0

    def price(self, metrics: Metrics) -> float | None:
        """USD at list prices: an estimate. A model of one's own machines costs nothing here."""
        if metrics.prompt_tokens is None and metrics.completion_tokens is None:
            return 0.0 if self.settings.near else None
        usd = prices.cost(metrics, self.settings.model, prices.load())
        return 0.0 if usd is None and self.settings.near else usd

    def key(self) -> str:
        name = self.settings.key_env
        if not name:
            return ""
        if not os.environ.get(name):
            raise RecipeError(f"key_env={name}: this environment variable is not set; put the key of the model there")
        return os.environ[name]

    def posted(self, address: str, data: bytes) -> bytes:
        """The answer's bytes. Tried again after limits, faults of the server and of the network."""
        key, fault = self.key(), ""
        request = urllib.request.Request(address, data, protocols.headers(self.settings, key), method="POST")
        for attempt in range(self.settings.retries + 1):
            try:
                with self.opener.open(request, timeout=self.settings.timeout_s) as answer:
                    answered = bytes(answer.read(LONGEST_ANSWER))
                    if answer.length:  # bytes that were promised and did not come
                        raise http.client.IncompleteRead(answered)
                    return answered
            except urllib.error.HTTPError as error:
                fault, wait = self.told(error, key), asked_to_wait(error)
                if error.code not in AGAIN:
                    where = f"{self.settings.model} at {self.settings.url}"
                    raise Refused(f"{where} refuses the request: {fault}", fault) from None
            except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
                fault, wait = getattr(error, "reason", None) or type(error).__name__, None
            if attempt < self.settings.retries:
                pause = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt) * random.uniform(0.5, 1)
                self.sleep(pause if wait is None else min(wait, LONGEST_WAIT))
        tries = self.settings.retries + 1
        raise EndpointFailed(f"{self.settings.model} at {self.settings.url}: {fault}, after {tries} tries")

    def told(self, error: urllib.error.HTTPError, key: str) -> str:
        """What the server said, in one line, without the key."""
        try:
            said = error.read(4096).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            said = ""
        line = "".join(char if char.isprintable() else " " for char in (said.replace(key, "***") if key else said))
        return f"{error.code} {line[:300]}".strip()


def asked_to_wait(error: urllib.error.HTTPError) -> float | None:
    """Seconds of a Retry-After header; a date in it is not read."""
    try:
        return max(0.0, float(error.headers.get("Retry-After") or ""))
    except ValueError:
        return None


def strict(schema: Any) -> Any:
    """A pydantic schema as strict servers want it: every object closed, every key required, no titles."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: value for key, value in schema.items() if key not in ("title", "default")}
    for key, value in made.items():
        named = key in ("properties", "$defs") and isinstance(value, dict)
        made[key] = {name: strict(one) for name, one in value.items()} if named else strict(value)
    if made.get("type") == "object" and "properties" in made:
        made |= {"additionalProperties": False, "required": list(made["properties"])}
    return made
