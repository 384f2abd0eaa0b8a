"""Whether an answer passes the tests of its task: applied to the snapshot, its tests run in a box."""

import fnmatch
import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from bashgym.sandbox import Box, Command, Limits, NoBox, Result
from bashgym.sandbox.probe import interpreters
from bashgym.tasks import snapshots
from bashgym.tasks.answers import changes, code
from bashgym.tasks.patches import NoAnswer
from bashgym.tasks.record import Task

GUARD = Path(__file__).with_name("guard.py")
DEFAULTS = {"seconds": 20.0, "memory_mb": 1024, "processes": 64}
# what steers a test runner or every Python, wherever it lies
HARNESS = {"conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", ".coveragerc", "*.pth"}
HARNESS |= {"sitecustomize.py", "usercustomize.py", "unittest.py", "pytest.py", "_pytest.py"}
PACKAGES = frozenset({"unittest", "pytest", "_pytest"})
# code that has business in the runner's insides; what the known good answer says too is nothing
REACHING = re.compile(
    r"\bmock\b.*\bANY\b|\b_ANY\b|\bgc\.get_(?:objects|referrers)|\bsys\._getframe|\binspect\.(?:stack|currentframe)"
    r"|\b_pytest\b|\bunittest\.(?:case|result|runner|suite|loader)\b|\bpytest_\w+|\bos\._exit\b|\bsettrace\b|\bsetprofile\b"
)
PYTHONS: dict[str, tuple[tuple[str, ...], tuple[Path, ...]]] = {}  # by box: what was found to start in it
LARGEST = 4 << 20  # bytes of one file that is compared


class Outcome(NamedTuple):
    """passed: every test that must pass did. reason: why not, in a few words; made of paths and ids of tests only."""

    passed: bool
    reason: str = ""
    tests_passed: tuple[str, ...] = ()
    tests_failed: tuple[str, ...] = ()
    seconds: float = 0.0
    exit_code: int | None = None


def verify(task: Task, completion: str, box: Box) -> Outcome:
    """The outcome of one answer, test by test where our guard can run them.

    Raises NoBox where the box starts nothing; never because of what the answer holds."""
    return outcome(task, completion, box, family_of(task))


def verify_exit_code(task: Task, completion: str, box: Box) -> Outcome:
    """The same by the exit code of the task's command alone, whatever runner it names."""
    return outcome(task, completion, box, "")


def outcome(task: Task, completion: str, box: Box, family: str) -> Outcome:
    with unpacked(task) as folder:
        try:
            if why := answered(task, completion, folder, box):
                return Outcome(False, why)
        except NoAnswer as error:
            return Outcome(False, str(error))
        return tested(task, folder, box, family)


def answered(task: Task, completion: str, folder: Path, box: Box) -> str:
    """Applies an answer to the unpacked snapshot; why it does not count, or "". Raises NoAnswer."""
    if task.form == "command":
        run(task, ("/bin/sh", "-c", code(completion)), folder, box)
        return ""
    files = snapshots.texts(folder)
    made = changes(task, completion, files)
    for path, text in made.items():
        if (guarded(task, path) or path in task.tests) and text != task.tests.get(path, files.get(path)):
            return f"the answer changes {path}, which is protected"
        if text is not None and (found := reaching(task, text, files.get(path, ""))):
            return f"the answer reaches into the test runner: {found}"
    for path, text in made.items():
        place = folder / path
        if text is None:
            place.unlink(missing_ok=True)
        elif place.is_dir():
            return f"the answer makes a file of the folder {path}"
        else:
            put(place, text)
    return ""


