"""Task tables and folders of others, in the manner of terminal-bench and Harbor, as task records.

A folder of a task holds what is asked (`task.yaml`: instruction; or `instruction.md` beside `task.toml`), a solution
(`solution.sh`, `solution/solve.sh`), tests (`tests/*.py`), and files that the agent finds. A table (JSONL) has a row a
task with the same by name: id, instruction, solution, tests, files. Their images are not built: a task whose Dockerfile
installs anything is left out with the reason, and so is one without Python tests or without a solution, because nobody
could say whether its tests can be passed."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.tasks.record import BadTask, Task

APP = "/app"  # where such tasks keep their files; here it is the snapshot's top
NOT_FILES = re.compile(
    r"^(?:task\.(?:yaml|toml)|instruction\.md|solution(?:\.\w+)?|tests|run-tests\.sh|Dockerfile|docker-compose\.ya?ml"
    r"|environment|README\.md)$"
)
INSTALLS = re.compile(r"^\s*RUN\s+(?!mkdir|echo|touch|chmod|true)", re.M)


class Left(NamedTuple):
    """A task that was left out, and why."""

    name: str
    reason: str


def found(place: Path) -> Iterator[Task | Left]:
    """The tasks of a folder of folders, of one folder, or of a table."""
    if place.is_file():
        yield from of_table(place)
        return
    marks = ("task.yaml", "task.toml")
    folders = [place] if any((place / one).exists() for one in marks) else sorted(place.iterdir())
    for folder in folders:
        if any((folder / one).exists() for one in marks):
            yield of_folder(folder)


def of_folder(folder: Path) -> Task | Left:
    try:
        asked, limits = told(folder)
        if INSTALLS.search(first(folder / "Dockerfile", folder / "environment" / "Dockerfile")):
            return Left(folder.name, "its Dockerfile installs what this machine may not have")
        tests = {f"tests/{one.name}": here(one) for one in sorted((folder / "tests").glob("*.py"))}
        solution = first(folder / "solution.sh", folder / "solution" / "solve.sh")
        return record(folder.name, asked, tests, solution, dict(texts(folder)), limits)
    except (BadTask, OSError, ValueError) as error:
        return Left(folder.name, str(error))


def told(folder: Path) -> tuple[str, dict[str, float]]:
    """What is asked, and the limit on the tests."""
    if (folder / "task.toml").exists():
        settings = tomllib.loads((folder / "task.toml").read_text(encoding="utf-8"))
        seconds = settings.get("verifier", {}).get("timeout_sec")
        return first(folder / "instruction.md"), {"seconds": float(seconds)} if seconds else {}
    return from_yaml((folder / "task.yaml").read_text(encoding="utf-8"))


def from_yaml(text: str) -> tuple[str, dict[str, float]]:
    """The two keys of a task.yaml that matter here, without a YAML library: this room has the standard one alone."""
    block = re.search(r"^instruction:[ \t]*[|>][-+]?\d*[ \t]*\n((?:[ \t]+.*\n|[ \t]*\n)+)", text + "\n", re.M)
    line = re.search(r"^instruction:[ \t]*(.+)$", text, re.M)
    if block:
        rows = block[1].rstrip().split("\n")
        indent = min(len(row) - len(row.lstrip()) for row in rows if row.strip())
        asked = "\n".join(row[indent:] for row in rows)
    elif line:
        said = line[1].strip()
        asked = json.loads(said) if said.startswith('"') else said.strip("'")
    else:
        raise BadTask("task.yaml has no instruction")
    seconds = re.search(r"^max_test_timeout_sec:[ \t]*([\d.]+)", text, re.M)
    return asked, {"seconds": float(seconds[1])} if seconds else {}


def record(
    name: str,
    asked: str,
    tests: Mapping[str, str],
    solution: str,
    files: Mapping[str, str],
    limits: Mapping[str, float],
) -> Task:
    """Raises BadTask where something is missing."""
    if not tests:
        raise BadTask("it has no tests in Python")
    if not solution.strip():
        raise BadTask("it has no solution, so nobody knows whether its tests can be passed")
    ours = {path: moved(text) for path, text in tests.items()}
    whole = "\n".join(ours.values())
    plain = "import unittest" in whole and "pytest" not in whole
    runner = ("unittest", "discover", "-s", "tests", "-p", "*.py") if plain else ("pytest", "-q", "tests")
    return Task(
        id=name,
        prompt=asked.strip().replace(f"{APP}/", ""),
        test=("python3", "-m", *runner),
        form="command",
        good=f"```bash\n{moved(solution).strip()}\n```",
        files=dict(files),
        tests=ours,
        limits=dict(limits),
        origin={"source": "terminal-bench", "task": name},
    )


def moved(text: str) -> str:
    """Paths under /app relative to the snapshot's top, and no line that names the shell."""
    bare = re.sub(r"\A#!.*\n", "", text)
    return re.sub(rf"(?<![\w/]){APP}/?(?=[\w.\"'\s)]|$)", lambda hit: "" if hit[0].endswith("/") else ".", bare)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Files beside the task's own, as text; raises BadTask for a binary one."""
    for top in sorted(folder.iterdir()):
        if NOT_FILES.match(top.name) or top.is_symlink():
            continue
        for path in [top] if top.is_file() else sorted(one for one in top.rglob("*") if one.is_file()):
            yield path.relative_to(folder).as_posix(), here(path)


def here(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadTask(f"{path.name} is no text") from None


def first(*paths: Path) -> str:
    return next((here(path) for path in paths if path.is_file()), "")


def of_table(path: Path) -> Iterator[Task | Left]:
    """One task a line; the columns by any of the names that such tables have."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name = str(column(row, "id", "task_id", "name") or f"{path.stem}-{number}")
        except (ValueError, AttributeError):
            yield Left(f"line {number}", "not a JSON object")
            continue
        try:
            yield of_row_of_table(name, row)
        except (BadTask, ValueError) as error:
            yield Left(name, str(error))


def of_row_of_table(name: str, row: Mapping[str, Any]) -> Task:
    asked = column(row, "instruction", "base_description", "prompt", "problem_statement")
    tests = column(row, "tests", "test_files", "test") or {}
    if isinstance(tests, str):
        tests = {"tests/test_outputs.py": tests}
    files = column(row, "files", "extra_files") or {}
    if not isinstance(asked, str) or not isinstance(tests, dict) or not isinstance(files, dict):
        raise BadTask("its instruction must be text, its tests and files tables of texts")
    seconds = column(row, "max_test_timeout_sec", "timeout_sec")
    limits = {"seconds": float(seconds)} if isinstance(seconds, (int, float)) and seconds > 0 else {}
    return record(name, asked, tests, str(column(row, "solution", "solution_sh", "patch") or ""), files, limits)


def column(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) not in (None, "")), None)
