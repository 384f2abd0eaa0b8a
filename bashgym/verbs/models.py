"""`bashgym models`: list what is registered, show one."""

from bashgym.errors import BashGymError
from bashgym.verbs import parser


def main(arguments: list[str]) -> int:
    took = parser("models", "Lists registered models, or shows one with its scores and lineage.")
    took.add_argument("action", choices=["list", "show"])
    took.add_argument("name", nargs="?", help="for show: the model, or NAME@VERSION, or NAME@ALIAS")
    took.add_argument("--registry", default="mlflow", metavar="PRESET", help="which model registry (default: mlflow)")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import show

    if options.action == "list":
        show.models(options.registry, options.json)
        return 0
    if not options.name:
        raise BashGymError("models show: name a model; `bashgym models list` shows them")
    show.model(options.registry, options.name, options.json)
    return 0
