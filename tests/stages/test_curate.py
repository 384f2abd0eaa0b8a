"""Families and copies over sessions."""

from bashgym.records import TraceSummary
from bashgym.stages.curate import family_of, first_come


def summary(session: str, replies: list[int], started: str = "", root: str = "") -> TraceSummary:
    return TraceSummary(
        session=session, root=root or session, source="x", repo="/r", started=started, label="gold", score=1.0,
        verdicts=(), examples=1, messages=2, replies=tuple(replies), tools={}, dropped={}, tokens={},
    )  # fmt: skip


def test_forks_resumes_and_subagents_are_one_family():
    traces = [
        summary("a", [1, 2, 3]),
        summary("b", [3, 4]),
        summary("c", [4, 5]),
        summary("c/agent", [9], root="c"),
        summary("d", [7]),
    ]
    families = family_of(traces)
    assert len({families[name] for name in ("a", "b", "c", "c/agent")}) == 1
    assert families["d"] == "d"
    assert family_of(list(reversed(traces))) == families


def test_a_reply_is_taught_by_the_first_session_that_has_it():
    later, first = ("k2", summary("later", [1, 2, 3], "2026-02")), ("k1", summary("first", [1, 2], "2026-01"))
    found = {one.session: copied for (_, one), copied in first_come([later, first])}
    assert found == {"first": [], "later": [f"{1:016x}", f"{2:016x}"]}
