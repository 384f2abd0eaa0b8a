"""One argument of a recipe's command line, in Hydra's grammar: checked, and several values taken apart."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bashgym.errors import RecipeError, did_you_mean
from bashgym.kinds import AT_LEAST_ONE, KINDS, LISTS
from bashgym.packs.address import is_address
from bashgym.places import presets
from bashgym.records import Axis
from bashgym.settings import Settings

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

SECTIONS = tuple(Settings.model_fields)


def parse(text: str) -> "Override":
    """One argument in Hydra's override grammar; raises RecipeError for what is none."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    if "=" not in text and not text.startswith("~"):
        raise RecipeError(f"{text}: not an override; write key=value, such as cloud=runpod")
    try:
        return OverridesParser.create().parse_override(text)
    except HydraException as error:
        first = str(error).split("\n")[0]
        raise RecipeError(
            f"{text}: {first[:1].lower()}{first[1:]}; quote values with odd characters: key='a b'"
        ) from None


def one_recipe(text: str) -> bool:
    """Whether an argument names one recipe by its address or file, which Hydra's grammar need not read."""
    name = text.removeprefix("recipe=")
    return name != text and (is_address(name) or (name.endswith(".yaml") and "," not in name))


def expand(argv: Sequence[str], multirun: bool) -> Iterator[list[str]]:
    """The argument lists of a sweep: one for each combination of the `a,b` values."""
    axes = []
    for text in argv:
        if one_recipe(text) or not (override := parse(text)).is_sweep_override():
            axes.append([text])
        elif not multirun:
            raise RecipeError(f"{text}: several values; add --multirun to run each, or quote them: key='a,b'")
        elif hasattr(override.value(), "end"):
            raise RecipeError(f"{text}: values between two ends need a search; add search=optuna")
        else:
            axes.append([f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()])
    yield from (list(combination) for combination in itertools.product(*axes))


def axes(argv: Sequence[str]) -> tuple[list[str], dict[str, Axis]]:
    """What is fixed in a search's command line, and the values of the other keys: `key=interval(1e-4,1e-2)`,
    `key=tag(log,interval(...))`, `key=int(interval(1,9))`, `key=a,b`, `key=range(1,9)`."""
    fixed, space = [], {}
    for text in argv:
        if one_recipe(text) or not (override := parse(text)).is_sweep_override():
            fixed.append(text)
            continue
        value: Any = override.value()
        key = override.key_or_group
        if hasattr(value, "end"):
            space[key] = Axis(low=value.start, high=value.end, log="log" in value.tags)
        else:
            space[key] = Axis(choices=tuple(override.sweep_string_iterator()))
    return fixed, space


def normalise(text: str) -> str:
    """An override as Hydra must see it, empty when there is nothing left to say.

    Raises RecipeError where Hydra would be silent."""
    from hydra.core.override_parser.types import OverrideType

    override = parse(text)
    key = override.key_or_group
    head = key.split(".")[0]
    if head not in KINDS and head not in SECTIONS:
        raise RecipeError(f"{key}: no such key{did_you_mean(head, [*KINDS, *SECTIONS])}")
    if override.is_sweep_override():
        raise RecipeError(f"{text}: several values; only `bashgym run --multirun` takes them, or quote: key='a,b'")
    if override.type == OverrideType.DEL:
        raise RecipeError(f"{text}: values cannot be removed; set another one: {key}=...")
    if key not in KINDS:
        # forced, so that unknown keys reach the plugin's own check, which knows the names it takes
        return f"++{text.lstrip('+')}"
    return normalise_group(key, override)


def normalise_group(kind: str, override: "Override") -> str:
    from hydra.core.override_parser.types import OverrideType

    value = override.value()
    if override.type != OverrideType.CHANGE:
        raise RecipeError(f"{override.input_line}: choices are replaced, not added to; write {kind}=[a,b]")
    if value is None or value == "":
        raise RecipeError(f"{kind}: no choice given{did_you_mean('', presets(kind))}")
    if isinstance(value, list) and kind not in LISTS:
        raise RecipeError(f"{kind}={value}: takes one choice, not a list; write {kind}={value[0] if value else 'NAME'}")
    names = [str(name) for name in (value if isinstance(value, list) else [value])]
    for name in names:
        if name not in presets(kind):
            raise RecipeError(f"{kind}={name}: no such preset{did_you_mean(name, presets(kind))}")
    check_list(kind, names)
    if kind not in LISTS:
        return f"{kind}={names[0]}"
    return f"{kind}=[{','.join(names)}]" if names or presets(kind) else ""


def check_list(kind: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RecipeError(f"{kind}: '{twice[0]}' is chosen twice; name it once")
    if not names and kind in AT_LEAST_ONE:
        raise RecipeError(f"{kind}: an empty list; at least one is needed{did_you_mean('', presets(kind))}")