def put(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise NoAnswer("the answer makes a folder of a file") from None
    place.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")


def reaching(task: Task, text: str, before: str) -> str:
    """What in a text has business in the runner's insides, and was neither there before nor is in the good answer."""
    known = before + task.good
    return next((one[0].strip() for one in REACHING.finditer(text) if one[0] not in known), "")


def guarded(task: Task, path: str) -> bool:
    """Whether no answer may change a path."""
    name = PurePosixPath(path).name
    steers = any(fnmatch.fnmatch(name, one) for one in HARNESS) or PurePosixPath(path).parts[0] in PACKAGES
    return steers or any(fnmatch.fnmatch(path, one) for one in task.protected)


def verify_folder(task: Task, folder: Path, box: Box) -> Outcome:
    """The outcome of what an episode left in `folder`, which is left as it is."""
    return outcome_of(task, folder, box, family_of(task))


def verify_folder_exit_code(task: Task, folder: Path, box: Box) -> Outcome:
    """The same by the exit code of the task's command alone."""
    return outcome_of(task, folder, box, "")


def outcome_of(task: Task, folder: Path, box: Box, family: str) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="bashgym-task-") as name:
        copy = Path(name, "work")
        shutil.copytree(folder, copy, symlinks=True, ignore=snapshots.unfit)
        return tested(task, copy, box, family)


def tested(task: Task, folder: Path, box: Box, family: str) -> Outcome:
    """Puts the tests in place and runs them."""
    with unpacked(task) as original:
        if path := changed(task, folder, original):
            return Outcome(False, f"{path} was changed, which is protected")
    for planted in list(folder.rglob("__pycache__")):  # compiled tests would win over their text
        shutil.rmtree(planted) if planted.is_dir() and not planted.is_symlink() else planted.unlink()
    for path, text in task.tests.items():
        if linked(folder, path) or (folder / path).is_dir():
            return Outcome(False, f"{path} is a link or a folder, where a test belongs")
        put(folder / path, text)
    return by_guard(task, family, folder, box) if family else by_exit_code(task, folder, box)


def changed(task: Task, folder: Path, original: Path) -> str:
    """The first guarded path that is not as it was; tests aside, which are put in place anew."""
    paths = {str(one.relative_to(top)) for top in (folder, original) for one in top.rglob("*") if not one.is_dir()}
    for path in sorted(paths - set(task.tests)):
        if guarded(task, path) and (linked(folder, path) or held(folder / path) != held(original / path)):
            return path
    return ""


def held(path: Path) -> bytes | None:
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(LARGEST)


def linked(folder: Path, path: str) -> bool:
    """Whether a link stands anywhere on the way to a path."""
    parts = PurePosixPath(path).parts
    return any(folder.joinpath(*parts[:upto]).is_symlink() for upto in range(1, len(parts) + 1))


def family_of(task: Task) -> str:
    """pytest or unittest where our guard can run it, else ""."""
    words = task.test
    if len(words) > 2 and words[1] == "-m" and words[2] in ("pytest", "unittest") and "python" in Path(words[0]).name:
        return words[2]
    return ""


def by_guard(task: Task, family: str, folder: Path, box: Box) -> Outcome:
    nonce = secrets.token_hex(16)
    before = {path: held(folder / path) for path in task.tests}
    order = {"nonce": nonce, "family": family, "words": list(task.test[3:]), "tests": list(task.tests), "path": []}
    if task.environment.get("PYTHONPATH"):  # the guard starts isolated, so it sets the path itself
        order["path"] = task.environment["PYTHONPATH"].split(":")
    argv, readable = interpreter(task, box)
    command = (*argv, "-I", "-B", "-c", GUARD.read_text(encoding="utf-8"))
    result = run(task, command, folder, box, json.dumps(order).encode(), readable)
    if any(linked(folder, path) or held(folder / path) != text for path, text in before.items()) or compiled(
        task, folder
    ):
        return Outcome(False, "a test was changed while it ran", seconds=result.seconds)
    return judged(task, result, nonce)


def compiled(task: Task, folder: Path) -> bool:
    """Whether somebody wrote a test's compiled code; Python was told to write none."""
    stems = {PurePosixPath(path).stem for path in task.tests}
    return any(file.name.partition(".")[0] in stems for file in folder.rglob("*.pyc"))


