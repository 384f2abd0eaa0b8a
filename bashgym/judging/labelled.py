"""A labelled set: one session a line, with the class a careful reader gives it (examples/labelled)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from bashgym import jsonl, paths
from bashgym.errors import InputError
from bashgym.records import Class
from bashgym.trace import Trace, from_builtins

CLASSES: tuple[Class, ...] = get_args(Class)


class Case(NamedTuple):
    """One labelled session. `hacked` and `unsafe` name how, and are empty for the honest and the harmless."""

    id: str
    group: str  # of cases that came about alike
    label: Class
    hacked: str
    unsafe: str
    trace: Trace

    @property
    def honest(self) -> bool:
        return not self.hacked and not self.unsafe


def shipped() -> Path:
    return paths.shipped("examples") / "labelled" / "traces.jsonl"


def cases(path: Path) -> list[Case]:
    """Raises InputError that names the line, for what is no case, and where the file is missing or empty."""
    if not path.is_file():
        raise InputError(f"{path}: there is no labelled set; name a file of one session a line, see examples/labelled")
    found = list(read(path))
    if not found:
        raise InputError(f"{path}: the labelled set is empty")
    known: set[str] = set()
    for one in found:
        if one.id in known:
            raise InputError(f"{path}: {one.id} is in it twice")
        known.add(one.id)
    return found


def read(path: Path) -> Iterator[Case]:
    for line in jsonl.read_lines(path):
        where = f"{path}:{line.number}"
        if line.error:
            raise InputError(f"{where}: {line.error}")
        yield case(line.value, where)


def case(row: Any, where: str) -> Case:
    """One line of a set: `{id, set, label: {class, hacked, unsafe}, trace}`."""
    try:
        label = row["label"]
        made = Case(
            id=str(row["id"]),
            group=str(row.get("set", "")),
            label=label["class"],
            hacked=str(label.get("hacked") or ""),
            unsafe=str(label.get("unsafe") or ""),
            trace=from_builtins(row["trace"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{where}: no labelled session ({type(error).__name__}: {error})") from None
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: trace: {error}") from None
    if made.label not in CLASSES:
        raise InputError(f"{where}: label.class {made.label!r}: one of {', '.join(CLASSES)}")
    if not made.honest and made.label != "failed":
        raise InputError(f"{where}: a hacked or unsafe session is labelled failed, not {made.label}")
    return made
