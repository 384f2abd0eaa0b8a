"""`bashgym forget`: deletes everything that is kept of a session, a folder or a repository."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bashgym.errors import BashGymError
from bashgym.verbs import parser

if TYPE_CHECKING:
    from bashgym.capture.forget import Kept

ABOUT = """Deletes everything that BashGym keeps of a session: spool, archive, cached results, rows of datasets.
No hook and no run takes it in again. Models that were trained on it are named; the agent's own files stay.

  bashgym forget SESSION       a session, by its id or the first eight characters of it
  bashgym forget FOLDER        every session that was ever in this folder or below
  bashgym forget OWNER/NAME    every session in a checkout of this repository (its URL will do as well)"""
SHOWN = 12


def main(arguments: list[str]) -> int:
    took = parser("forget", ABOUT)
    took.add_argument("what", help="a session, a folder, or a repository")
    took.add_argument("--copies", action="store_true", help="forks and resumed copies of these sessions too")
    took.add_argument("--yes", action="store_true", help="do not ask")
    took.add_argument("--json", action="store_true", help="print JSON (needs --yes)")
    took.add_argument("--registry", default="mlflow", metavar="PRESET", help="which model registry (default: mlflow)")
    options = took.parse_intermixed_args(arguments)
    if options.json and not options.yes:
        raise BashGymError("forget --json: asks nobody, so it needs --yes")
    import msgspec

    from bashgym import show
    from bashgym.capture.forget import Forgetting
    from bashgym.display import printable

    act = Forgetting(options.what, options.copies, options.registry)
    kept = act.kept()
    if not options.json:
        print(printable("\n".join(lines(kept, options.what))))
    if kept.sessions and not options.yes and not agreed():
        print("nothing was changed")
        return 1
    if kept.sessions:
        act.carry_out()
    if options.json:
        show.as_json(msgspec.to_builtins(kept))
    elif kept.sessions:
        print("forgotten")
    return 0


def agreed() -> bool:
    """Whether the user says yes. Raises BashGymError where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise BashGymError("forget: there is nobody to ask here; say --yes. Nothing was changed")
    return input("forget all this? [y/N] ").strip().lower() in {"y", "yes"}


def lines(kept: "Kept", what: str) -> Iterator[str]:
    """What would be deleted, and what stays."""
    if not kept.sessions:
        yield f"{what}: no session of it is known here; to keep it out: bashgym capture exclude {what}"
        return
    yield f"sessions   {len(kept.sessions)}: {some(kept.sessions)}"
    yield f"spool      {len(kept.spool)} files"
    yield f"archive    {len(kept.archive)} files ({kept.bytes / 1e6:,.1f} MB with the spool)"
    yield f"store      {kept.results} results"
    for run, rows in kept.rows.items():
        yield f"dataset    {', '.join(f'{n} {split}' for split, n in rows.items())} rows in {run}"
    for model in kept.models:
        yield f"model      {model['name']} version {model['version']} was trained on it and stays: {model['path']}"
    if kept.copies:
        yield f"copies     {len(kept.copies)} others hold replies of it and stay: {some(kept.copies)}; see --copies"
    yield f"not touched: {len(kept.agents)} files of the agents themselves{first(kept.agents)}"
    yield from (f"warning    {reason}" for reason in kept.unread)


def some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def first(files: tuple[str, ...]) -> str:
    return f", such as {files[0]}" if files else ""