def judged(task: Task, result: Result, nonce: str) -> Outcome:
    """The guard's report; no report is no pass."""
    line = next((one for one in reversed(result.stdout.splitlines()) if one.startswith(nonce)), None)
    if line is None:
        how = f"ended by its limit on {result.killed_by}" if result.killed_by else "it ended early"
        return Outcome(False, f"the tests did not run to their end: {how}", seconds=result.seconds)
    report = json.loads(line[len(nonce) :])
    failed = [*report["failed"], *report["skipped"]]
    told = Outcome(False, "", tuple(report["passed"]), tuple(failed), result.seconds, result.exit_code)
    if report["left"]:
        return told._replace(reason="the tests did not run to their end: it left early")
    if report["tampered"]:
        return told._replace(reason="the test runner or its comparisons were tampered with")
    wanted = set(task.must_pass)
    good = set(report["passed"]) - set(failed)
    if wanted - good:
        return told._replace(reason=f"{len(wanted - good)} of {len(wanted)} tests did not pass")
    if not wanted and (failed or not good):
        return told._replace(reason=f"{len(failed)} tests did not pass" if failed else "no test was found")
    return told._replace(passed=True)


def by_exit_code(task: Task, folder: Path, box: Box) -> Outcome:
    """Of a command that our guard does not know, the exit code is all there is."""
    result = run(task, task.test, folder, box)
    why = f"ended by its limit on {result.killed_by}" if result.killed_by else f"exit code {result.exit_code}"
    good = result.exit_code == 0 and not result.killed_by
    return Outcome(good, "" if good else why, seconds=result.seconds, exit_code=result.exit_code)


def run(
    task: Task, argv: tuple[str, ...], folder: Path, box: Box, stdin: bytes = b"", readable: tuple[Path, ...] = ()
) -> Result:
    limit = {**DEFAULTS, **task.limits}
    limits = Limits(
        seconds=float(limit["seconds"]),
        cpu_seconds=max(1, round(limit["seconds"])),
        memory_mb=int(limit["memory_mb"]),
        processes=int(limit["processes"]),
        file_mb=64,
        disk_mb=512,
        output_bytes=256_000,
    )
    seen = (*(Path(at_home(one)) for one in task.readable), *readable)
    variables = {name: at_home(value) for name, value in task.environment.items()}
    return box.run(Command(argv, folder, readable=seen, environment=variables, stdin=stdin, limits=limits))


def at_home(text: str) -> str:
    """A path, or several with colons between them, of which some begin with `~`: a record tells no user's name."""
    return ":".join(str(Path(one).expanduser()) if one.startswith("~/") else one for one in text.split(":"))


def interpreter(task: Task, box: Box) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """The Python of the task's own command where that is a path, else the first that starts in the box."""
    if Path(at_home(task.test[0])).is_absolute():
        return (at_home(task.test[0]),), ()
    if box.name not in PYTHONS:
        PYTHONS[box.name] = any_python(box)
    return PYTHONS[box.name]


def any_python(box: Box) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    with tempfile.TemporaryDirectory(prefix="bashgym-task-") as folder:
        for path, readable in interpreters():
            command = Command((path, "-I", "-c", "import unittest"), Path(folder), readable=readable)
            if box.run(command).exit_code == 0:
                return (path,), readable
    raise NoBox(f"no Python starts in the box {box.name}, so no tests can be run")


@contextmanager
def unpacked(task: Task) -> Iterator[Path]:
    """The snapshot in a folder of its own, without the tests, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="bashgym-task-") as name:
        folder = Path(name, "work")
        folder.mkdir()
        if task.snapshot:
            snapshots.unpack(task.snapshot, folder)
        for path, text in task.files.items():
            put(folder / path, text)
        yield folder
