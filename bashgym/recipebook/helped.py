"""What can be chosen, for `bashgym run --help`: recipes and presets; with a recipe, its choices and its keys."""

from collections.abc import Iterator, Sequence

from bashgym.places import presets
from bashgym.recipebook.offered import choices_of, described_recipes, keys, kinds


def choosable(words: Sequence[str]) -> str:
    """`words` as typed; those that are no overrides are passed over."""
    typed = [word for word in words if "=" in word]
    named = next((word.removeprefix("recipe=") for word in typed if word.startswith("recipe=")), "")
    return "\n".join([*recipe_lines(named), *choice_lines(named, typed), *key_lines(named, typed)])


def recipe_lines(named: str) -> Iterator[str]:
    if not named:
        yield "recipes:"
        for name, line in described_recipes():
            yield f"  recipe={name:<18} {line}"
        yield ""


def choice_lines(named: str, typed: list[str]) -> Iterator[str]:
    chosen = choices_of(named, typed) if named else {}
    yield f"choices{f' (* those of {named})' if named else ''}:"
    for kind in kinds():
        names = [f"{'*' if name in chosen.get(kind, []) else ''}{name}" for name in presets(kind)]
        yield f"  {kind}=  {'  '.join(names)}"


def key_lines(named: str, typed: list[str]) -> Iterator[str]:
    yield ""
    if not named:
        yield "keys: bashgym run recipe=NAME --help"
        return
    yield "keys:"
    for one in keys(named, typed, ""):
        yield f"  {one.word:<40} {one.about}"
