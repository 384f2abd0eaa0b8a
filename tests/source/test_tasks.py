"""Task records as sessions."""

import json
from pathlib import Path

import pytest

from bashgym import paths, registry
from bashgym.errors import InputError
from bashgym.kinds import Source
from bashgym.tasks import parse


def source(path: str | Path):
    cls = registry.load("source", "tasks")
    return cls(cls.Config(path=str(path)))


def test_the_tasks_that_ship():
    plugin = source("shipped:examples/tasks")
    assert isinstance(plugin, Source)
    refs = list(plugin.list())
    assert len(refs) == len({ref.id for ref in refs}) == 60
    (trace,) = plugin.read(refs[0])
    assert [step.source for step in trace.steps] == ["user", "agent"]
    task = parse(trace.info.foreign["task"])
    assert trace.session_id == task.id and trace.steps[0].text == task.prompt and trace.steps[1].text == task.good
    keys = {next(iter(plugin.read(ref))).steps[1].info.message_id for ref in refs}
    assert len(keys) == 60  # else each would count as a copy of the others


def test_what_is_no_task(tmp_path: Path):
    record = json.loads((paths.shipped("examples") / "tasks" / "arithmetic.jsonl").read_text().splitlines()[0])
    lines = [json.dumps(record), "{", json.dumps({**record, "id": "b", "form": "poem"}), json.dumps([1])]
    (tmp_path / "tasks.jsonl").write_text("\n".join(lines))
    plugin = source(tmp_path)
    traces = [trace for ref in plugin.list() for trace in plugin.read(ref)]
    assert [len(trace.steps) for trace in traces] == [2, 0, 0, 0]
    assert "poem" in traces[2].info.malformed[0].reason
    with pytest.raises(InputError, match=r"no .jsonl file at"):
        list(source(tmp_path / "none").list())
    with pytest.raises(InputError, match=r"no file is named"):
        list(source("").list())
