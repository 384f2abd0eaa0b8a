"""`bashgym train`: the short way to each training strategy's default recipe (conf/strategies.yaml)."""

from bashgym.errors import RecipeError, did_you_mean
from bashgym.verbs import parser


def main(arguments: list[str]) -> int:
    about = (
        "Trains by a strategy's default recipe, from your history to a registered model.\n\n"
        "  bashgym train --strategy sft                 on your Claude Code history\n"
        "  bashgym train --strategy dpo --tiny          on data that ships, a small model, about a minute on a CPU\n\n"
        "Further key=value are passed on (training.epochs=2, cloud=runpod); `bashgym run` takes any recipe."
    )
    took = parser("train", about)
    took.add_argument("--strategy", default="sft", metavar="NAME", help=f"one of: {', '.join(known())} (default: sft)")
    took.add_argument("--tiny", action="store_true", help="try it out: a small model on data that ships")
    took.add_argument("overrides", nargs="*", metavar="key=value", help="what to change in the recipe")
    took.add_argument("--plan", action="store_true", help="show what would be done and what it would cost; do nothing")
    took.add_argument("--yes", action="store_true", help="rent what the recipe's cloud quotes, without asking")
    took.add_argument("--fresh", action="store_true", help="start anew, also where an earlier run could be taken up")
    took.add_argument("--until", choices=["dataset"], help="stop when the dataset is written")
    took.add_argument("--json", action="store_true", help="print the manifest (or the plan) as JSON")
    options = took.parse_intermixed_args(arguments)
    words = [f"recipe={recipe_of(options.strategy, options.tiny)}", *checked(options.overrides)]
    from bashgym import show
    from bashgym.display import Terminal
    from bashgym.run import plan_recipe, run_recipe

    screen = Terminal(yes=options.yes)
    if options.plan:
        from bashgym.runs import planned

        for plan in plan_recipe(words, False, screen):
            planned.shown(plan, options.json)
        return 0
    screen.say(f"bashgym run {' '.join(words)}")
    show.finished(run_recipe(words, options.fresh, options.until, screen), options.json)
    return 0


def known() -> dict[str, dict[str, str]]:
    """strategy -> {recipe, tiny}."""
    from bashgym import paths, yamls

    content = yamls.load((paths.shipped("conf") / "strategies.yaml").read_text(encoding="utf-8"))
    return dict(content["strategies"])


def recipe_of(strategy: str, tiny: bool) -> str:
    """The recipe of a strategy; raises RecipeError for one that is none."""
    if strategy not in known():
        raise RecipeError(f"--strategy {strategy}: no such strategy{did_you_mean(strategy, known())}")
    return known()[strategy]["tiny" if tiny else "recipe"]


def checked(overrides: list[str]) -> list[str]:
    """Raises RecipeError where a recipe is named: that is `bashgym run`'s."""
    named = next((text for text in overrides if text.startswith("recipe=")), None)
    if named:
        raise RecipeError(f"{named}: train takes the strategy's own recipe; for another one, bashgym run {named}")
    return overrides
