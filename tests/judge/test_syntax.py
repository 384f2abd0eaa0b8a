"""The syntax judge: content put together from the trace, parsed, and what is no fault of the session left out."""

import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from bashgym import pseudonyms, registry
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.trace import Trace
from tests.judge.traces import bash, call, edit, human, read, refused, says, trace, write

KEY = bytes(range(32))
PSEUDONYM = pseudonyms.pseudonym(KEY, "EMAIL", "ada@example.com")


def judge(made: Trace, **settings) -> Verdict:
    plugin = registry.load("judge", "syntax")
    return plugin(plugin.Config(**settings)).judge(made, JudgeContext())


def states(verdict: Verdict) -> list[str]:
    return [signal.name.removeprefix("file_") for signal in verdict.signals]


def one(path: str, content: str) -> Verdict:
    return judge(trace(human("go"), write(path, content), says("done")))


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("a.py", "def f() -> int:\n    return 1\n", "def f(:\n"),
        ("a.py", "async def f():\n    await g()\n", "return 1\n"),
        ("a.json", '{"a": [1, 2]}', '{"a": [1, 2}'),
        ("a.jsonl", '{"a": 1}\n{"a": 2}\n', '{"a": 1}\n{"a": \n'),
        ("a.yaml", "a: 1\n---\nb: !Ref x\n", "a: [1\nb: 2\n"),
        ("a.toml", "[a]\nb = 1\n", "[a\nb = 1\n"),
        ("a.sh", "#!/bin/sh\nif true; then echo a; fi\n", "if true; then echo a\n"),
        ("run", "#!/usr/bin/env bash\nshopt -s extglob\ncase x in @(a|b)) ;; esac\n", "#!/bin/bash\necho (\n"),
    ],
)
def test_new_files(path: str, good: str, bad: str):
    if bad.startswith(("if true", "#!")) and shutil.which("bash") is None:
        pytest.skip("needs bash")
    passed, failed = one(f"/p/{path}", good), one(f"/p/{path}", bad)
    assert (passed.score, passed.fatal, states(passed)) == (1.0, False, ["parses"])
    assert (failed.score, failed.fatal, states(failed)) == (0.0, True, ["broken"])
    assert not passed.verified  # a parser sees form, not function


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("a.js", "export const f = async ({ a }) => <A b={a?.c ?? 1} />;\n", "const f = ( => 1;\n"),
        ("a.ts", "@D() class A<T extends B> { x!: T; f(): asserts x is T {} }\n", "interface A { x: number\n"),
        ("a.tsx", "const a = <T,>(x: T) => <p>{x as string}</p>;\n", "const a = <p>{x</p>;\n"),
        ("a.go", "package a\n\nfunc f[T any](x T) T { return x }\n", "package a\n\nfunc f( { return }\n"),
        ("a.rs", "async fn f<'a>(x: &'a str) -> Result<(), E> { g(x).await? }\n", "fn f( -> i32 { 1 }\n"),
        (
            "A.java",
            "record A(int x) { int y() { return switch (x) { case 1 -> 2; default -> 3; }; } }\n",
            "class A { int x( }\n",
        ),
        ("a.rb", "def f(x) = x&.y\nputs <<~A\n  b\nA\n", "def f(x\n  1\nend end\n"),
        ("a.php", "<?php\nenum A: string { case B = 'b'; }\nfn(int|null $x) => $x?->y;\n", "<?php\nfunction f( { }\n"),
        ("a.cs", "record A(int X) { int Y => X switch { 1 => 2, _ => 3 }; }\n", "class A { int X( }\n"),
    ],
)
def test_languages_read_by_grammars(path: str, good: str, bad: str):
    passed, failed = one(f"/p/{path}", good), one(f"/p/{path}", bad)
    assert (passed.score, states(passed)) == (1.0, ["parses"])
    assert (failed.score, states(failed)) == (0.0, ["broken"])
    assert not failed.fatal  # it may be the grammar that does not know
    broke = judge(trace(human("go"), edit(f"/p/{path}", good, bad, good)))
    assert broke.fatal and f"/p/{path}" in broke.reason


def test_without_a_grammar_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch):
    from bashgym.signals import grammars

    def missing(language: str) -> None:
        raise ImportError(language)

    monkeypatch.setattr(grammars, "parser", missing)
    verdict = one("/p/a.go", "func (")
    assert verdict.score is None and "no grammar of go is installed" in verdict.signals[0].value


