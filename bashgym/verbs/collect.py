"""`bashgym collect`: what all agents on this machine have done."""

from bashgym.verbs import parser


def main(arguments: list[str]) -> int:
    took = parser(
        "collect",
        "Finds the history of every coding agent on this machine and counts it: sessions, tokens, cost, failures,\n"
        "what it would give to train on, what is about to be deleted. Nothing leaves this machine; nothing is changed.",
    )
    took.add_argument("--source", metavar="NAME", help="only this one, such as claude_code")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym.history import printed

    printed.collected(options.source, options.json)
    return 0
