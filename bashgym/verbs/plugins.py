"""`bashgym plugins`: list them, write a new one, trust one."""

from bashgym.errors import BashGymError
from bashgym.verbs import no_more, parser

ABOUT = """Plugins, and where they come from.

  bashgym plugins list
  bashgym plugins new KIND NAME      writes one of your own that works: plugins/, conf/, tests/
  bashgym plugins trust KIND NAME    lets one take the name of a sanitizer that ships"""


def main(arguments: list[str]) -> int:
    took = parser("plugins", ABOUT)
    took.add_argument("action", choices=["list", "new", "trust"])
    took.add_argument("words", nargs="*", metavar="KIND NAME", help="for new and trust: which plugin")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    if options.action == "list":
        from bashgym import show

        no_more("plugins", "list", *options.words)
        show.plugins(options.json)
        return 0
    if len(options.words) != 2:
        example = {"trust": "sanitizer secrets", "new": "judge patience"}[options.action]
        raise BashGymError(
            f"plugins {options.action}: give a kind and a name, such as: bashgym plugins {options.action} {example}"
        )
    if options.action == "new":
        from bashgym.scaffold import plugin

        for path in plugin.write(*options.words):
            print(path)
        return 0
    from bashgym import registry

    path = registry.trust(*options.words)
    print(f"trusted, as long as not one byte of it changes: {path}")
    return 0
