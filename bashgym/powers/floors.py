"""Whether a value lies below the user's own: the rules of conf/floors.yaml."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from bashgym import paths, yamls

INFINITE = float("inf")
Rule = Callable[[Any, Any], bool]  # (value, floor) -> whether the value is below the floor


def number(value: Any) -> float:
    """Nothing said is no limit at all."""
    return INFINITE if value is None else float(value)


def lacks(value: Any, floor: Any) -> bool:
    """Something of the floor's list is not in it."""
    return not set(map(str, floor)) <= set(map(str, value))


def budgets(value: Any, floor: Any) -> bool:
    """A list of endpoints, one of which may spend more than any of the floor's, or than 1 USD where it has none."""
    most = max((number(one.get("max_usd", 1.0)) for one in floor), default=1.0)
    return any(number(one.get("max_usd", 1.0)) > most for one in value)


RULES: dict[str, Rule] = {
    "at_most": lambda value, floor: number(value) > number(floor),
    "at_least": lambda value, floor: number(value) < number(floor),
    "stays_on": lambda value, floor: bool(floor) and not value,
    "keeps_all": lacks,
    "adds_none": lambda value, floor: lacks(floor, value),
    "keeps_all_or_empty": lambda value, floor: bool(value) and (not floor or lacks(value, floor)),
    "same": lambda value, floor: bool(value != floor),
    "budgets": budgets,
}


@lru_cache
def table() -> dict[str, Any]:
    content: dict[str, Any] = yamls.load((paths.shipped("conf") / "floors.yaml").read_text(encoding="utf-8"))
    return content


def of_settings() -> dict[str, str]:
    """Key of a recipe -> rule."""
    return dict(table()["settings"])


def of_plugin(kind: str, name: str, keys: list[str]) -> Iterator[tuple[str, str]]:
    """(key, rule) of those keys of a plugin's settings that have a floor."""
    own = table()["plugins"].get(f"{kind}.{name}")
    for key in keys:
        if own and key in own:
            yield key, own[key]
        elif kind == "sanitizer":
            yield key, "same"
        elif key.rsplit(".", 1)[-1] in table()["everywhere"]:
            yield key, table()["everywhere"][key.rsplit(".", 1)[-1]]


def below(rule: str, value: Any, floor: Any) -> bool:
    return RULES[rule](value, floor)
