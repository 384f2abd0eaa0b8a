"""`bashgym clouds`: what a training would cost where."""

import argparse

from bashgym.errors import BashGymError
from bashgym.verbs import parser

ABOUT = """Rented machines.

  bashgym clouds quote recipe=NAME [key=value] ...     what a training would cost on every cloud; rents nothing
"""


def main(arguments: list[str]) -> int:
    took = parser("clouds", ABOUT)
    took.add_argument("action", choices=["quote"])
    took.add_argument("words", nargs="*", metavar="WORD", help="as above")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    return {"quote": quoting}[options.action](options)


def quoting(options: argparse.Namespace) -> int:
    from bashgym import recipe
    from bashgym.display import Terminal
    from bashgym.run import prospective
    from bashgym.runs import offered
    from bashgym.stages.offers import as_data, side_by_side
    from bashgym.stages.plan import plan_folder, written_dataset
    from bashgym.stages.train import provisional

    chosen = recipe.load(options.words)
    screen = Terminal()
    run = prospective(chosen, plan_folder(chosen.name), screen)
    with screen.waiting("asking the clouds' price lists"):
        answers = side_by_side(options.words, chosen, provisional(run, written_dataset(run)))
    offered.shown(as_data(answers), options.json)
    if not any(one.quote and one.quote.offers for one in answers):
        raise BashGymError("clouds quote: no cloud has an offer; the reasons stand above")
    return 0
