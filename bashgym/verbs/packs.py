"""`bashgym packs`: recipes, presets and plugins of others: add, list, show, update, remove, trust, new."""

import argparse
import sys
from typing import Any

from bashgym.errors import BashGymError
from bashgym.verbs import no_more, parser

ABOUT = """Packs of recipes, presets and plugins that others share, each kept at one commit.

  bashgym packs add ADDRESS         git+https://HOST/ORG/PACK@REV, hf://ORG/REPO@REV, or a folder
  bashgym packs list                what is kept, at which commit, and whether it is trusted
  bashgym packs show NAME           the code in it, and every setting that can do harm
  bashgym packs trust NAME          the same, and asks: from then on its code may run, at this very commit
  bashgym packs update NAME         fetches it anew and says what changed; a changed pack is not trusted
  bashgym packs remove NAME
  bashgym packs new NAME            writes a pack of your own: plugin, preset, recipe, tests, CI

A pack is data until it is trusted: its plugins do not run, and what it sets may send nothing anywhere. What protects
you (sanitizers, the leak gate, budgets) no pack can lower, trusted or not."""
ACTIONS = ["add", "list", "show", "trust", "update", "remove", "new"]


def main(arguments: list[str]) -> int:
    took = parser("packs", ABOUT)
    took.add_argument("action", choices=ACTIONS)
    took.add_argument("word", nargs="?", default="", metavar="WORD", help="an address, or the name of a pack")
    took.add_argument("--name", default="", help="for add: the name it is kept under; default: the address's last part")
    took.add_argument("--revision", default="", help="for update: another branch, tag or commit from now on")
    took.add_argument("--allow", action="append", default=[], choices=["file", "http"], help="for add: a protocol that "
                      "is not safe by itself: this machine's own repositories, or unencrypted")  # fmt: skip
    took.add_argument(
        "--shadowing", action="store_true", help="for add: though a plugin has the name of one that ships"
    )
    took.add_argument("--yes", action="store_true", help="for trust: do not ask")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    if options.action != "list" and not options.word:
        wanted = "an address" if options.action == "add" else "a pack's name"
        raise BashGymError(f"packs {options.action}: give {wanted}; see bashgym packs --help")
    code: int = globals()[f"do_{options.action}"](options)
    return code


def do_add(options: argparse.Namespace) -> int:
    from bashgym.packs import added
    from bashgym.vetting_printed import summary

    pack = added.add(options.word, options.name, tuple(options.allow), options.shadowing)
    return summary(pack, options.json)


def do_list(options: argparse.Namespace) -> int:
    from bashgym.vetting_printed import listing

    no_more("packs", "list", options.word)
    return listing(options.json)


def do_show(options: argparse.Namespace) -> int:
    from bashgym.packs import kept
    from bashgym.vetting_printed import shown

    return shown(kept.named(options.word), options.json)


def do_trust(options: argparse.Namespace) -> int:
    from bashgym.packs import added, kept
    from bashgym.vetting_printed import shown

    pack = kept.named(options.word)
    if not options.json:
        shown(pack, False)
    if not options.yes:
        if not sys.stdin.isatty():
            raise BashGymError(
                f"packs trust: nobody to ask here; look at it, then: bashgym packs trust {pack.name} --yes"
            )
        answer = input(f"\nTrust {pack.name} at {pack.short}? Its code runs as you do. yes/no: ")
        if answer.strip().lower() != "yes":
            print("not trusted")
            return 1
    done = added.trust(pack.name, pack.pin)
    if options.json:
        from bashgym import show

        show.as_json({"name": done.name, "commit": done.commit, "trusted": done.is_trusted})
    else:
        print(f"trusted: {done.name} at {done.commit}, as long as not one byte of it changes")
    return 0


def do_update(options: argparse.Namespace) -> int:
    from bashgym.packs import added
    from bashgym.vetting_printed import changed

    return changed(added.update(options.word, options.revision), options.json)


def do_remove(options: argparse.Namespace) -> int:
    from bashgym.packs import added

    pack = added.remove(options.word)
    told: dict[str, Any] = {"name": pack.name, "removed": pack.commit}
    if options.json:
        from bashgym import show

        show.as_json(told)
    else:
        print(f"removed: {pack.name} ({pack.url} at {pack.short})")
    return 0


def do_new(options: argparse.Namespace) -> int:
    from bashgym.scaffold.pack import write

    for path in write(options.word):
        print(path)
    print(f"it works as it is; try it: bashgym packs add ./{options.word}, then see its README.md", file=sys.stderr)
    return 0
