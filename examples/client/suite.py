"""A test run that is real: the code of a workspace is executed, and what happens is told in pytest's words.

Only what the stories need: modules under src/, test functions without fixtures, one plain `assert` per failure."""

import ast
import builtins
import traceback
import types
from dataclasses import dataclass
from typing import Any

WIDTH = 80


@dataclass(frozen=True)
class Failure:
    path: str
    name: str
    report: str
    reason: str


class Modules:
    """Imports inside a workspace: names under src/ come from its files, all others from Python."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.loaded: dict[str, types.ModuleType] = {}

    def load(self, path: str) -> dict[str, Any]:
        name = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if name not in self.loaded:
            module = types.ModuleType(name)
            module.__dict__["__builtins__"] = {**vars(builtins), "__import__": self.find}
            self.loaded[name] = module
            # the stories are data of this project, written beside this file: nothing foreign is executed
            exec(compile(self.files[path], path, "exec"), module.__dict__)
        return self.loaded[name].__dict__

    def find(self, name: str, *rest: Any) -> Any:
        path = f"src/{name.replace('.', '/')}.py"
        if path in self.files:
            self.load(path)
            return self.loaded[name]
        return __import__(name, *rest)


def run(files: dict[str, str], seconds: str) -> tuple[int, str]:
    """Exit code and output of `pytest -q`; `seconds` is what its last line says."""
    modules, failures, dots = Modules(files), [], []
    for path in sorted(path for path in files if path.startswith("tests/test_")):
        namespace = modules.load(path)
        for name in [name for name in namespace if name.startswith("test_")]:
            try:
                namespace[name]()
                dots.append(".")
            except Exception as error:
                failures.append(explain(files, path, name, error))
                dots.append("F")
    return (1 if failures else 0), render("".join(dots), failures, seconds)


def render(dots: str, failures: list[Failure], seconds: str) -> str:
    rows = [f"{dots:<{WIDTH - 8}} [100%]"]
    if failures:
        rows.append(" FAILURES ".center(WIDTH, "="))
        for failure in failures:
            rows += [f" {failure.name} ".center(WIDTH, "_"), "", failure.report]
        rows.append(" short test summary info ".center(WIDTH, "="))
        rows += [f"FAILED {failure.path}::{failure.name} - {failure.reason}" for failure in failures]
    passed = dots.count(".")
    counts = ([f"{len(failures)} failed"] if failures else []) + ([f"{passed} passed"] if passed else [])
    return "\n".join([*rows, f"{', '.join(counts)} in {seconds}s"])


def explain(files: dict[str, str], path: str, name: str, error: Exception) -> Failure:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    row = next(frame.lineno for frame in frames if frame.filename == path) or 0
    report = source(files[path], row)
    if isinstance(error, AssertionError):
        message, details = compare(files, path, row)
        report += [f"E       {message}", *[f"E       {detail}".rstrip() for detail in details]]
        return Failure(path, name, "\n".join([*report, "", f"{path}:{row}: AssertionError"]), cut(message))
    last, kind = frames[-1], type(error).__name__
    message = f"{kind}: {error}"
    report += ["", f"{path}:{row}:", "_ " * (WIDTH // 2), "", *source(files[last.filename], last.lineno or 0)]
    report += [f"E       {message}", "", f"{last.filename}:{last.lineno}: {kind}"]
    return Failure(path, name, "\n".join(report), cut(message))


def source(text: str, row: int) -> list[str]:
    """The function around a row, down to that row, which is marked."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    first = next(node.lineno for node in nodes if node.lineno <= row <= (node.end_lineno or row))
    rows = text.split("\n")[first - 1 : row]
    return [f"    {line}".rstrip() for line in rows[:-1]] + [f">   {rows[-1]}"]


def compare(files: dict[str, str], path: str, row: int) -> tuple[str, list[str]]:
    """Pytest's words on `assert left OP right`: the values, and how they differ."""
    tests = [node for node in ast.walk(ast.parse(files[path])) if isinstance(node, ast.Assert) and node.lineno == row]
    test = tests[0].test
    if not isinstance(test, ast.Compare):
        raise ValueError(f"{path}:{row}: only comparisons are told")
    namespace = Modules(files).load(path)
    left, right = (eval(ast.unparse(node), namespace) for node in (test.left, test.comparators[0]))
    sign = {ast.Eq: "==", ast.Is: "is", ast.In: "in"}[type(test.ops[0])]
    message = f"assert {left!r} {sign} {right!r}"
    if isinstance(left, str) and isinstance(right, str) and sign == "==":
        return f"AssertionError: {message}", ["", f"  - {right}", f"  + {left}"]
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return message, ["", f"  {differ(left, right)}", "  Use -v to get more diff"]
    where = [f" +  where {left!r} = {ast.unparse(test.left)}"] if isinstance(test.left, ast.Call) else []
    return message, where


def differ(left: Any, right: Any) -> str:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return f"At index {index} diff: {one!r} != {other!r}"
    side, longer = ("Left", left) if len(left) > len(right) else ("Right", right)
    more, first = abs(len(left) - len(right)), longer[min(len(left), len(right))]
    count = "one more item" if more == 1 else f"{more} more items, first extra item"
    return f"{side} contains {count}: {first!r}"


def cut(message: str) -> str:
    return message if len(message) <= 48 else message[:45] + "..."
