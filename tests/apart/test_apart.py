"""Plugins of a trusted pack run in a process of their own: what they see, give, and cannot do."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bashgym import registry
from bashgym.errors import PluginError, PrivacyError, RecipeError, RunFailed
from bashgym.kinds import JudgeContext, ScanContext
from bashgym.packs import added, kept
from bashgym.records import Drop, Example, Span, Verdict
from bashgym.trace import Agent, SourceInfo, Step, Trace, TraceExtra, TraceInfo

HEAD = """import os, sys
from bashgym.config import Config as Base
from bashgym.errors import RunFailed
from bashgym.records import *
class {cls}:
    class Config(Base):
        steps: int = 3
        '''How many.'''
    def __init__(self, config):
        self.config = config
"""
BODIES = {
    "judge": """
    def judge(self, trace, context):
        print("to nobody")
        if context.gate:
            context.gate(b"these bytes")
        seen = ",".join(sorted(os.environ))
        return Verdict(judge="x", score=len(trace.steps) / self.config.steps, reason=f"{os.getpid()} {seen}")
""",
    "sanitizer": """
    def find(self, strings, context):
        context.memory["calls"] = context.memory.get("calls", 0) + 1
        if "boom" in strings:
            raise ValueError("cannot be sure")
        for index, text in enumerate(strings):
            yield Span(index=index, start=0, end=context.memory["calls"], type=f"T{len(context.strings)}")
    def engine(self):
        return "one"
""",
    "synthesizer": """
    outgoing = None
    def synthesize(self, trace, verdicts):
        self.outgoing(b"asked of a teacher")
        yield Drop(reason="none")
        yield Example(id="e", session="s", window=0, messages=[{"a": 2**70}], tools=[])
""",
    "curator": """
    def curate(self, index):
        raise RunFailed("as one of ours would say")
""",
    "cloud": """
    def preflight(self, job): return []
    def quote(self, job): os._exit(3)
    def submit(self, job): return object()
    def follow(self, submission): yield
    def fetch(self, submission): from pathlib import Path; return Path("/a")
    def cancel(self, submission): pass
    def down(self, submission): return {1: (2, b"3", {"4": 5.0})}
""",
}


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """`apart("judge")` is a plugin of a trusted pack, built."""
    monkeypatch.setenv("HF_TOKEN", "not for packs")
    folder = tmp_path / "team"
    for kind, body in BODIES.items():
        (folder / "plugins" / kind).mkdir(parents=True)
        (folder / "plugins" / kind / "far.py").write_text(f'"""Far."""\n{HEAD.format(cls=kind.capitalize())}{body}')
    added.add(str(folder))
    added.trust("team", kept.named("team").pin)
    yield lambda kind: registry.build(registry.find(kind, "far"), {"steps": 4}, kind)


def trace(words: str = "hi") -> Trace:
    info = TraceInfo(source=SourceInfo(kind="test"))
    steps = [Step(step_id=1, source="user", message=words)]
    return Trace(session_id="s", agent=Agent(name="a"), steps=steps, extra=TraceExtra(bashgym=info))


def test_another_process_without_our_environment(apart: Callable, capfd: pytest.CaptureFixture):
    judge = apart("judge")
    verdict = judge.judge(trace("\ud800 odd"), JudgeContext())
    assert isinstance(verdict, Verdict) and verdict.score == 0.25
    pid, seen = verdict.reason.split(" ")
    assert int(pid) != os.getpid() and "HF_TOKEN" not in seen.split(",") and "PATH" in seen.split(",")
    assert set(seen.split(",")) <= {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "BASHGYM_HOME", "LC_ALL",
                                    "LC_CTYPE", "PYTHONDONTWRITEBYTECODE", "PYTHONHASHSEED"}  # fmt: skip
    assert capfd.readouterr().out == "", "what it prints is not what it says"


def test_the_leak_gate_is_asked_from_there(apart: Callable):
    left: list[bytes] = []
    apart("judge").judge(trace(), JudgeContext(gate=left.append))
    assert left == [b"these bytes"]

    def closed(content: bytes) -> None:
        raise PrivacyError("may not leave")

    with pytest.raises(Exception, match="may not leave"):
        apart("judge").judge(trace(), JudgeContext(gate=closed))
    synthesizer = apart("synthesizer")
    assert synthesizer.outgoing is None
    left.clear()
    synthesizer.outgoing = left.append
    found = list(synthesizer.synthesize(trace(), []))
    assert left == [b"asked of a teacher"] and isinstance(found[0], Drop) and isinstance(found[1], Example)
    assert found[1].messages == [{"a": 2**70}]


def test_a_sanitizers_memory_and_its_doubts(apart: Callable):
    sanitizer = apart("sanitizer")
    first, other = ScanContext("s", strings=["a", "b"]), ScanContext("t", strings=["a"])
    assert list(sanitizer.find(["ab"], first)) == [Span(index=0, start=0, end=1, type="T2")]
    assert next(iter(sanitizer.find(["ab"], first))).end == 2
    assert list(sanitizer.find(["ab"], other)) == [Span(index=0, start=0, end=1, type="T1")]
    assert sanitizer.engine() == "one" and not hasattr(sanitizer, "known")
    with pytest.raises(PrivacyError, match="cannot be sure"):
        list(sanitizer.find(["boom"], first))


def test_its_errors_are_ours_and_what_is_no_record_is_refused(apart: Callable):
    with pytest.raises(RunFailed, match="as one of ours"):
        list(apart("curator").curate([]))
    cloud = apart("cloud")
    assert cloud.fetch(None) == Path("/a") and cloud.down(None) == {1: (2, b"3", {"4": 5.0})}
    with pytest.raises(PluginError, match="records and plain data"):
        cloud.submit(None)
    with pytest.raises(PluginError, match="its process ended"):
        cloud.quote(None)


def test_settings_are_checked_there(apart: Callable):
    plugin = registry.find("judge", "far")
    assert registry.settings(plugin, {}, "judge.far").model_dump() == {"steps": 3}
    with pytest.raises(RecipeError, match=r"judge\.far\.step: no such key; did you mean 'steps'"):
        registry.settings(plugin, {"step": 3}, "judge.far")


def test_no_pack_brings_an_executor(apart: Callable, tmp_path: Path):
    (tmp_path / "team" / "plugins" / "executor").mkdir()
    (tmp_path / "team" / "plugins" / "executor" / "far.py").write_text('"""Far."""\n')
    added.update("team")
    added.trust("team", kept.named("team").pin)
    with pytest.raises(PluginError, match="a pack brings no executor"):
        registry.load("executor", "far")
