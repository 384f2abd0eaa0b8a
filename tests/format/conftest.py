"""A session with tools, told in every way that examples know, and what the formats and their readers make of it."""

import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bashgym import registry
from bashgym.records import Drop, Example, Row


def tool(name: str, *required: str, **types: str) -> dict[str, Any]:
    properties = {key: {"type": value, "description": f"the {key} of it"} for key, value in types.items()}
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "description": f"{name} things", "parameters": parameters}}


TOOLS = [
    tool("Read", "path", path="string", n="integer"),
    tool("Bash", "command", command="string"),
    tool("Grep", q="s"),
]


def said(text: str, *calls: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    made = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in calls]
    return {"role": "assistant", "content": text, **({"tool_calls": made} if made else {})}


def result(call: str, name: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call, "name": name, "content": text}


TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Working directory: /w"},
    {"role": "user", "content": "fix the tëst"},
    {**said("I look.", ("c1", "Read", {"path": "a.py", "n": 3}), ("c2", "Bash", {"command": 'echo "x"'})),
     "reasoning_content": "where?"},
    result("c1", "Read", "x = {1}"),
    result("c2", "Bash", "1 failed"),
    said("", ("c3", "Bash", {"command": "pytest"})),
    result("c3", "Bash", "1 passed"),
    said("It passes."),
    {"role": "user", "content": "thanks; push"},
    said("Pushed."),
]  # fmt: skip
KEYS = ["" if one["role"] != "assistant" else f"k{number}" for number, one in enumerate(TALK)]


STEPS = [0, 1, 2, 2, 2, 3, 3, 4, 5, 6]
SESSION = Example(id="s#0", session="s", window=0, messages=TALK, tools=TOOLS, keys=KEYS, steps=STEPS)
WRONG = said("", ("c9", "Bash", {"command": "pytset"}))
PAIR = msgspec.structs.replace(SESSION, id="s#p", messages=TALK[:7], given=5, rejected=[WRONG], origin="retries")
VERIFIER = {"kind": "tests", "tests": ["t.py::a"], "answer": "yes"}
TASK = msgspec.structs.replace(SESSION, id="s#t", given=2, verifier=VERIFIER, origin="tasks")
TAUGHT = msgspec.structs.replace(SESSION, id="s#d", given=8, meta={"teacher": "big"}, origin="teacher")


EXAMPLES = [SESSION, PAIR, TASK, TAUGHT]


@pytest.fixture
def session() -> Example:
    """A context window: four replies, three calls."""
    return SESSION


@pytest.fixture
def pair() -> Example:
    """After a look at things: the call that worked, and the one that had failed before it."""
    return PAIR


@pytest.fixture
def task() -> Example:
    """A request with the tests that say whether it is done."""
    return TASK


@pytest.fixture
def taught() -> Example:
    """A teacher's answer to the last request."""
    return TAUGHT


Rendered = tuple[list[Row], Counter[str]]


def rendered(name: str, example: Example, **config: Any) -> Rendered:
    """Rows and drops of a format."""
    cls = registry.load("format", name)
    drops: Counter[str] = Counter()
    rows = []
    for one in cls(cls.Config(**config)).render(example):
        if isinstance(one, Drop):
            drops[one.reason] += one.n
        else:
            rows.append(one)
    return rows, drops


@pytest.fixture
def render() -> Callable[..., Rendered]:
    return rendered


@pytest.fixture
def reloaded(tmp_path: Path) -> Callable[[list[Row]], list[dict[str, Any]]]:
    """Rows as `datasets` reads them from JSON Lines."""

    def load(rows: list[Row]) -> list[dict[str, Any]]:
        import datasets

        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(row.data) + "\n" for row in rows))
        return list(
            datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
        )

    return load


@pytest.fixture(scope="session")
def consumed(training_python: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Axolotl and TRL make of the rows of all formats, in one process; see consumed.py."""
    path = Path(__file__).parent / "consumed.py"
    spec = importlib.util.spec_from_file_location("consumed", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["consumed"] = module
    spec.loader.exec_module(module)
    return module.consume(training_python, tmp_path_factory.mktemp("consumed"), EXAMPLES, rendered)
