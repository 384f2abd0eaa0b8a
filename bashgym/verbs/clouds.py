"""`bashgym clouds`: what a training would cost where, what is rented now, and its end."""

import argparse

from bashgym.errors import BashGymError
from bashgym.verbs import parser

ABOUT = """Rented machines.

  bashgym clouds quote recipe=NAME [key=value] ...     what a training would cost on every cloud; rents nothing
  bashgym clouds ps                                    what is rented at this moment, and how it is ended by hand
  bashgym clouds reap                                  end what no program follows any more
  bashgym clouds ray infra=k8s/CONTEXT nodes=N [volume=NAME]
                                                       a Ray cluster on machines of your own, as SkyPilot's task file
"""


def main(arguments: list[str]) -> int:
    took = parser("clouds", ABOUT)
    took.add_argument("action", choices=["quote", "ps", "reap", "ray"])
    took.add_argument("words", nargs="*", metavar="WORD", help="as above")
    took.add_argument("--json", action="store_true", help="print JSON")
    took.add_argument("--yes", action="store_true", help="reap: do not ask")
    options = took.parse_intermixed_args(arguments)
    return {"quote": quoting, "ps": listing, "reap": reaping, "ray": raying}[options.action](options)


def quoting(options: argparse.Namespace) -> int:
    from bashgym import recipe
    from bashgym.display import Terminal
    from bashgym.rented import asking
    from bashgym.run import prospective
    from bashgym.runs import offered
    from bashgym.stages.offers import as_data, side_by_side
    from bashgym.stages.plan import plan_folder, written_dataset
    from bashgym.stages.train import provisional

    asking.beforehand()
    chosen = recipe.load(options.words)
    screen = Terminal()
    run = prospective(chosen, plan_folder(chosen.name), screen)
    dataset = written_dataset(run)
    with screen.waiting("asking the clouds' price lists"):
        answers = side_by_side(options.words, chosen, provisional(run, dataset))
    offered.shown(as_data(answers), dataset is not None, options.json)
    if not any(one.quote and one.quote.offers for one in answers):
        raise BashGymError("clouds quote: no cloud has an offer; the reasons stand above")
    return 0


def listing(options: argparse.Namespace) -> int:
    from bashgym.rented import ledger
    from bashgym.runs import hired

    hired.listing(ledger.all_open(), options.json)
    return 0


def reaping(options: argparse.Namespace) -> int:
    from bashgym.display import Terminal
    from bashgym.rented import ledger
    from bashgym.runs import hired
    from bashgym.stages import reap

    left = ledger.orphans()
    hired.listing(left, options.json)
    if not left:
        return 0
    screen = Terminal(yes=options.yes)
    if not screen.answers():
        raise BashGymError("clouds reap: nobody to ask; look at the list above, then add --yes")
    if not screen.agrees(f"end these {len(left)}, with whatever they have not sent back?"):
        return 0
    return 0 if reap.brought_down(left, screen.say) else 1


def raying(options: argparse.Namespace) -> int:
    from bashgym.rented import rayed, task

    values = dict(word.partition("=")[::2] for word in options.words)
    nodes, unknown = values.get("nodes", "2"), set(values) - {"infra", "nodes", "volume"}
    if unknown or not values.get("infra") or not nodes.isdigit() or int(nodes) < 1:
        raise BashGymError("clouds ray: say infra=..., nodes=N and, where machines share one, volume=NAME")
    volume = values.get("volume", "")
    made = rayed.cluster(values["infra"], int(nodes), volume)
    print(task.write(made, rayed.notes(volume)).decode(), end="")
    return 0
