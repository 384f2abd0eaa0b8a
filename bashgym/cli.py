"""The verbs of `bashgym`. Each imports what it needs when it is called, so that help is instant."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from bashgym import __version__
from bashgym.errors import BashGymError, did_you_mean

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 the work failed, 2 the input is wrong, 3 privacy could not be kept, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return dispatch(arguments)
    except BashGymError as error:
        print(f"bashgym: {printable(error)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("bashgym: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def printable(error: Exception) -> str:
    """An error's line without control characters."""
    return "".join(char if char.isprintable() else " " for char in str(error))


def dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(help_text())
        return 0
    if arguments[0] in {"-V", "--version"}:
        print(f"bashgym {__version__}")
        return 0
    verb, *rest = arguments
    if verb not in VERBS:
        raise BashGymError(f"{verb}: no such command{did_you_mean(verb, VERBS)}")
    return VERBS[verb][0](rest)


def help_text() -> str:
    verbs = "\n".join(f"  {name:<10} {line}" for name, (_, line) in VERBS.items())
    return (
        "usage: bashgym COMMAND ...\n\n"
        "Turns your sessions with coding agents into a small model that works as you do.\n\n"
        f"commands:\n{verbs}\n\n"
        "`bashgym COMMAND --help` says more. First steps:\n"
        "  bashgym run recipe=quickstart                       train on the bundled example sessions\n"
        "  bashgym run recipe=quickstart source=claude_code    train on your own Claude Code history"
    )


class Parser(argparse.ArgumentParser):
    """argparse, with its errors as ours: one line, exit code 2."""

    def error(self, message: str) -> Any:
        raise BashGymError(f"{self.prog.removeprefix('bashgym ')}: {message}; see {self.prog} --help")


def parser(verb: str, about: str) -> Parser:
    return Parser(prog=f"bashgym {verb}", description=about, formatter_class=argparse.RawDescriptionHelpFormatter)


def run(arguments: list[str]) -> int:
    about = (
        "Runs a recipe from its sources to a registered model.\n\n"
        "  bashgym run recipe=NAME [group=choice] [key=value] ...\n\n"
        "group=choice picks another preset (cloud=runpod, source=claude_code, sanitizer=[secrets,pii,identity]);\n"
        "key=value sets a value (training.learning_rate=1e-4); see `bashgym recipes show NAME` for all keys."
    )
    took = parser("run", about)
    took.add_argument("overrides", nargs="*", metavar="key=value", help="the recipe and what to change in it")
    took.add_argument("--plan", action="store_true", help="show what would be done and what it would cost; do nothing")
    took.add_argument("-m", "--multirun", action="store_true", help="run every combination of values given as a,b")
    took.add_argument("--fresh", action="store_true", help="start anew, also where an earlier run could be taken up")
    took.add_argument(
        "--until", choices=["dataset"], help="stop when the dataset is written; the same command without it goes on"
    )
    took.add_argument("--json", action="store_true", help="print the manifest (or the plan) as JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import show
    from bashgym.display import Terminal

    screen = Terminal()
    from bashgym.run import plan_recipe, run_recipe, sweep

    if options.plan:
        for plan in plan_recipe(options.overrides, options.multirun, screen):
            show.plan(plan, options.json)
        return 0
    if options.multirun:
        sweep(
            options.overrides,
            options.fresh,
            options.until,
            screen,
            lambda content: show.finished(content, options.json),
        )
    else:
        show.finished(run_recipe(options.overrides, options.fresh, options.until, screen), options.json)
    return 0


def recipes(arguments: list[str]) -> int:
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


def plugins(arguments: list[str]) -> int:
    took = parser("plugins", "Lists plugins, or trusts one that takes the name of a shipped sanitizer.")
    took.add_argument("action", choices=["list", "trust"])
    took.add_argument("words", nargs="*", metavar="KIND NAME", help="for trust: which plugin")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    if options.action == "list":
        from bashgym import show

        show.plugins(options.json)
        return 0
    if len(options.words) != 2:
        raise BashGymError("plugins trust: give a kind and a name, such as: bashgym plugins trust sanitizer secrets")
    from bashgym import registry

    path = registry.trust(*options.words)
    print(f"trusted, as long as not one byte of it changes: {path}")
    return 0


def models(arguments: list[str]) -> int:
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


def env(arguments: list[str]) -> int:
    took = parser("env", "Makes, checks or removes the training environment, where Axolotl and lm-eval live.")
    took.add_argument("action", choices=["create", "check", "remove"])
    took.add_argument("--python", default="", metavar="PATH", help="for check: another environment's interpreter")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import show

    return show.environment(options.action, options.python, options.json)


VERBS: dict[str, tuple[Callable[[list[str]], int], str]] = {
    "run": (run, "run a recipe: sessions in, a measured and registered model out"),
    "recipes": (recipes, "list recipes; show one with the origin of each value"),
    "plugins": (plugins, "list plugins and where they come from"),
    "models": (models, "list registered models; show one with scores and lineage"),
    "env": (env, "make, check or remove the training environment"),
}


if __name__ == "__main__":
    sys.exit(main())
