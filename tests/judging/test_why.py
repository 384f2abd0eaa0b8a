"""The explanation says what the verdict is, can be done again by hand, and what it says would change it does."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bashgym.judging.why import why
from bashgym.records import Verdict
from bashgym.settings import VerdictSettings
from bashgym.verdict import classify

SETTINGS = VerdictSettings(gold=0.75, silver=0.5, at_least=1, weights={"a": 3.0})
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

verdicts = st.lists(
    st.builds(
        Verdict,
        judge=st.sampled_from("abcd"),
        score=st.none() | st.floats(0, 1),
        verified=st.booleans(),
        fatal=st.booleans(),
        cap=st.none() | st.floats(0, 1),
        reason=st.sampled_from(["", "tests failed", "a | b"]),
    ),
    max_size=4,
    unique_by=lambda verdict: verdict.judge,
)


@given(verdicts)
def test_it_says_what_was_decided(found):
    explained = why(found, SETTINGS)
    assert (explained.label, explained.score) == classify(found, SETTINGS)
    assert explained.because and [word.judge for word in explained.words] == [one.judge for one in found]
    for one in found:
        claim = f"without {one.judge} it would be "
        for other in explained.otherwise:
            if other.startswith(claim):
                assert classify([each for each in found if each is not one], SETTINGS)[0] == other.removeprefix(claim)


def test_gold():
    found = [
        Verdict(judge="a", score=0.9, verified=True, reason="tests passed"),
        Verdict(judge="b", score=None, reason="no file was edited"),
    ]
    explained = why(found, SETTINGS)
    assert explained.because == (
        "the score is (3 x 0.90 (a)) / 3 = 0.90",
        "0.90 reaches verdict.gold=0.75, and a saw something run that speaks for it",
    )
    assert explained.otherwise == (
        "without a it would be unverified",
        "with 0.15 less, or a judge that sees it fail, it would not be gold",
    )


def test_a_hack_is_named_with_what_it_cost():
    found = [
        Verdict(judge="a", score=0.9, verified=True),
        Verdict(judge="hacks", score=0.1, fatal=True, cap=0.1, reason="skipped: a test is left out"),
    ]
    explained = why(found, SETTINGS)
    assert explained.label == "failed"
    assert "hacks saw it fail, and then nothing else counts" in explained.because
    assert explained.otherwise == (
        "without what hacks holds against it (skipped: a test is left out) it would be gold",
    )


def test_unverified_says_what_is_missing():
    explained = why([Verdict(judge="a", score=0.8)], SETTINGS)
    assert explained.label == "unverified"
    assert "a test run that passes after the last change would make it gold" in explained.otherwise
    few = why([Verdict(judge="a", score=0.8)], SETTINGS.model_copy(update={"at_least": 3}))
    assert "2 more judges that speak, or verdict.at_least=1" in few.otherwise


def test_the_command(bashgym, tmp_path):
    """On the example sessions, as a user would ask."""
    home = tmp_path / "claude"
    home.mkdir()
    (home / "projects").symlink_to(EXAMPLES / "projects")
    told = json.loads((EXAMPLES / "sessions.json").read_text())
    red = next(one["file"] for one in told if one["stories"] == ["fix_red"])
    name = Path(red).stem
    done = bashgym("traces", "why", name[:12], CLAUDE_CONFIG_DIR=str(home))
    assert done.returncode == 0, done.stderr
    assert f"{name}: failed" in done.stdout and "outcome" in done.stdout and "reward_hacking (abstains)" in done.stdout
    data = json.loads(bashgym("traces", "why", name, "--json", CLAUDE_CONFIG_DIR=str(home)).stdout)
    assert data["label"] == "failed" and {word["judge"] for word in data["words"]} >= {"outcome", "reward_hacking"}
    missing = bashgym("traces", "why", "nowhere", CLAUDE_CONFIG_DIR=str(home))
    assert missing.returncode == 2 and "no session's id begins so" in missing.stderr
