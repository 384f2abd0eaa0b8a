"""What a judge that saw the raw trace may say of it."""

from bashgym import registry
from bashgym.kinds import JudgeContext
from bashgym.records import Signal, Verdict
from bashgym.stages.discreet import discreet
from bashgym.stages.worker import spoken
from bashgym.trace import Agent, SourceInfo, Trace, TraceExtra, TraceInfo

TOKEN = "ghp_" + "k4Jx9Qw2Lm7Tz3Vb8Nc5Rd1Fg6Hs0Ya2Pe4U"


def secrets() -> list:
    plugin = registry.load("sanitizer", "secrets")
    return [("secrets", plugin(plugin.Config()))]


def test_values_of_the_session_and_new_ones_are_replaced():
    """One that the sanitizers took out of the session, within a longer word; one that they find only now."""
    signal = Signal(name="fail_to_pass", value="tests.test_kestrel_x::test_a", source="execution", confidence=1.0)
    other = Signal(name="counts", value=3, source="execution", confidence=1.0)
    said = Verdict(judge="x", score=1.0, reason=f"saw {TOKEN}", signals=(signal, other), verified=True)
    removed = {"kestrel": "NAME"}
    kept = discreet(said, secrets(), "s", removed, "pseudonym")
    assert "kestrel" not in str(kept) and TOKEN not in str(kept)
    assert kept.signals[0].value.startswith("tests.test_NAME_")
    assert (kept.signals[1].value, kept.score, kept.verified) == (3, 1.0, True)
    assert TOKEN in removed  # so that the leak gate looks for it, too


def test_only_a_judge_that_asks_is_given_the_raw_trace(monkeypatch):
    class Plain:
        def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
            return Verdict(judge="x", score=None, reason=f"raw: {context.raw is not None}")

    class Asking(Plain):
        reads_raw = True

    info = TraceInfo(source=SourceInfo(kind="claude_code"))
    trace = Trace(session_id="s", agent=Agent(name="a"), steps=[], extra=TraceExtra(bashgym=info))

    class Work:
        judges, sanitizers, style = (("plain", "plain"), ("asking", "asking")), (), "pseudonym"

    class Task:
        label, work = "a source", Work
        ref = type("Ref", (), {"id": "s"})

    monkeypatch.setattr("bashgym.stages.worker.build", lambda spec: {"plain": Plain(), "asking": Asking()}[spec])
    assert spoken("plain", trace, trace, Task, {}).reason == "raw: False"
    assert spoken("asking", trace, trace, Task, {}).reason == "raw: True"
