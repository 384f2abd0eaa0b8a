"""Command lines split as the shell splits them."""

import shutil
import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.signals.shell import Command, Word, every, split


def words(text: str) -> list[list[str]]:
    return [list(command.words) for command in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cd x && pytest -q | tail -5", [["cd", "x"], ["pytest", "-q"], ["tail", "-5"]]),
        ("FOO=1 BAR='a b' make test", [["make", "test"]]),
        ("echo 'a && b' \"c | d\" e\\;f", [["echo", "a && b", "c | d", "e;f"]]),
        ("pytest # and && more", [["pytest"]]),
        ("a \\\n  --flag\nb", [["a", "--flag"], ["b"]]),
        ("pytest > out.txt 2>&1 < in.txt", [["pytest"]]),
        ("bash -lc 'cd y && npm test' || true", [["cd", "y"], ["npm", "test"], ["true"]]),
        ("cat > f.py <<'EOF'\nmake test && x\nEOF\ncargo test", [["cat"], ["cargo", "test"]]),
        ("if pytest; then echo ok; fi", [["pytest"], ["echo", "ok"]]),
        ("for f in a b; do go test $f; done", [["go", "test", "$f"]]),
        ("echo 'never closed", [["echo", "never closed"]]),
        ("", []),
    ],
)
def test_words(text: str, expected: list[list[str]]):
    assert words(text) == expected


def test_a_commit_message_by_here_document_is_one_word():
    commands = split("git commit -m \"$(cat <<'EOF'\nDon't run (make test)\n\nEOF\n)\" && git push")
    assert [command.program for command in commands] == ["git", "git"]
    assert commands[0].after == "&&"
    assert "Don't run (make test)" in commands[0].words[-1]


def test_operators_redirections_and_here_documents_are_kept():
    first, second, third = split("a > x.txt | b <<END ; c &\nbody\nEND\n")
    assert first == Command(("a",), "", "|", ("x.txt",))
    assert (second.before, second.after, second.stdin) == ("|", ";", "body\n")
    assert third.after == "&"


def test_an_operator_behind_a_bracket_belongs_to_the_last_command_in_it():
    commands = split("(cd a; pytest) | tail -3")
    assert [(command.program, command.after) for command in commands][1] == ("pytest", "|")


def test_what_is_conditional_is_marked():
    assert [c.conditional for c in split("if a; then b; fi; c")] == [True, True, False]
    assert [c.conditional for c in split("! a; b")] == [True, False]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@given(st.lists(st.text(alphabet="ab '\"\\$&|;<>()#\n\t-=*", max_size=8), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_words_agree_with_bash(values: list[str]):
    """Bash itself quotes arbitrary words (`printf %q`), and splitting gives them back."""
    quoted = subprocess.run(
        ["bash", "-c", 'printf "%q " "$@"', "bash", *values], capture_output=True, text=True, check=True
    ).stdout
    assert words(f"prog {quoted}") == [["prog", *values]]


@pytest.mark.parametrize(
    "hostile", ["$(" * 50_000, '"$(' * 30_000, "<<A\n" * 25_000, "(" * 99_000, "bash -c '" * 9_000, "`"]
)
def test_hostile_text_costs_no_stack_and_little_time(hostile: str):
    started = time.perf_counter()
    split(hostile)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("text", "live", "bare"),
    [
        ("a$B", ("$B",), True),
        ('"a$B c"', ("$B",), False),
        ("'a$B'", (), False),
        (r"a\$B", (), False),
        ('"$(rm -rf /)`x`"', ("$(rm -rf /)", "`x`"), False),
        ("<(curl x)", ("<(curl x)",), True),
        ("${A:-b}*", ("${A:-b}",), True),
        ("'*'.py", (), False),
        ("*.py", (), True),
        ("~/x", (), True),
        ("'~'/x", (), False),
        ("plain", (), False),
    ],
)
def test_what_the_shell_would_still_expand_is_told(text: str, live: tuple[str, ...], bare: bool):
    (command,) = every(f"echo {text}")
    word = command.words[1]
    assert (getattr(word, "live", ()), getattr(word, "bare", False)) == (live, bare)
    assert isinstance(word, Word) == bool(live or bare)


def test_every_keeps_what_is_no_command_of_its_own():
    found = every("A=1 B=x; for f in a b; do > $f; done; bash -c 'rm x' < in.txt; cat <<< word")
    assert [command.words for command in found] == [
        (), ("for", "f", "in", "a", "b"), (), ("bash", "-c", "rm x"), ("cat",),
    ]  # fmt: skip
    assert found[0].assigned == ("A=1", "B=x")
    assert found[2].writes == ("$f",)
    assert found[3].reads == ("in.txt",)
    assert found[4].stdin == "word"


def test_a_here_document_expands_unless_its_mark_is_quoted():
    live, quoted = (every(f"cat <<{mark}\n$(rm x) $Y\nE\n")[0].stdin for mark in ("E", "'E'"))
    assert getattr(live, "live", ()) == ("$(rm x)", "$Y")
    assert getattr(quoted, "live", ()) == ()
