"""What replies cost at list prices: tokens as the agent wrote them, prices from conf/prices.yaml.

A cost that the agent itself wrote goes before the table. A model without a price has no cost: None, never zero."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import msgspec
import yaml
from pydantic import Field

from bashgym import paths, yamls
from bashgym.config import Config, validate
from bashgym.errors import InputError
from bashgym.records import Evidence
from bashgym.trace import Metrics, Step

MILLION = 1_000_000
HOST = re.compile(r"^(?:[\w-]+[/.])*?(?=(?:claude|gpt|gemini|o\d))")  # `anthropic/`, `us.anthropic.`, `models/`
VERSION = re.compile(r"(?:-\d{8}|-\d{4}-\d\d-\d\d|-latest|-preview(?:-[\d-]+)?)?(?:-v\d+)?(?::\w+)?(?:@[\w-]+)?")


class Rates(Config):
    """USD per million tokens."""

    input: float = Field(ge=0)
    """Tokens that neither came from a cache nor went to one."""
    output: float = Field(ge=0)
    """Tokens of the reply, thinking included."""
    cache_write_5m: float | None = Field(default=None, ge=0)
    """Tokens written to a cache for five minutes; where there is no such price they cost as input."""
    cache_write_1h: float | None = Field(default=None, ge=0)
    """Tokens written to a cache for an hour; where there is no such price they cost as those for five minutes."""
    cache_read: float | None = Field(default=None, ge=0)
    """Tokens read from a cache; where there is no such price they cost as input."""


class Above(Rates):
    """The rates of a whole request with a long prompt."""

    tokens: int = Field(gt=0)
    """A prompt, cache included, of more tokens than this is a long one."""


class Price(Rates):
    """What one model costs."""

    above: Above | None = None
    """The rates of requests with a long prompt, where they differ."""
    fast: Rates | None = None
    """The rates in fast mode, where there is one."""
    since: datetime.date | None = None
    """The day from which these rates hold; empty: always."""


class Table(Config):
    """The price table: conf/prices.yaml."""

    as_of: datetime.date
    """The day on which the prices were last compared with the vendors'."""
    source: str
    """Where the prices come from, in words."""
    batch: float = Field(default=1.0, ge=0)
    """The part of the price that a request in a batch costs."""
    us_inference: float = Field(default=1.0, ge=0)
    """What a request costs more that must be answered in the United States."""
    web_search_per_1000: float = Field(default=0.0, ge=0)
    """USD for a thousand searches that the model's server makes."""
    models: dict[str, Price | list[Price]]
    """Prices by model; a list where a price has changed."""


class Bill(msgspec.Struct, frozen=True):
    """What some replies cost. `usd` is None where no reply has a price; where only some have, it is a lower bound.

    `evidence`: measured where the agent wrote every cost, estimated where the table was used, missing for None."""

    usd: float | None
    evidence: Evidence
    replies: int  # those that have a cost
    unpriced: dict[str, int]  # replies without a cost, by model


def load() -> Table:
    """The project's conf/prices.yaml, else the shipped one. Raises InputError, or RecipeError that names the key."""
    own = paths.project() / "conf" / "prices.yaml"
    return read(own if own.is_file() else paths.shipped("conf") / "prices.yaml")


@cache
def read(path: Path) -> Table:
    """The table in `path`, read once. Raises InputError, or RecipeError that names the key."""
    try:
        values = yamls.load(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read ({str(error).splitlines()[0]}); mend it or remove it") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: no table of prices; mend it or remove it")
    return validate(Table, values, "prices")


def price(model: str | None, table: Table, when: str | None = None) -> Price | None:
    """The price of `model` on the day of the ISO time `when` (None: the newest); None where the table has none."""
    name = HOST.sub("", (model or "").lower().strip()).replace("[1m]", "")
    if name.startswith("claude"):
        name = name.replace(".", "-")
    found = next(
        (known for known in table.models if name.startswith(known) and VERSION.fullmatch(name, len(known))), None
    )
    if found is None:
        return None
    prices = table.models[found]
    ordered = sorted(prices if isinstance(prices, list) else [prices], key=since, reverse=True)
    return next((one for one in ordered if when is None or since(one) <= when[:10]), None)


def since(price: Price) -> str:
    return price.since.isoformat() if price.since else ""


def cost(metrics: Metrics | None, model: str | None, table: Table, when: str | None = None) -> float | None:
    """USD of one reply at the list price of `when`; None where tokens or price are not known."""
    if metrics is None:
        return None
    if metrics.cost_usd is not None:
        return metrics.cost_usd
    if metrics.prompt_tokens is None:
        return None  # an agent that counts only what the model wrote
    usage = metrics.extra.bashgym
    prompt, output = metrics.prompt_tokens, metrics.completion_tokens or 0
    if not (prompt or output or usage.web_search_requests):
        return 0.0
    found = price(model, table, when)
    rates: Rates | None = found
    if found and usage.speed == "fast":
        rates = found.fast
    elif found and found.above and prompt > found.above.tokens:
        rates = found.above
    if rates is None:
        return None
    usd = tokens_cost(metrics, rates) * (table.batch if usage.service_tier == "batch" else 1)
    usd *= table.us_inference if usage.inference_geo == "us" else 1
    return usd + usage.web_search_requests * table.web_search_per_1000 / 1000


def tokens_cost(metrics: Metrics, rates: Rates) -> float:
    """USD of the tokens alone. What was written to a cache nobody knows for how long was for five minutes."""
    usage = metrics.extra.bashgym
    read, written = usage.cache_read_input_tokens or metrics.cached_tokens or 0, usage.cache_creation_input_tokens
    fresh = max(0, (metrics.prompt_tokens or 0) - read - written)
    hour = min(written, usage.ephemeral_1h_input_tokens)
    for_5m = rates.input if rates.cache_write_5m is None else rates.cache_write_5m
    for_1h = for_5m if rates.cache_write_1h is None else rates.cache_write_1h
    for_read = rates.input if rates.cache_read is None else rates.cache_read
    total = fresh * rates.input + (metrics.completion_tokens or 0) * rates.output + read * for_read
    return (total + (written - hour) * for_5m + hour * for_1h) / MILLION


def bill(steps: Iterable[Step], table: Table) -> Bill:
    """What the replies among `steps` cost that are no copies of another file's."""
    usd, priced, written = 0.0, 0, 0
    unpriced: Counter[str] = Counter()
    for step in steps:
        if step.metrics is None or step.is_copied_context:
            continue
        spent = cost(step.metrics, step.model_name, table, step.timestamp)
        if spent is None:
            unpriced[step.model_name or "unknown"] += 1
        else:
            usd, priced, written = usd + spent, priced + 1, written + (step.metrics.cost_usd is not None)
    evidence: Evidence = "missing" if not priced else "measured" if written == priced and not unpriced else "estimated"
    return Bill(usd if priced else None, evidence, priced, dict(unpriced))
