"""Answers verified in a real box: what passes, what does not, and what would like to."""

import importlib.util
import sys
from pathlib import Path

import pytest

from bashgym.sandbox import Box
from bashgym.tasks import Task, patches, snapshots
from bashgym.tasks.answers import NoAnswer
from bashgym.tasks.selftest import selftest
from bashgym.tasks.verify import verify, verify_exit_code, verify_folder

_spec = importlib.util.spec_from_file_location("tasks_conftest", Path(__file__).with_name("conftest.py"))
assert _spec and _spec.loader
double = importlib.util.module_from_spec(_spec)
sys.modules["tasks_conftest"] = double
_spec.loader.exec_module(double)

GOOD, BAD, FILES, TESTS, made = double.GOOD, double.BAD, double.FILES, double.TESTS, double.made
PATCHED = patches.made(FILES, {"calc.py": GOOD})
FORMS = {
    "file": (f"It doubles:\n```python\n{GOOD}```\n", f"```python\n{BAD}```"),
    "files": (f"```python path=calc.py\n{GOOD}```", f"```python path=other.py\n{GOOD}```"),
    "patch": (f"```diff\n{PATCHED}```", f"```diff\n{PATCHED.replace('NotImplementedError', 'KeyError')}```"),
    "command": (f"```bash\ncat > calc.py <<'END'\n{GOOD}END\n```", "```bash\ntrue\n```"),
}


def task(form: str = "file", **changes: object) -> Task:
    good, bad = FORMS[form]
    return made(form=form, target="calc.py" if form == "file" else "", good=good, bad=bad, **changes)


@pytest.mark.parametrize("form", FORMS)
def test_the_forms_of_an_answer(form: str, box: Box):
    one = task(form)
    passed = verify(one, one.good, box)
    assert passed.passed and set(passed.tests_passed) == {"test_calc.Double.test_three", "test_calc.Double.test_text"}
    assert not verify(one, one.bad, box).passed


