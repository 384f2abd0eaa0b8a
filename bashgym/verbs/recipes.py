"""`bashgym recipes`: list them, show one."""

from bashgym.errors import BashGymError
from bashgym.verbs import parser


def main(arguments: list[str]) -> int:
    took = parser("recipes", "Lists recipes, or shows one flattened, with the origin of each value.")
    took.add_argument("action", choices=["list", "show"])
    took.add_argument(
        "words", nargs="*", metavar="NAME [key=value]", help="for show: the recipe, and overrides to apply"
    )
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import show

    if options.action == "list":
        show.recipes(options.json)
        return 0
    if not options.words:
        raise BashGymError("recipes show: name a recipe; `bashgym recipes list` shows them")
    name, *overrides = options.words
    show.recipe([name if name.startswith("recipe=") else f"recipe={name}", *overrides], options.json)
    return 0
