"""`bashgym traces`: list sessions, show one, make pages of them, export them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bashgym.errors import BashGymError
from bashgym.verbs import no_more, parser

if TYPE_CHECKING:
    from bashgym.history.listed import Wanted

ABOUT = """Sessions of every coding agent on this machine.

  bashgym traces list [--repo R] [--since DATE] [--until DATE] [--verdict V] [--source S]
  bashgym traces show ID [--full]           one in the terminal, as it is; ID may be the beginning of an id
  bashgym traces why ID                     its class and score explained: each judge's word, and what would change it
  bashgym traces report ID [--out FILE]     one as a page, with secrets and people replaced
  bashgym traces report --all [--out FOLDER]   all that fit the filters, with an index
  bashgym traces export --atif FOLDER|FILE     as ATIF documents (.json one, .jsonl one a line), for other tools
  bashgym traces export --otlp FILE [ID]       as OpenTelemetry spans, one session a line
"""


def main(arguments: list[str]) -> int:
    took = parser("traces", ABOUT)
    took.add_argument("action", choices=["list", "show", "why", "report", "export"])
    took.add_argument("id", nargs="?", help="for show, why, report and export: the beginning of a session's id")
    took.add_argument("--repo", metavar="R", help="only of this repository: its path, the end of it, or `.`")
    took.add_argument("--since", metavar="DATE", help="only those begun on this day or later (2026-11-21)")
    took.add_argument("--until", metavar="DATE", help="only those begun on this day or earlier")
    took.add_argument("--verdict", choices=["gold", "silver", "failed", "unverified"], help="only of this class")
    took.add_argument("--source", metavar="S", help="only of this source, such as claude_code")
    took.add_argument("--full", action="store_true", help="for show and report: nothing is shortened")
    took.add_argument("--all", action="store_true", help="for report: every session that fits")
    took.add_argument("--out", metavar="PATH", type=Path, help="for report: where to write")
    took.add_argument("--atif", metavar="PATH", type=Path, help="for export: a folder, or a file in .json or .jsonl")
    took.add_argument("--otlp", metavar="FILE", type=Path, help="for export: a file of spans (OTLP, JSON Lines)")
    took.add_argument("--path", metavar="P", help="for export: what --source reads, where it is no agent's own history")
    text = took.add_mutually_exclusive_group()
    text.add_argument(
        "--redacted", action="store_true", help="for report, export: secrets and people replaced (the default)"
    )
    text.add_argument("--raw", action="store_true", help="for report, export: the text as it is, private as it may be")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    actions = {"list": listing, "show": showing, "why": explaining, "report": reporting, "export": exporting}
    return actions[options.action](options)


def listing(options: argparse.Namespace) -> int:
    from bashgym.history import listed

    no_more("traces", "list", options.id)
    listed.listed(wanted(options), options.json)
    return 0


def showing(options: argparse.Namespace) -> int:
    from bashgym.history import shown

    shown.shown(named(options), options.full, options.json)
    return 0


def explaining(options: argparse.Namespace) -> int:
    from bashgym.history import why

    why.explained(named(options), options.json)
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


def exporting(options: argparse.Namespace) -> int:
    from bashgym.display import Terminal
    from bashgym.exporting import files

    if options.atif is None and options.otlp is None:
        raise BashGymError("traces export: say what to write, with --atif FOLDER or --otlp FILE")
    screen = Terminal()
    chosen = files.wanted(wanted(options), options.id, options.path, screen)
    if options.raw:
        screen.say(files.PRIVATE)
    report = files.export(chosen, options.atif, options.otlp, options.raw, screen)
    files.told(report, [options.atif, options.otlp], options.json, screen)
    return 0


def named(options: argparse.Namespace) -> str:
    if not options.id:
        raise BashGymError(f"traces {options.action}: name a session; `bashgym traces list` shows them")
    return str(options.id)


def wanted(options: argparse.Namespace) -> "Wanted":
    from bashgym.history.listed import Wanted, day

    since, until = day(options.since, "--since"), day(options.until, "--until")
    return Wanted(options.repo, since, until, options.verdict, options.source)
