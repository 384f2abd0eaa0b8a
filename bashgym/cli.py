"""The command line: finds the verb, turns errors into one line. A verb is a file of bashgym/verbs/, imported when
it is called, so that help is instant."""

import errno
import gc
import importlib
import io
import sys
from collections.abc import Sequence

from bashgym import __version__
from bashgym.errors import BashGymError, did_you_mean

INTERRUPTED = 130  # 128 + SIGINT, as shells report it
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# what a user's disk answers, and no fault of the program
OUTSIDE = FULL | {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}
OUTSIDE |= {errno.ENAMETOOLONG, errno.EIO, errno.EEXIST, errno.ENOTEMPTY, errno.EMFILE}
COLLECT_AFTER = 50_000  # new objects; Python's own 700 makes a start, whose objects all stay, a tenth longer


def main(argv: Sequence[str] | None = None) -> int:
    """The exit code: 0 done, 1 the work failed, 2 the input is wrong, 3 privacy could not be kept, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(COLLECT_AFTER)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a letter that this terminal cannot show ends nothing
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
    except OSError as error:
        if error.errno not in OUTSIDE or sys.flags.dev_mode:
            raise
        print(f"bashgym: {printable(outside(error))}", file=sys.stderr)
        return BashGymError.exit_code


def outside(error: OSError) -> str:
    """A file that cannot be had, in one line; `python -X dev -m bashgym` shows where in the program that was."""
    at = error.filename2 or error.filename or "a file"
    way_out = (
        "make room, or move the data home: BASHGYM_HOME=FOLDER"
        if error.errno in FULL
        else "name another place, or let this user write there"
    )
    return f"{at if isinstance(at, str) else repr(at)}: {error.strerror}; {way_out}"


def printable(error: Exception | str) -> str:
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
    return int(importlib.import_module(f"bashgym.verbs.{verb}").main(rest))


def help_text() -> str:
    verbs = "\n".join(f"  {name:<10} {line}" for name, line in VERBS.items())
    return (
        "usage: bashgym COMMAND ...\n\n"
        "Turns your sessions with coding agents into a small model that works as you do.\n\n"
        f"commands:\n{verbs}\n\n"
        "`bashgym COMMAND --help` says more. First steps:\n"
        "  bashgym collect                                     what your sessions are worth; it all stays here\n"
        "  bashgym run recipe=quickstart                       train on the bundled example sessions\n"
        "  bashgym run recipe=quickstart source=claude_code    train on your own Claude Code history"
    )


VERBS: dict[str, str] = {
    "collect": "what all coding agents on this machine have done: tokens, cost, what to train on",
    "traces": "list and show sessions, make pages of them, export them",
    "run": "run a recipe: sessions in, a measured and registered model out",
    "clouds": "what a training would cost on rented machines",
    "train": "train by a strategy (sft, dpo, kto, ...) with its default recipe",
    "examples": "show the exact tokens that a row of a dataset trains",
    "capture": "keep what happens in Claude Code, and say what is left out",
    "forget": "delete everything that is kept of a session or a repository",
    "recipes": "list, show, check, copy, compare recipes; explain any key of one",
    "runs": "list earlier runs, compare them, remove those of no registered model",
    "schema": "what editors need to check and complete recipes",
    "completion": "shell completion for bash, zsh and fish",
    "packs": "recipes and plugins that others share: add, trust, update, remove, make one",
    "plugins": "list plugins and where they come from; write a new one",
    "lineage": "where a row of a dataset came from, line by line; why a session is in none",
    "tasks": "tasks with tests: import those of others, check them, export them for other frameworks",
    "judges": "measure judges against labelled sessions",
    "models": "list registered models; show one with scores and lineage",
    "sanitize": "take secrets and people out of any JSON Lines or text file",
    "audit": "put the datasets of earlier runs past today's leak gate",
    "keys": "show, export or import the key that pseudonyms are made with",
    "doctor": "whether capture and reading work here, and what to do where they do not",
    "env": "make, check or remove the training environment",
}


if __name__ == "__main__":
    sys.exit(main())
