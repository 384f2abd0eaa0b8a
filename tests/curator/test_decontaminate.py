"""Planted contamination: found in both directions, word for word and changed; strangers stay."""

import json

import pytest

from bashgym.errors import InputError, RecipeError
from bashgym.registry import load
from tests.curator.keys import changed, key, text


def decide(index, texts, **config) -> dict[str, str]:
    cls = load("curator", "decontaminate")
    curator = cls(cls.Config(**config))
    curator.beware(texts)
    return {one.session: one.reason for one in curator.curate(index) if not one.keep}


def test_planted_questions_are_found_and_nothing_else():
    """50 questions; 20 sessions hold one whole, 20 hold one with one word in twelve changed, 200 hold none."""
    questions = [text(n, 60) for n in range(50)]
    index = [key(f"clean{n}", text(5000 + n, 400)) for n in range(200)]
    index += [key(f"whole{n}", f"{text(900 + n, 200)} {questions[n]} {text(950 + n, 200)}") for n in range(20)]
    index += [key(f"near{n}", f"{text(700 + n, 200)} {changed(questions[n], 1 / 12, n)}") for n in range(20)]
    found = decide(index, {"humaneval": questions})
    assert {one for one in found if one.startswith("whole")} == {f"whole{n}" for n in range(20)}
    assert len([one for one in found if one.startswith("near")]) >= 18
    assert not [one for one in found if one.startswith("clean")]
    assert {found[f"whole{n}"] for n in range(20)} == {"holds what benchmark humaneval asks"}
    assert "too near to what benchmark humaneval asks" in found.values()


def test_the_other_direction_a_session_inside_a_long_question():
    question = text(1, 800)
    inside = " ".join(question.split()[300:360])
    assert decide([key("a", inside), key("b", text(2))], {"b": [question]}) == {"a": "holds what benchmark b asks"}


def test_a_benchmark_made_of_the_test_rows():
    """Sessions like those of the test split are not trained on; the test split itself stays."""
    index = [
        key("t", text(1), split="test"), key("like", changed(text(1), 0.02), split="train"),
        key("v", text(1), split="validation"), key("other", text(2), split="train"),
    ]  # fmt: skip
    reason = "holds what the test split asks"
    assert decide(index, {"lm_eval": None}) == {"like": reason, "v": reason}
    assert decide(index, {}) == {}
    with pytest.raises(RecipeError, match=r"curator=\[split,decontaminate\]"):
        decide([key("a", text(1))], {"lm_eval": None})


def test_a_folder_of_texts(tmp_path):
    (tmp_path / "a.txt").write_text(text(1, 50))
    (tmp_path / "b.jsonl").write_text(json.dumps({"prompt": text(2, 30), "tests": [text(3, 30)]}) + "\n")
    index = [key("a", text(1, 50)), key("b", text(2, 30)), key("c", text(4, 50))]
    assert set(decide(index, {}, folder=str(tmp_path))) == {"a", "b"}
    (tmp_path / "c.jsonl").write_text("{broken\n")
    with pytest.raises(InputError, match=r"c\.jsonl:1"):
        decide(index, {}, folder=str(tmp_path))
    with pytest.raises(InputError, match=r"no \.txt"):
        decide(index, {}, folder=str(tmp_path / "nowhere"))


def test_what_was_looked_for_is_told():
    cls = load("curator", "decontaminate")
    curator = cls(cls.Config())
    curator.beware({"b": [text(1), "too short"]})
    (only,) = curator.curate([key("a", text(2))])
    assert only.keep and only.reason == "kept apart from 1 texts of benchmarks; 1 texts are too short to be told"
