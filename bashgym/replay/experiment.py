"""The whole experiment: a snapshot before, one after, the tests on both, and again where something broke."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import sandbox
from bashgym.replay.edits import Change, put, replay
from bashgym.replay.outcome import Outcome, Turned, outcome, turned
from bashgym.replay.repository import commit_of, root_of, write
from bashgym.replay.suite import REPORT, Suite, arguments, suite
from bashgym.replay.surroundings import Surroundings, surroundings
from bashgym.replay.unfit import Unfit
from bashgym.sandbox import Box, Command, Limits
from bashgym.sandbox.system import remove
from bashgym.trace import Trace

MB = 1 << 20
SHORTEST = 1.0  # seconds that are worth a run


class Experiment(NamedTuple):
    """What was seen. `unseen`: commands changed files too, which are in neither snapshot."""

    before: Outcome
    after: Outcome
    turned: Turned
    unseen: bool
    box: str


class Bench(NamedTuple):
    """What every run of an experiment shares."""

    box: Box
    root: Path
    around: Surroundings
    wanted: Suite
    settings: Mapping[str, Any]
    ends: float


def run(trace: Trace, settings: Mapping[str, Any], ends: float) -> Experiment:
    """`settings` are those of the judge, `ends` a time of time.monotonic(). Raises Unfit or NoBox, cheapest first."""
    root = root_of(trace)
    wanted = suite(trace, root)
    around = surroundings(root, settings["environments"])
    commit = commit_of(trace, root)
    box = sandbox.choose(settings["box"], settings["image"])
    bench = Bench(box, root, around, wanted, settings, ends)
    with workshop() as shop:
        pristine = shop / "pristine"
        pristine.mkdir()
        write(root, commit, pristine, settings["max_repository_mb"] * MB, around.names)
        change = replay(trace, root, lambda path: text_of(pristine / path, pristine))
        put(pristine, change.base)
        return compared(bench, pristine, change)


def compared(bench: Bench, pristine: Path, change: Change) -> Experiment:
    """Runs the tests before and after, with the session's own tests on the old code where it wrote some, and once
    more where something broke: only what breaks twice is broken."""
    before = tested(bench, pristine, {})
    after = tested(bench, pristine, change.after)
    if not after.known:
        raise Unfit(f"its tests do not tell a result in the box (exit code {after.exit_code})")
    earlier = tested(bench, pristine, change.tests) if change.tests and change.tests != change.after else None
    found = turned(before, after, earlier)
    if found.pass_to_fail:
        again = turned(before, tested(bench, pristine, change.after), earlier)
        found = found._replace(pass_to_fail=tuple(sorted({*found.pass_to_fail} & {*again.pass_to_fail})))
    return Experiment(before, after, found, change.unseen, bench.box.name)


def tested(bench: Bench, pristine: Path, texts: dict[str, str]) -> Outcome:
    """The tests on a fresh copy with `texts` in it; a copy that hostile tests have seen is not used again."""
    left = bench.ends - time.monotonic()
    if left < SHORTEST:
        raise Unfit("max_seconds were over before the tests had run")
    with workshop() as shop:
        folder = shop / "repository"
        shutil.copytree(pristine, folder, symlinks=True)
        put(folder, texts)
        at = bench.root if bench.box.maps else folder
        settings = bench.settings
        limits = Limits(
            seconds=left, cpu_seconds=int(left) + 1, memory_mb=settings["memory_mb"], processes=settings["processes"]
        )
        command = Command(
            argv=arguments(bench.wanted, bench.around, at, bench.root),
            folder=folder,
            at=at,
            cwd=bench.wanted.folder,
            readable=bench.around.readable,
            environment=bench.around.environment,
            limits=limits,
        )
        result = bench.box.run(command)
        seen = outcome(result, folder / REPORT, bench.wanted.runner.family)
    if seen.killed_by:
        raise Unfit(f"its tests were ended by the box's limit on {seen.killed_by}")
    return seen


def text_of(path: Path, folder: Path) -> str | None:
    """A file of the snapshot as text; None where there is none. Raises Unfit for one behind a link or in no UTF-8."""
    if not path.resolve().is_relative_to(folder.resolve()) or path.is_symlink():
        raise Unfit("it edited a file behind a link")
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (UnicodeDecodeError, IsADirectoryError):
        raise Unfit("it edited what is no text") from None


@contextmanager
def workshop() -> Iterator[Path]:
    """A folder that a box's own user can reach, removed with whatever hostile tests made of it."""
    folder = Path(tempfile.mkdtemp(prefix="bashgym-replay-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove(folder)
