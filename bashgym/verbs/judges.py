"""`bashgym judges`: measure judges against a labelled set."""

from pathlib import Path

from bashgym.verbs import parser

ABOUT = """How right judges are.

  bashgym judges eval                               the judges of the base recipe, on the set that ships
  bashgym judges eval --judge reward_hacking        one of them, or several: --judge A --judge B
  bashgym judges eval recipe=NAME key=value ...     a recipe's own, with its weights and thresholds
  bashgym judges eval --set FILE                    on a set of your own, see examples/labelled
"""


def main(arguments: list[str]) -> int:
    took = parser("judges", ABOUT)
    took.add_argument("action", choices=["eval"])
    took.add_argument("words", nargs="*", metavar="key=value", help="as `bashgym run` takes them")
    took.add_argument("--judge", metavar="X", action="append", default=[], help="only this judge; may be given again")
    took.add_argument("--set", metavar="FILE", type=Path, help="a labelled set, one session a line")
    took.add_argument("--no-probes", action="store_true", help="leave out what may sway a judge: it asks models often")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import judges
    from bashgym.display import Terminal

    made = judges.evaluate(options.words, options.judge, options.set, not options.no_probes, Terminal(options.json))
    judges.told(made, options.json)
    return 0
