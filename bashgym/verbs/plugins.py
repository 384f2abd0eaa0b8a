"""`bashgym plugins`: list them, trust one."""

from bashgym.errors import BashGymError
from bashgym.verbs import parser


def main(arguments: list[str]) -> int:
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
