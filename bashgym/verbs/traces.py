"""`bashgym traces`: list sessions, show one, make pages of them, export them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bashgym.errors import BashGymError
from bashgym.verbs import parser

if TYPE_CHECKING:
    from bashgym.history.listed import Wanted

ABOUT = """Sessions of every coding agent on this machine.

  bashgym traces list [--repo R] [--since DATE] [--until DATE] [--verdict V] [--source S]
  bashgym traces show ID [--full]           one in the terminal, as it is; ID may be the beginning of an id
  bashgym traces report ID [--out FILE]     one as a page, with secrets and people replaced
  bashgym traces report --all [--out FOLDER]   all that fit the filters, with an index
"""


def main(arguments: list[str]) -> int:
    took = parser("traces", ABOUT)
    took.add_argument("action", choices=["list", "show", "report"])
    took.add_argument("id", nargs="?", help="for show and report: the beginning of a session's id")
    took.add_argument("--repo", metavar="R", help="only of this repository: its path, the end of it, or `.`")
    took.add_argument("--since", metavar="DATE", help="only those begun on this day or later (2026-11-21)")
    took.add_argument("--until", metavar="DATE", help="only those begun on this day or earlier")
    took.add_argument("--verdict", choices=["gold", "silver", "failed", "unverified"], help="only of this class")
    took.add_argument("--source", metavar="S", help="only of this source, such as claude_code")
    took.add_argument("--full", action="store_true", help="for show and report: nothing is shortened")
    took.add_argument("--all", action="store_true", help="for report: every session that fits")
    took.add_argument("--out", metavar="PATH", type=Path, help="for report: where to write")
    text = took.add_mutually_exclusive_group()
    text.add_argument("--redacted", action="store_true", help="for report: secrets and people replaced (the default)")
    text.add_argument("--raw", action="store_true", help="for report: the text as it is, private as it may be")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    return {"list": listing, "show": showing, "report": reporting}[options.action](options)


def listing(options: argparse.Namespace) -> int:
    from bashgym.history import listed

    listed.listed(wanted(options), options.json)
    return 0


def showing(options: argparse.Namespace) -> int:
    from bashgym.history import shown

    shown.shown(named(options), options.full, options.json)
    return 0


def reporting(options: argparse.Namespace) -> int:
    from bashgym.history import reports

    if options.all and options.id:
        raise BashGymError("traces report: name a session or say --all, not both")
    if options.all:
        reports.all_pages(wanted(options), options.out, options.raw, options.full, options.json)
    else:
        reports.one_page(named(options), options.out, options.raw, options.full, options.json)
    return 0


def named(options: argparse.Namespace) -> str:
    if not options.id:
        raise BashGymError(f"traces {options.action}: name a session; `bashgym traces list` shows them")
    return str(options.id)


def wanted(options: argparse.Namespace) -> "Wanted":
    from bashgym.history.listed import Wanted, day

    since, until = day(options.since, "--since"), day(options.until, "--until")
    return Wanted(options.repo, since, until, options.verdict, options.source)