HARD = "getattr(__import__('os'), '_ex' + 'it')(0)"
EQUAL = "    def __eq__(self, o):\n        return True\n"
PATCHING = "import unittest\nunittest.TestCase."
CHEATS = {
    "skip": "import unittest\nraise unittest.SkipTest('later')\n",
    "skip each": f"{PATCHING}setUp = lambda self: self.skipTest('later')\n{BAD}",
    "exit": "import sys\nsys.exit(0)\n",
    "exit hard": f"{HARD}\n",
    "thread": f"import threading, time\nthreading.Timer(0, lambda: {HARD}).start()\ntime.sleep(1)\n",
    "rewrites its test": "open('test_calc.py', 'w').write('import unittest\\n')\n" + BAD,
    "equal": f"class E:\n{EQUAL}def double(x):\n    return E()\n",
    "equal text": f"class E(str):\n{EQUAL}    __hash__ = None\ndef double(x):\n    return E()\n",
    "not different": (
        f"class E:\n{EQUAL}    def __ne__(self, o):\n        return False\ndef double(x):\n    return E()\n"
    ),
    "any": "from unittest.mock import ANY\ndef double(x):\n    return ANY\n",
    "asserts nothing": f"{PATCHING}assertEqual = lambda *a: None\n{BAD}",
    "no comparison": f"{PATCHING}_getAssertEqualityFunc = lambda *a: lambda *b, **c: None\n{BAD}",
    "git": "import subprocess as s\nexec(s.run(['git', 'show', 'HEAD:calc.py'], capture_output=True).stdout)\n",
    "too long": "import time\ntime.sleep(60)\n",
    "too much": "x = bytearray(1 << 30)\n",
    "nothing": "",
    "no Python": "def double(x) return 2 * x\n",
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_what_is_not_paid(cheat: str, box: Box):
    found = verify(task(limits={"seconds": 3, "memory_mb": 256, "processes": 32}), CHEATS[cheat], box)
    assert not found.passed and found.reason


def test_paths_that_are_not_the_answers(box: Box):
    one = task("files", protected=("fixtures/*",), files={**FILES, "fixtures/a.txt": "1"})
    for path in ("test_calc.py", "conftest.py", "sub/conftest.py", "unittest/__init__.py", "fixtures/a.txt", "x.pth"):
        found = verify(one, f"```python path=calc.py\n{GOOD}```\n```python path={path}\nx = 1\n```", box)
        assert not found.passed and "protected" in found.reason, path
    for path in ("../out.py", "/etc/x.py", ".git/hooks/a.py"):
        assert "no path inside" in verify(one, f"```python path={path}\nx\n```", box).reason
    # to write a test as it is, or to leave it alone, is no cheat
    same = f"```python path=calc.py\n{GOOD}```\n```python path=test_calc.py\n{TESTS}```"
    assert verify(one, same, box).passed


def test_an_episodes_folder(box: Box, tmp_path: Path):
    """Links where tests belong, changed settings of the runner, planted bytecode."""
    one = task("command")

    def left(**files: str) -> Path:
        folder = tmp_path / f"f{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for path, text in {**FILES, "calc.py": GOOD, **{k.replace("__", "."): v for k, v in files.items()}}.items():
            (folder / path).write_text(text)
        return folder

    assert verify_folder(one, left(), box).passed
    assert "conftest.py was changed" in verify_folder(one, left(conftest__py="x = 1"), box).reason
    outside = tmp_path / "outside.py"
    outside.write_text("theirs")
    folder = left()
    (folder / "test_calc.py").symlink_to(outside)
    assert "is a link" in verify_folder(one, folder, box).reason and outside.read_text() == "theirs"


def test_tests_that_must_pass_by_name(box: Box):
    half = "```python\ndef double(x):\n    return x * 2 if x == 3 else None\n```"
    assert not verify(task(), half, box).passed
    assert verify(task(must_pass=("test_calc.Double.test_three",)), half, box).passed
    assert not verify(task(must_pass=("test_calc.Double.test_gone",)), FORMS["file"][0], box).passed


def test_by_exit_code(box: Box):
    script = "python3 -c 'import calc; print(calc.double(4))' | grep -qx 8\n"
    one = task(test=("/bin/sh", "check.sh"), tests={"check.sh": script}, must_pass=())
    assert verify_exit_code(one, one.good, box).passed and verify(one, one.good, box).passed
    found = verify_exit_code(one, one.bad, box)
    assert not found.passed and found.exit_code == 1
    assert not verify_exit_code(one, "import sys\nsys.exit(0)\n", box).passed


def test_pytest_of_a_folder_that_is_bound(box: Box):
    """With the interpreter and packages of this very environment."""
    head = "import calc\nimport pytest\n\n\n@pytest.mark.parametrize('x', [1, 2])\n"
    suite = f"{head}def test_it(x):\n    assert calc.double(x) == x + x\n"
    where = tuple({sys.prefix, str(Path(sys.base_prefix).resolve()), str(Path(sys.executable).resolve().parent)})
    one = task(
        test=(sys.executable, "-m", "pytest", "-q", "test_calc.py"), tests={"test_calc.py": suite}, readable=where,
        limits={"seconds": 30},
    )  # fmt: skip
    passed = verify(one, one.good, box)
    assert passed.passed, passed
    assert set(passed.tests_passed) == {"test_calc.py::test_it[1]", "test_calc.py::test_it[2]"}
    skip = "import pytest\npytest.skip('later', allow_module_level=True)\n"
    equal = f"class E:\n{EQUAL}def double(x):\n    return E()\n"
    for cheat in (skip, equal):
        assert not verify(one, cheat, box).passed


def test_patches():
    before = {"a.py": "".join(f"line {n}\n" for n in range(40)), "b.py": "end without newline"}
    after = {
        "a.py": before["a.py"].replace("line 3\n", "three\n").replace("line 30\n", ""),
        "b.py": "x\n",
        "c.py": "new\n",
    }
    assert patches.applied(patches.made(before, after), before) == after
    moved = {**before, "a.py": "above\n" * 5 + before["a.py"]}
    assert patches.applied(patches.made(before, {"a.py": after["a.py"]}), moved) == {
        "a.py": "above\n" * 5 + after["a.py"]
    }
    removed = "--- a/b.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-end without newline\n\\ No newline at end of file\n"
    assert patches.applied(removed, before) == {"b.py": None}
    with pytest.raises(NoAnswer, match="does not fit"):
        patches.applied(patches.made({"b.py": "other\n"}, {"b.py": "x\n"}), before)


def test_snapshots_are_kept_by_their_hash(tmp_path: Path, box: Box):
    folder = tmp_path / "repo"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("x")
    (folder / "calc.py").write_text(FILES["calc.py"])
    (folder / "run.sh").write_text("true\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "link").symlink_to("/etc/passwd")
    name = snapshots.keep(folder)
    assert snapshots.keep(folder) == name
    assert sorted(one.name for one in (snapshots.place() / name).iterdir()) == ["calc.py", "run.sh"]
    one = task(files={}, snapshot=name)
    assert one.bound_to_this_machine and verify(one, one.good, box).passed
    (snapshots.place() / name / "calc.py").write_text("changed")
    with pytest.raises(ValueError, match="it was changed"):
        verify(one, one.good, box)


class Guarded:
    def __init__(self, box: Box, by_exit_code: bool = False) -> None:
        self.box, self.verified = box, verify_exit_code if by_exit_code else verify

    def score(self, completion: str, row: dict) -> float:
        from bashgym.tasks import of_row

        return float(self.verified(of_row(row), completion, self.box).passed)


@pytest.mark.parametrize("form", FORMS)
def test_the_selftest(form: str, box: Box):
    """It trusts the guard, and finds out who believes exit codes or looks only at answers."""
    from bashgym.tasks import as_verifier

    rows = [{"id": "1", "verifier": as_verifier(task(form))}]
    report = selftest({"unit_tests": Guarded(box)}, rows, 0, 1)
    assert report.faults == () and report.tried["good"] == report.tried["bad"] == 1
    wanted = ["equal"] if form == "command" else []
    assert report.untried == wanted
    if form == "file":
        gullible = selftest({"exit_code": Guarded(box, by_exit_code=True)}, rows, 0, 1)
        assert any("gives 1 to an answer that cheats (exit) on task double" in one for one in gullible.faults)
        broken = as_verifier(task(must_pass=("gone",)))
        refused = selftest({"unit_tests": Guarded(box)}, [{"id": "1", "verifier": broken}], 0, 1)
        assert refused.faults == ("reward.unit_tests gives 0 to the known good answer on task double; it must be 1",)
