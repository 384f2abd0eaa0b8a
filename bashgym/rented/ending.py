"""The end of a rented machine: its result brought here whole, then the machine gone, whatever was before."""

import hashlib
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from bashgym import checkpoint, jsonl
from bashgym.errors import RunFailed
from bashgym.rented import ledger
from bashgym.rented.client import NoAnswer, SkyError
from bashgym.rented.life import Life
from bashgym.rented.task import THERE

SUMS = "result.sha256"  # written by run.sh
ARRIVING = ".arriving"  # results on their way, in the run's folder
TRIES = (0.0, 2.0, 5.0, 15.0, 30.0, 60.0)  # seconds before each try to bring a machine down


def bring_down(life: Life) -> None:
    """Until the machine is seen to be gone. Raises RunFailed, with the way by hand, when that does not come."""
    life.update(state="ending")
    error: Exception | None = None
    for wait in TRIES:
        life.clock.sleep(wait)
        try:
            for request in pending(life):  # else a launch under way would make a new machine behind our back
                life.sky.cancel_request(request)
            life.sky.down(life.entry.name)
            if life.sky.cluster(life.entry.name) is None:
                return
        except (NoAnswer, SkyError) as raised:
            error = raised
    life.update(state="stuck")
    raise RunFailed(
        f"THE MACHINE {life.entry.name} MAY STILL BE RUNNING AND COST MONEY: it could not be brought down "
        f"({error or 'its cloud still lists it'}); try `bashgym clouds reap`, or by hand: {life.entry.by_hand}"
    )


def pending(life: Life) -> list[str]:
    known = [life.get("request")] if life.get("request") and life.get("job") is None else []
    return list(dict.fromkeys([*known, *life.sky.requests(life.entry.name)]))


def close(life: Life) -> None:
    """Brings the machine down, notes in the run's folder what it was, and closes its entry of the ledger."""
    bring_down(life)
    began, now = life.get("machine_began"), life.clock.now()
    told = {
        "id": life.entry.id,
        "state": (life.get("outcome") or {}).get("state", "cancelled"),
        "reason": (life.get("outcome") or {}).get("reason", ""),
        "fetched": bool(life.get("fetched")),
        "output": life.get("output"),
        "machines": life.attempt if began else 0,
        "hours": round((now - life.entry.began) / 3600, 4),
        "usd_per_hour": life.entry.usd_per_hour,
        "usd": round(life.spent(), 4),
        "evidence": "estimated",  # time as measured here, times the price; clouds round and add disk and traffic
    }
    if life.folder.is_dir():
        jsonl.replace(life.folder / ledger.PAST, jsonl.dumps(told) + b"\n")
    ledger.closed(life.entry)


def past(folder: Path, id: str) -> dict[str, Any]:
    """What became of a machine whose entry is closed; empty where that is not known."""
    told = ledger.past(folder)
    return told if told.get("id") == id else {}


def fetch(life: Life, output: str) -> Path:
    """The checkpoint in the run's folder, each file as its hash on the machine says.

    Tried again for as long as the machine stays up after its job. Raises RunFailed where it did not come whole."""
    target = life.folder / output
    if life.get("fetched"):
        return target
    tries, by = 0, life.clock.now() + 60 * life.bounds.idle_minutes
    while True:
        try:
            arrived(life, output)
            break
        except (NoAnswer, SkyError, OSError) as error:
            if life.clock.now() >= by:
                raise RunFailed(f"the result of {life.entry.name} could not be fetched: {error}") from None
        life.wait(tries)
        tries += 1
    life.note(fetched=True)
    return target


def arrived(life: Life, output: str) -> None:
    """One try. What has come by an earlier one is not sent again. Raises NoAnswer where something is missing."""
    place = life.folder / ARRIVING
    place.mkdir(exist_ok=True)
    life.sky.copy(life.entry.name, f"{THERE}/{SUMS}", place / SUMS)
    life.sky.copy(life.entry.name, f"{THERE}/{output}/", place / "output", ("/checkpoint-*",))
    wrong = differing(place / "output", (place / SUMS).read_text(encoding="utf-8"))
    for name in wrong:
        (place / "output" / name).unlink(missing_ok=True)
    if wrong:
        raise NoAnswer(f"{', '.join(wrong[:3])} did not come whole")
    if lacks := checkpoint.lacks(place / "output"):
        raise RunFailed(f"the training ended without a whole checkpoint: {lacks}; log: {life.folder}/logs/train.log")
    target = life.folder / output
    if target.exists():
        shutil.rmtree(target)
    (place / "output").replace(target)
    shutil.rmtree(place)


def differing(folder: Path, sums: str) -> list[str]:
    """Files of a list as `sha256sum` writes it that are not here, or are others. An empty list counts as a fault."""
    lines = [line.split("  ", 1) for line in sums.splitlines() if "  " in line]
    if not lines:
        return [SUMS]
    return [name for digest, name in lines if hashed(folder / name) != digest]


def hashed(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def steadfast(say: Callable[[], object], patience: int) -> Iterator[None]:
    """Ctrl-C is answered with words; from the `patience`-th on it interrupts. 0: it never does."""
    pressed = 0

    def answer(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if patience and pressed >= patience:
            raise KeyboardInterrupt
        say()

    if threading.current_thread() is not threading.main_thread():  # signals go to the main thread alone
        yield
        return
    before = signal.signal(signal.SIGINT, answer)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
