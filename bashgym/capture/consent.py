"""What the user lets be captured: whether at all, and which folders and repositories not."""

from pathlib import Path

from bashgym import jsonl, paths
from bashgym.errors import InputError, did_you_mean
from bashgym.reading import excluded


def pause_file() -> Path:
    """Where this file is, the hooks write nothing."""
    return paths.home() / "paused"


def paused() -> bool:
    return pause_file().exists()


def pause() -> bool:
    """Whether it was not paused before."""
    before = paused()
    if not before:
        jsonl.replace(pause_file(), b"")
    return not before


def resume() -> bool:
    """Whether it was paused before."""
    before = paused()
    pause_file().unlink(missing_ok=True)
    return before


def entry(text: str) -> str:
    """What the user means: a folder where it looks like a path or is one here, else a repository.

    Raises InputError."""
    if text.startswith(("/", "~", ".")) or Path(text).is_dir():
        text = str(Path(text).expanduser().absolute())
    try:
        return excluded.entry(text)
    except ValueError as error:
        raise InputError(f"exclude: {error}") from None


def exclude(text: str) -> tuple[str, bool]:
    """The entry, and whether it is new."""
    wanted = entry(text)
    if wanted in excluded.entries():
        return wanted, False
    file = excluded.exclude_file()
    before = file.read_bytes() if file.exists() else b""
    jsonl.replace(file, before + (b"" if before.endswith(b"\n") or not before else b"\n") + wanted.encode() + b"\n")
    return wanted, True


def include(text: str) -> str:
    """Takes an entry out again, in whatever spelling it was written; comments stay. Raises InputError."""
    wanted, known = entry(text), excluded.entries()
    if wanted not in known:
        raise InputError(f"exclude --remove: {wanted} is not excluded{did_you_mean(wanted, known)}")
    file = excluded.exclude_file()
    lines = file.read_bytes().split(b"\n")
    gone = {number for number, line in excluded.lines(file) if excluded.entry(line) == wanted}
    jsonl.replace(file, b"\n".join(line for number, line in enumerate(lines, 1) if number not in gone))
    return wanted
