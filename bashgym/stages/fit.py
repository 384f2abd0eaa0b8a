"""Whether a recipe's format makes the rows that its training reads, told before any work is done."""

from bashgym import registry, yamls
from bashgym.choices import Choice, Recipe
from bashgym.errors import RecipeError
from bashgym.places import presets


def require(chosen: Recipe, only_rows: bool = False) -> None:
    """Raises RecipeError, naming what would fit, where format and training do not.

    `only_rows`: nothing is trained; then rows that no training reads (for exchange, archives, viewers) are fine."""
    training, made = chosen.one("training"), chosen.one("format")
    wanted, makes = schema(training), schema(made)
    if wanted == makes:
        return
    other = fitting("training", makes)
    if only_rows and not other:
        return
    formats = " or ".join(f"format={label}" for label in fitting("format", wanted))
    instead = f"; for these rows, training={' or '.join(other[:3])}" if other else ""
    raise RecipeError(
        f"training={training.label} needs rows of schema '{wanted}', and format={made.label} makes '{makes}'; "
        f"take {formats or 'another format='}{instead}"
    )


def schema(choice: Choice) -> str:
    return str(registry.load_plugin(choice.plugin).schema)  # type: ignore[attr-defined]


def fitting(kind: str, wanted: str) -> list[str]:
    """The presets of a kind whose rows are of this schema; of a training, one preset a plugin."""
    found: dict[str, str] = {}
    for label, path in presets(kind).items():
        plugin = yamls.load(path.read_text())["plugin"]
        if registry.load(kind, plugin).schema == wanted:  # type: ignore[attr-defined]
            found.setdefault(plugin if kind == "training" else label, label)
    return list(found.values())
