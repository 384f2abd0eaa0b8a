"""`bashgym models`: list what is registered, show one, export one for a server."""

import argparse
from pathlib import Path

from bashgym.errors import BashGymError
from bashgym.verbs import no_more, parser


def main(arguments: list[str]) -> int:
    took = parser("models", "Lists registered models, shows one with its card and scores, or exports one for a server.")
    took.add_argument("action", choices=["list", "show", "export"])
    took.add_argument("name", nargs="?", help="for show and export: the model, or NAME@VERSION, or NAME@ALIAS")
    took.add_argument("folder", nargs="?", help="for export: where it is written; empty or not there yet")
    took.add_argument(
        "--to", metavar="SERVER", help="for export: ollama, vllm, bashbros, or merged (plain transformers)"
    )
    took.add_argument("--purpose", default="general", help="for bashbros: general, suggest, safety, route, fix ...")
    took.add_argument("--base-name", default="", metavar="NAME", help="for bashbros: what Ollama calls the base model")
    took.add_argument("--unchecked", action="store_true", help="for export: without comparing the chat templates")
    took.add_argument("--registry", default="mlflow", metavar="PRESET", help="which model registry (default: mlflow)")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import show

    if options.action != "export":
        no_more("models", options.action, options.name if options.action == "list" else "", options.folder)
    if options.action == "list":
        show.models(options.registry, options.json)
        return 0
    if not options.name:
        raise BashGymError(f"models {options.action}: name a model; `bashgym models list` shows them")
    if options.action == "export":
        return exported(options)
    show.model(options.registry, options.name, options.json)
    return 0


def exported(options: argparse.Namespace) -> int:
    """Writes one model for a server."""
    from bashgym import show
    from bashgym.delivery.bashbros import PURPOSES
    from bashgym.delivery.export import TARGETS, export

    for key, value, known in (("--to", options.to, TARGETS), ("--purpose", options.purpose, PURPOSES)):
        if value not in known:
            raise BashGymError(f"models export: {key} {value or 'is missing'}; one of {', '.join(known)}")
    if not options.folder:
        raise BashGymError("models export: name a folder to write to, for example ./my-model")
    version = show.found(options.registry, options.name)
    done = export(
        version,
        options.to,
        Path(options.folder).expanduser(),
        (lambda _: None) if options.json else print,
        purpose=options.purpose,
        base_name=options.base_name,
        checked=not options.unchecked,
    )
    show.exported(done, options.json)
    return 0
