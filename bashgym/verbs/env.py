"""`bashgym env`: the training environment."""

from bashgym.verbs import parser


def main(arguments: list[str]) -> int:
    took = parser("env", "Makes, checks or removes the training environment, where Axolotl and lm-eval live.")
    took.add_argument("action", choices=["create", "check", "remove"])
    took.add_argument("--python", default="", metavar="PATH", help="for check: another environment's interpreter")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    from bashgym import show

    return show.environment(options.action, options.python, options.json)