def test_the_score_is_the_share_of_known_files_that_parse():
    steps = [
        write(f"/p/{name}.py", text)
        for name, text in (("a", "x = 1\n"), ("b", "x =\n"), ("c", "y = 1\n"), ("d", "z\n"))
    ]
    verdict = judge(trace(human("go"), *steps, edit("/p/e.py", "a", "b"), says("done")))
    assert verdict.score == 0.75
    assert Counter(states(verdict)) == {"parses": 3, "broken": 1, "unknown": 1}
    assert "/p/b.py" in verdict.reason


def test_only_the_last_state_of_a_file_counts():
    steps = [write("/p/a.py", "def f(:\n"), edit("/p/a.py", "(:", "():\n    pass")]
    assert judge(trace(human("go"), *steps)).score == 1.0


@pytest.mark.parametrize("how", ["write", "read", "original"])
def test_an_edit_is_applied_to_what_is_known(how: str):
    text = "def f():\n    return 1\n"
    first = {"write": [write("/p/a.py", text)], "read": [read("/p/a.py", text)], "original": []}[how]
    original = text if how == "original" else None
    good = judge(trace(human("go"), *first, edit("/p/a.py", "return 1", "return 2", original)))
    bad = judge(trace(human("go"), *first, edit("/p/a.py", "return 1", "return (", original)))
    assert (good.score, good.fatal) == (1.0, False)
    assert (bad.score, bad.fatal) == (0.0, True)


def test_a_file_that_was_broken_before_is_not_the_sessions_doing():
    verdict = judge(trace(human("go"), edit("/p/a.py", "x", "y", "x = (\n")))
    assert (verdict.score, verdict.fatal) == (0.0, False)


def test_multi_edits_and_other_agents_names():
    many = {
        "file_path": "/p/a.py",
        "edits": [{"old_string": "1", "new_string": "2"}, {"old_string": "2", "new_string": "("}],
    }
    assert judge(trace(human("go"), write("/p/a.py", "x = 1\n"), call("MultiEdit", many))).fatal
    gemini = call("write_file", {"file_path": "/p/a.json", "content": "{"}, "ok")
    opencode = call("edit", {"filePath": "/p/a.json", "oldString": "{", "newString": "{}"}, "ok")
    assert judge(trace(human("go"), gemini, opencode, kind="opencode")).score == 1.0


@pytest.mark.parametrize(
    "steps",
    [
        [edit("/p/a.py", "a", "b")],
        [read("/p/a.py", "x = (\n", offset=5), edit("/p/a.py", "x", "y")],
        [write("/p/a.py", "x = 1\n"), edit("/p/a.py", "not in it", "(")],
        [write("/p/a.py", "x = (\n"), bash("sed -i 's/(/1/' /p/a.py")],
        [write("/p/a.py", "x = (\n"), bash("cd /p && git checkout .")],
        [write("/p/a.py", "x = (\n"), call("Task", {"prompt": "fix"}, "fixed")],
        [call("Write", {"file_path": "/p/a.py", "content": "("}, None)],
        [edit("/p/a.py", "1", "(", "x = 1\n", raw={"originalFile": "x = 1\n", "userModified": True})],
    ],
    ids=["never seen", "part read", "does not fit", "sed", "checkout", "sub-agent", "no result", "user changed it"],
)
def test_what_is_not_known_is_unknown(steps: list):
    verdict = judge(trace(human("go"), *steps))
    assert (verdict.score, verdict.fatal, states(verdict)) == (None, False, ["unknown"])


def test_refused_and_failed_edits_change_nothing():
    text = "x = 1\n"
    failed = edit("/p/a.py", "1", "(", error=True, raw="Error: File has not been read yet")
    assert judge(trace(human("go"), write("/p/a.py", text), refused(write("/p/a.py", "(")), failed)).score == 1.0


def test_a_removed_file_is_not_judged():
    assert judge(trace(human("go"), write("/p/a.py", "("), bash("rm /p/a.py"))).score is None


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/p/chart/templates/a.yaml", "a: {{ .Values.x }}\n{{- if b }}\nc: 1\n{{- end }}\n"),
        ("/p/tests/fixtures/a.json", '{"cut": '),
        ("/p/tests/invalid_syntax.py", "def f(:\n"),
        ("/p/tsconfig.json", '{\n  // comment\n  "a": 1,\n}'),
        ("/p/a.py", "type Pair[T] = tuple[T, T]\n"),
        ("/p/a.py", "def first[T](items: list[T]) -> T: ...\n"),
        ("/p/a.py", "print 'python two'\n"),
        ("/p/a.py", "%matplotlib inline\n"),
        ("/p/a.json", "[" * 200_000 + "]" * 200_000),
        ("/p/a.json", '{"a": ' + "9" * 5000 + "}"),
        ("/p/a.toml", "a = " + "9" * 5000),
        ("/p/a.toml", ".".join("a" * 5000) + " = 1"),
        ("/p/a.py", "-" * 200_000 + "1"),
        ("/p/a.py", f"x = 5{PSEUDONYM}\n"),
        ("/p/a.json", f'{{"a": {PSEUDONYM}}}'),
        ("/p/a.yaml", f"a: [1, 2\nb: {PSEUDONYM}\n"),
        ("/p/a.toml", f"a = {PSEUDONYM}\n"),
        ("/p/a.py", f"def f():\n    s = 'abc{PSEUDONYM}\n    return s\n"),
    ],
)
def test_failures_that_are_not_the_sessions_fault_are_unknown(path: str, text: str):
    verdict = one(path, text)
    assert (verdict.score, verdict.fatal) == (None, False)
    assert states(verdict) == ["unknown"]
    assert verdict.signals[0].value.startswith(path + ":")


