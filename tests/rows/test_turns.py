"""Long texts are shortened between words."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from bashgym.rows import turns


@given(st.text(alphabet="ab /\n", max_size=400), st.integers(10, 200))
@example("aaaa aaaaaa", 10)
def test_shortening_leaves_no_half_of_a_word(text: str, limit: int):
    """Whatever of a text stays is whole words of it, no more than was allowed, and the count is right."""
    told = turns.shortened(text, limit)
    if len(text) <= limit:
        assert told == text
        return
    head, left, tail = re.fullmatch(r"(.*)\n\[\.\.\. (\d+) characters left out \.\.\.\]\n(.*)", told, re.S).groups()
    assert text.startswith(head) and text.endswith(tail)
    assert len(head) + int(left) + len(tail) == len(text) and len(head) + len(tail) <= limit
    if re.search(r"\s", head[1:]):
        assert text[len(head)].isspace() or head[-1].isspace()
    if re.search(r"\s", tail[:-1]):
        assert text[-len(tail) - 1].isspace() or tail[0].isspace()


def test_a_home_is_not_cut_into_another_ones():
    text = "x " * 40 + "PATH: /home/runner/work" + " y" * 200
    for limit in range(120, 240):
        assert not re.search(r"/home/\w*\n", turns.shortened(text, limit))


def test_what_is_no_word_is_cut_where_it_is():
    assert turns.shortened("y" * 9000, 100) == f"{'y' * 50}\n[... 8900 characters left out ...]\n{'y' * 50}"
