"""One command in a box: no network, a read-only system, one folder to write in, limits, nothing left behind.

Standard library only: this room is copied into a run's folder, where rewards use it (see environment.place).

    box = sandbox.choose()                     # raises NoBox, which says what to install
    result = box.run(Command(("pytest", "-q"), folder=Path("snapshot")))

A box is used only after escapes were tried in it on this machine and failed (probe.py). No box, no run."""

from collections.abc import Callable
from functools import lru_cache

from bashgym.sandbox import probe
from bashgym.sandbox.bubblewrap import Bubblewrap
from bashgym.sandbox.command import Box, Command, Limits, NoBox, Result
from bashgym.sandbox.docker import Docker
from bashgym.sandbox.landlocked import Landlock

__all__ = ["BOXES", "Box", "Command", "Limits", "NoBox", "Result", "choose", "tried"]

# in the order of preference: what shows the command most of a machine comes first, then what starts fastest
BOXES: dict[str, Callable[[str], Box]] = {
    "bubblewrap": lambda image: Bubblewrap(),
    "docker": Docker,
    "landlock": lambda image: Landlock(),
}


@lru_cache
def tried(name: str, image: str = "") -> str:
    """Empty where the box works here, else why not; tried once in a process."""
    return probe.probe(BOXES[name](image))


def choose(name: str = "", image: str = "") -> Box:
    """The box of that name, or the first that works; `image` is for Docker alone.

    Raises NoBox with what each lacks."""
    wanted = [name] if name else list(BOXES)
    lacking = {}
    for one in wanted:
        lacking[one] = tried(one, image)
        if not lacking[one]:
            return BOXES[one](image)
    reasons = "; ".join(f"{one}: {why}" for one, why in lacking.items())
    raise NoBox(f"nothing is run without a box, and none works here: {reasons}")