def test_a_pseudonym_elsewhere_excuses_nothing():
    assert one("/p/a.py", f"# by {PSEUDONYM}\n\n\n\n\ndef f(:\n").fatal
    assert one("/p/a.json", f'{{"by": "{PSEUDONYM}",\n\n\n\n "a": [1}}').fatal


def test_a_pseudonym_that_only_looks_like_one_excuses_nothing():
    assert one("/p/a.py", "x = 5EMAIL_aaaaaaaaaaaa\n").fatal


def test_a_good_pseudonym_parses():
    assert one("/p/a.py", f"mail = '{PSEUDONYM}'\n{PSEUDONYM} = 1\n").score == 1.0


def test_limits():
    big, small = write("/p/big.py", "x = 1\n" * 1000), write("/p/small.py", "x = 1\n")
    assert states(judge(trace(human("go"), big, small), max_characters=100)) == ["unknown", "parses"]
    assert states(judge(trace(human("go"), big, small), max_files=1)) == ["parses"]
    assert states(judge(trace(human("go"), big, small), max_seconds=1e-9)) == ["unknown", "unknown"]


@pytest.mark.parametrize("suffix", ["py", "json", "yaml", "toml", "sh"])
@pytest.mark.parametrize(
    "piece",
    [
        "{{",
        "\n",
        " ,",
        "[",
        "open(",
        "<<A\n",
        "\0",
        "\ud800",
        "a: &x\n",
        "'",
        "- ",
        "? ",
        "&a ",
        "*a ",
        "a.",
        "#",
        "\t",
    ],
)
def test_hostile_files_cost_little_time(suffix: str, piece: str):
    started = time.perf_counter()
    made = trace(human("go"), write(f"/p/a.{suffix}", piece * (300_000 // len(piece)) + "("))
    judge(made, file_seconds=1.0)
    assert time.perf_counter() - started < 10


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_a_script_is_read_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mark = tmp_path / "ran"
    profile = tmp_path / "profile"
    profile.write_text(f"touch {mark}\n")
    monkeypatch.setenv("BASH_ENV", str(profile))
    touch = f"touch {mark}"
    script = f"{touch}\necho $({touch})\n: ${{x:=$({touch})}}\ntrap '{touch}' EXIT\nset +n\n{touch}\n"
    assert one("/p/a.sh", script).score == 1.0
    assert not mark.exists()


def test_python_is_compiled_and_never_run(tmp_path: Path, recwarn: pytest.WarningsRecorder):
    mark = tmp_path / "ran"
    assert one("/p/a.py", f"open({str(mark)!r}, 'w')\nx = '\\d' is 'a'\n").score == 1.0
    assert not mark.exists()
    assert not [warning for warning in recwarn if issubclass(warning.category, (SyntaxWarning, DeprecationWarning))]


def test_abstains_without_a_file_it_can_read():
    assert judge(trace(human("go"), says("hi"))).reason == "no file was edited"
    assert "none of 1" in one("/p/a.lua", "x = 1\n").reason


def test_all_real_sessions(samples: Path, capsys: pytest.CaptureFixture[str]):
    source, seen, spent = registry.load("source", "claude_code"), Counter(), []
    for folder in sorted(samples.glob("*claude*")):
        reader = source(source.Config(path=str(folder)))
        for ref in reader.list():
            for made in reader.read(ref):
                started = time.perf_counter()
                verdict = judge(made)
                spent.append(time.perf_counter() - started)
                assert not verdict.verified
                seen.update(states(verdict))
    with capsys.disabled():
        print(f"\nsyntax on {len(spent)} real traces: files {dict(seen)}, {1000 * sum(spent) / len(spent):.1f} ms each")
    assert seen["parses"]
