"""`bashgym run`: a recipe from its sources to a registered model."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from bashgym.errors import BashGymError
from bashgym.verbs import parser


def options_of(arguments: list[str]) -> Namespace:
    """What was typed."""
    about = (
        "Runs a recipe from its sources to a registered model.\n\n"
        "  bashgym run recipe=NAME [group=choice] [key=value] ...\n\n"
        "  bashgym run --locked recipe.lock.yaml          make the dataset of that run again, byte for byte\n\n"
        "group=choice picks another preset (cloud=runpod, source=claude_code, sanitizer=[secrets,pii,identity]);\n"
        "key=value sets a value (training.learning_rate=1e-4); see `bashgym recipes show NAME` for all keys."
    )
    took = parser("run", about)
    if {"-h", "--help"} & set(arguments):
        from bashgym.recipebook.helped import choosable

        took.epilog = choosable(arguments)
    took.add_argument("overrides", nargs="*", metavar="key=value", help="the recipe and what to change in it")
    took.add_argument("--locked", metavar="FILE", help="run what a lock file says, or say what differs here and stop")
    took.add_argument("--plan", action="store_true", help="show what would be done and what it would cost; do nothing")
    took.add_argument("-m", "--multirun", action="store_true", help="run every combination of values given as a,b")
    took.add_argument("--yes", action="store_true", help="rent what the recipe's cloud quotes, without asking")
    took.add_argument("--fresh", action="store_true", help="start anew, also where an earlier run could be taken up")
    took.add_argument(
        "--until", choices=["dataset"], help="stop when the dataset is written; the same command without it goes on"
    )
    took.add_argument("--json", action="store_true", help="print the manifest (or the plan) as JSON")
    return took.parse_intermixed_args(arguments)


def main(arguments: list[str]) -> int:
    options = options_of(arguments)
    from bashgym import show
    from bashgym.display import Terminal

    screen = Terminal(yes=options.yes)
    from bashgym.run import plan_recipe, run_locked, run_recipe

    if options.locked:
        if options.plan or options.multirun:
            raise BashGymError("run --locked: goes with neither --plan nor --multirun; leave them out")
        lock = Path(options.locked).expanduser()
        show.finished(run_locked(lock, options.overrides, options.fresh, options.until, screen), options.json)
        return 0
    if options.plan:
        from bashgym.runs import planned

        refused: list[str] = []
        for plan in plan_recipe(options.overrides, options.multirun, screen):
            planned.shown(plan, options.json)
            if why := planned.refused(plan):
                refused.append(f"cloud={plan['cloud']}: {why}")
        if refused:
            raise BashGymError(f"what is planned above would be refused: {refused[0]}")
        return 0
    if options.multirun:
        from bashgym.runs.swept import sweep

        ended: list[dict[str, Any]] = []

        def each(content: dict[str, Any]) -> None:
            ended.append(content)
            if not options.json:
                show.finished(content, False)

        sweep(options.overrides, options.fresh, options.until, screen, each)
        swept(ended, options.json)
    else:
        show.finished(run_recipe(options.overrides, options.fresh, options.until, screen), options.json)
    return 0


def swept(ended: list[dict[str, Any]], json: bool) -> None:
    """The end of a sweep: all runs beside each other."""
    from bashgym import show

    if json:
        show.as_json(ended)
        return
    from bashgym.runs import compared, printed

    print()
    printed.comparison(compared.of_manifests(ended), json)
