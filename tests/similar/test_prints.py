"""Prints: long runs in common are always seen; likeness is what it says; nothing hangs on chance."""

import random
import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.records import Example
from bashgym.similar import prints
from bashgym.similar.minhash import Index, likeness, near_pairs

WORDS = [f"w{n}" for n in range(5000)]


def text(seed: int, length: int) -> list[str]:
    return random.Random(seed).choices(WORDS, k=length)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 10**6))
@settings(max_examples=100)
def test_a_run_of_twelve_words_is_seen_wherever_it_stands(before, after, seed):
    run = text(seed, prints.CERTAIN)
    one = prints.prints([" ".join(text(seed + 1, before) + run + text(seed + 2, after))])
    other = prints.prints([" ".join(text(seed + 3, after) + run + text(seed + 4, before))])
    assert prints.shared(prints.array(one), prints.array(other))


def test_case_punctuation_and_the_division_into_texts_do_not_matter():
    assert prints.prints(["Fix the-parser, now!"]) == prints.prints(["fix THE", "parser now"])
    assert prints.prints([]) == prints.prints(["", " ... "]) == b""
    assert len(prints.prints(["one"])) == 4
    assert prints.words("解析 foo_bar") == ["解", "析", "foo", "bar"]


def test_every_process_makes_the_same_prints():
    code = "from bashgym.similar.prints import prints; print(prints(['a b c d e f g h i j k l m n']).hex())"
    made = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)}
    assert made == {prints.prints(["a b c d e f g h i j k l m n"]).hex() + "\n"}


def changed(found: list[str], share: float, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [draw.choice(WORDS) if draw.random() < share else word for word in found]


def test_index_finds_exactly_the_near_pairs():
    bases = [text(seed, 400) for seed in range(60)]
    near = [changed(base, 0.02, seed) for seed, base in enumerate(bases)]
    made = [prints.prints([" ".join(one)]) for one in [*bases, *near]]
    found = {(a, b) for a, b, _ in near_pairs(made, 0.6)}
    slow = {(a, b) for b in range(len(made)) for a in range(b) if likeness(made[a], made[b]) >= 0.6}
    assert found == slow
    assert len(found & {(n, n + 60) for n in range(60)}) >= 57


def test_likeness_of_itself_and_of_strangers():
    one, other = (prints.prints([" ".join(text(seed, 300))]) for seed in (1, 2))
    assert likeness(one, one) == 1.0
    assert likeness(one, other) < 0.05
    assert likeness(b"", b"") == 0.0
    index = Index()
    index.add(b"")
    assert list(index.like(b"", 0.1)) == []  # two sessions that say nothing are not called equal


def test_results_of_tools_are_not_said():
    call = {"id": "c", "type": "function", "function": {"name": "Bash", "arguments": {"command": "ls", "n": ["x", 1]}}}
    example = Example(
        id="e", session="s", window=0, tools=[],
        messages=[
            {"role": "system", "content": "where"}, {"role": "user", "content": "please"},
            {"role": "assistant", "content": "ok", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "name": "Bash", "content": "secret listing"},
        ],
    )  # fmt: skip
    assert list(prints.said([example])) == ["please", "ok", "ls", "x"]
    assert prints.digest(["a", "b"]) == prints.digest([" a", "b\n"]) != prints.digest(["ab"])
