"""The record of a task: what is asked, of which files, and which tests an answer must pass."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

KIND = "task"  # of a row's verifier
FORMS = ("file", "files", "patch", "command")
LIMITS: dict[str, tuple[type, ...]] = {"seconds": (int, float), "memory_mb": (int,), "processes": (int,)}


class BadTask(ValueError):
    """A record that is none; one line with what is wrong and where."""


@dataclass(frozen=True)
class Task:
    """One task. All paths are relative to the snapshot's top, with forward slashes.

    id          unique in its file; made of what the task is about, never of a counter over sessions
    prompt      what the model is asked, in words; the files it must know are told in here
    files       the snapshot: path -> text. Small repositories, and everything that leaves this machine
    snapshot    instead of `files`: the SHA-256 of a folder kept under `$BASHGYM_HOME/snapshots` (snapshots.py); such a
                task is trained on only on this machine: the leak gate reads rows, not folders
    tests       test files: path -> text; put in place after the answer, over whatever it left there
    protected   paths or patterns (fnmatch: `tests/*`) that an answer may not change, beside `tests` and what steers a
                test runner (conftest.py, pytest.ini, sitecustomize.py ...), which none may
    test        the command that tests, as words. `python3 -m unittest ...` and `python3 -m pytest ...` are run by our
                own guard, which believes no exit code; of any other command the exit code is all that is known
    must_pass   ids of tests as the guard tells them (`tests.test_x.Case.test_y`, `tests/test_x.py::test_y`): those that
                pass with the known good answer. Empty: every test found must pass, at least one, and none be skipped
    form        how an answer is read: `file` (one block of code: the whole new content of `target`), `files` (blocks of
                code, each with its path: ```python path=src/a.py), `patch` (a unified diff), `command` (one shell
                command line, run in the snapshot before the tests)
    target      for the form `file`: the path that the answer becomes
    good        a known good answer, as a model would write it (with its code fence)
    bad         a known bad one, in the same shape; empty: the files as they are
    limits      seconds (wall), memory_mb, processes of one test run; what is not named has the default
    readable    folders of this machine that the tests need (a virtual environment), bound read-only; such a task is
                trained on only on this machine
    environment variables the tests see, beside the box's own
    origin      where it came from: source, session, repository, commit, license, url: as far as known, all text
    """

    id: str
    prompt: str
    test: tuple[str, ...]
    good: str
    form: str = "file"
    target: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    snapshot: str = ""
    tests: Mapping[str, str] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    must_pass: tuple[str, ...] = ()
    bad: str = ""
    limits: Mapping[str, float] = field(default_factory=dict)
    readable: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for fault in faults(self):
            raise BadTask(f"task {self.id or '?'}: {fault}")

    @property
    def digest(self) -> str:
        """SHA-256 over everything an outcome depends on."""
        return hashlib.sha256(json.dumps(to_dict(self), sort_keys=True).encode()).hexdigest()

    @property
    def bound_to_this_machine(self) -> bool:
        return bool(self.snapshot or self.readable)


def faults(task: Task) -> Iterable[str]:
    """What is wrong with a record, a line each."""
    if not task.id or not task.prompt.strip():
        yield "id and prompt must not be empty"
    if not task.test:
        yield "test: a command is needed that tests an answer"
    if task.form not in FORMS:
        yield f"form: '{task.form}' is none of {', '.join(FORMS)}"
    if (task.form == "file") != bool(task.target):
        yield "target: the form `file` needs the path that the answer becomes, other forms have none"
    if not task.good.strip():
        yield "good: a known good answer is needed, else nobody knows whether its tests can be passed"
    if task.files and task.snapshot:
        yield "files and snapshot: one of them"
    named = [*task.files, *task.tests, *([task.target] if task.target else [])]
    yield from (f"'{path}' is no path inside the snapshot" for path in named if not inside(path))
    if task.target and task.target in task.tests:
        yield f"target: '{task.target}' is one of the tests"
    for name, value in task.limits.items():
        if name not in LIMITS:
            yield f"limits: no such limit '{name}'; there are {', '.join(LIMITS)}"
        elif not isinstance(value, LIMITS[name]) or isinstance(value, bool) or value <= 0:
            yield f"limits.{name}: a positive number is needed, not {value!r}"


def inside(path: str) -> bool:
    """Whether it is a plain relative path that cannot lead out, nor into git's own folder."""
    parts = PurePosixPath(path).parts
    odd = path.startswith("/") or "\\" in path or "\0" in path or not parts
    return not odd and not any(part == ".." or part.lower() == ".git" for part in parts)


def to_dict(task: Task) -> dict[str, Any]:
    """Plain data; what is empty is left out."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(task).items()}
    return {name: value for name, value in plain.items() if value}


def parse(value: Any) -> Task:
    """A record out of plain data. Raises BadTask for a key that is none, a type that is wrong, a fault of `faults`."""
    if not isinstance(value, Mapping):
        raise BadTask("a task is a JSON object")
    known = {one.name: one for one in fields(Task)}
    where = f"task {value.get('id', '?')}"
    for name in value:
        if name not in known:
            raise BadTask(f"{where}: no such key '{name}'")
    missing = [name for name in ("id", "prompt", "test", "good") if name not in value]
    if missing:
        raise BadTask(f"{where}: {', '.join(missing)} missing")
    return Task(**{name: typed(name, one, where) for name, one in value.items()})


LISTS = frozenset({"test", "protected", "must_pass", "readable"})
TABLES = frozenset({"files", "tests", "environment", "origin"})


def typed(name: str, value: Any, where: str) -> Any:
    if name in LISTS:
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
            raise BadTask(f"{where}: {name} must be a list of texts")
        return tuple(value)
    if name in TABLES or name == "limits":
        if not isinstance(value, Mapping) or not all(isinstance(one, str) for one in value):
            raise BadTask(f"{where}: {name} must be a table")
        if name in TABLES and not all(isinstance(one, str) for one in value.values()):
            raise BadTask(f"{where}: {name} must be a table of texts")
        return dict(value)
    if not isinstance(value, str):
        raise BadTask(f"{where}: {name} must be a text")
    return value


def as_verifier(task: Task) -> dict[str, Any]:
    """What `Example.verifier` holds for a task: its kind, the record, and the good answer as `answer`."""
    return {"kind": KIND, "answer": task.good, "task": to_dict(task)}


def of_row(row: Mapping[str, Any]) -> Task:
    """The task of a dataset row (schema "prompts"); raises BadTask where the row has none."""
    verifier = row.get("verifier")
    held = json.loads(verifier) if isinstance(verifier, str) else verifier
    if not isinstance(held, Mapping) or held.get("kind") != KIND:
        raise BadTask(f"row {row.get('id', '?')}: it has no task to verify an answer with")
    return parse(held.get("task"))


def read(path: Path) -> list[Task]:
    """The tasks of a JSONL file. Raises BadTask with the line's number; two tasks of one id are a fault too."""
    found: dict[str, Task] = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                task = parse(json.loads(line))
            except ValueError as error:
                raise BadTask(f"{path} line {number}: {error}") from None
            if task.id in found:
                raise BadTask(f"{path} line {number}: a second task of the id {task.id}")
            found[task.id] = task
    return list(found.values())


def write(path: Path, tasks: Iterable[Task]) -> None:
    """A JSONL file, replaced as a whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for task in tasks:
                file.write(json.dumps(to_dict(task), ensure_ascii=False) + "\n")
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
