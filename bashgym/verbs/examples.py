"""`bashgym examples`: the exact tokens that a row trains."""

from typing import TYPE_CHECKING

from bashgym.verbs import parser

if TYPE_CHECKING:
    from bashgym.tokens import Tokens

ABOUT = """Shows a row of a run's dataset as the tokens that will be trained on: bright is learnt, dim is only read.

  bashgym examples show                      the first row of the newest run
  bashgym examples show ID --run RUN         ID, or how it begins; RUN is a name under runs/, or a folder

The trainer itself makes the tokens, so the training environment is needed (`bashgym env create`)."""


def main(arguments: list[str]) -> int:
    took = parser("examples", ABOUT)
    took.add_argument("action", choices=["show"])
    took.add_argument("id", nargs="?", default="", metavar="ID", help="the row's id; none: the first row")
    took.add_argument("--run", default="", metavar="RUN", help="which run (default: the newest with a dataset)")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import show, tokens
    from bashgym.display import Terminal

    run = tokens.run_folder(options.run)
    row = tokens.find(run, options.id)
    with Terminal(options.json).waiting("tokenizing, some ten seconds ..."):
        made = tokens.tokens(run, row)
    if options.json:
        show.as_json(made._asdict())
    else:
        printed(made)
    return 0


def printed(made: "Tokens") -> None:
    """Coloured for a person; where nobody looks, what is learnt stands between marks."""
    from rich.console import Console
    from rich.text import Text

    from bashgym.display import printable

    console = Console(highlight=False, soft_wrap=True)
    for part in made.parts:
        over = "; too long: the trainer leaves it out" if part["total"] > made.sequence_len else ""
        console.print(
            Text(
                f"{printable(made.id)} ({made.place}), {part['name']}: {part['total']} tokens of at most "
                f"{made.sequence_len}, {part['learnt']} of them learnt{over}"
            )
        )
        console.print(coloured(part["tokens"]) if console.is_terminal else Text(marked(part["tokens"])))


def coloured(tokens: list[tuple[str, bool, int]]) -> object:
    """Every other token underlined, so that one sees where each ends."""
    from rich.text import Text

    from bashgym.display import printable

    text = Text()
    for number, (token, learnt, _) in enumerate(tokens):
        text.append(printable(token), style=("bold green" if learnt else "dim") + (" underline" if number % 2 else ""))
    return text


def marked(tokens: list[tuple[str, bool, int]]) -> str:
    """`«` and `»` around each stretch that is learnt."""
    from bashgym.display import printable

    parts, before = [], False
    for token, learnt, _ in tokens:
        parts += ["«" if learnt else "»"] * (learnt != before)
        parts.append(printable(token))
        before = learnt
    return "".join([*parts, "»" * before])
