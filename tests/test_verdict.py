"""Classes: what is not verified is never gold."""

from hypothesis import given
from hypothesis import strategies as st

from bashgym.records import Verdict
from bashgym.settings import VerdictSettings
from bashgym.verdict import classify

SETTINGS = VerdictSettings(gold=0.75, silver=0.5, at_least=2, weights={"a": 3.0})

verdicts = st.lists(
    st.builds(
        Verdict,
        judge=st.sampled_from("abc"),
        score=st.none() | st.floats(0, 1),
        verified=st.booleans(),
        fatal=st.booleans(),
    ),
    max_size=5,
)


@given(verdicts)
def test_the_rules_hold_for_all(found):
    label, score = classify(found, SETTINGS)
    spoken = [one for one in found if one.score is not None]
    if label in {"gold", "silver"}:
        assert any(one.verified for one in spoken) and not any(one.fatal for one in spoken)
        assert len(spoken) >= 2 and score is not None
        assert (score >= 0.75) == (label == "gold") and score >= 0.5
    if any(one.fatal for one in spoken):
        assert label == "failed"
    elif len(spoken) < 2:
        assert label == "unverified" and score is None
    assert score is None or 0 <= score <= 1


def test_weights_count():
    found = [Verdict(judge="a", score=1.0, verified=True), Verdict(judge="b", score=0.0)]
    assert classify(found, SETTINGS) == ("gold", 0.75)
