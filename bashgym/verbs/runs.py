"""`bashgym runs`: list, show, compare, prune."""

import argparse
import sys

from bashgym.errors import BashGymError
from bashgym.verbs import no_more, parser

ABOUT = """Earlier runs and what they hold.

  bashgym runs list
  bashgym runs show RUN                one run, stage by stage
  bashgym runs compare RUN RUN ...     the keys they differ in, above their scores
  bashgym runs prune [RUN ...]         removes folders that no registered model came from

RUN is a name, the beginning of one, or a folder.
"""


def main(arguments: list[str]) -> int:
    took = parser("runs", ABOUT)
    took.add_argument("action", choices=["list", "show", "compare", "prune"])
    took.add_argument("runs", nargs="*", metavar="RUN", help="as above")
    took.add_argument(
        "--older-than", type=float, default=0.0, metavar="DAYS", help="for prune: only what ended so long ago"
    )
    took.add_argument("--yes", action="store_true", help="for prune: without asking")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    return {"list": listing, "show": showing, "compare": comparing, "prune": pruning}[options.action](options)


def listing(options: argparse.Namespace) -> int:
    from bashgym.runs import listed, printed

    no_more("runs", "list", *options.runs)
    printed.listing(listed.past_runs(), options.json)
    return 0


def showing(options: argparse.Namespace) -> int:
    if len(options.runs) != 1:
        raise BashGymError("runs show: name one run; `bashgym runs list` shows them")
    from bashgym.runs import listed, printed

    printed.one(listed.named(options.runs[0]), options.json)
    return 0


def comparing(options: argparse.Namespace) -> int:
    if len(options.runs) < 2:
        raise BashGymError("runs compare: name two runs or more; `bashgym runs list` shows them")
    from bashgym.runs import compared, listed, printed

    printed.comparison(compared.compared([listed.named(word) for word in options.runs]), options.json)
    return 0


def pruning(options: argparse.Namespace) -> int:
    from bashgym.runs import listed, printed, pruned

    wanted = [listed.named(word) for word in options.runs] or listed.past_runs()
    found = pruned.judged(wanted, options.older_than)
    printed.pruning(found, options.json)
    going = [one.run for one in found if not one.stays]
    if not going:
        print("nothing to remove", file=sys.stderr)
        return 0
    if not options.yes and not agreed(len(going)):
        print("nothing removed", file=sys.stderr)
        return 0
    removed = list(pruned.remove(going))
    print(f"removed {len(removed)} runs", file=sys.stderr)
    return 0 if len(removed) == len(going) else 1


def agreed(n: int) -> bool:
    """Raises BashGymError where nobody is there to be asked."""
    if not sys.stdin.isatty():
        raise BashGymError("runs prune: nobody to ask; look at the table above, then add --yes")
    return input(f"remove {n} run folders? [y/N] ").strip().lower() in {"y", "yes"}
