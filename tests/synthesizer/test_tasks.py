"""Tasks out of sessions on real repositories: real commits, real runs of tests in a box, sanitized before they are."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym import registry, sandbox
from bashgym.gate.outgoing import Held
from bashgym.records import Drop, Example
from bashgym.replay import as_task
from bashgym.sandbox import NoBox
from bashgym.stages.discreet import cleaning
from bashgym.tasks import of_row
from bashgym.tasks.verify import verify
from bashgym.trace import Step, Trace
from tests.judge.test_execution import FIXED, Repository, packages
from tests.judge.traces import bash, edit, write
from tests.stages.sessions import Session

__all__ = ["packages"]  # a fixture
BROKEN = "def add(a, b):\n    return a - b\n"
TEST = """import unittest

from cart import add


class Cart(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 2), 4)

    def test_zero(self):
        self.assertEqual(add(0, 0), 0)
"""
RUN = "python -m unittest"
SECRET = "ghp_" + "k3Jd9QmZx7" + "Lr2Vt8Wn5" + "Bf6Hs1Yc4Pg0Ta9Ue"
RED, GREEN = bash(RUN, "FAILED (failures=1)", 1), bash(RUN, "Ran 2 tests in 0.000s\n\nOK")


@pytest.fixture(scope="module", autouse=True)
def box() -> sandbox.Box:
    try:
        return sandbox.choose()
    except NoBox as error:
        pytest.skip(f"needs {error}")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "work" / "cart", None)
    made.commit(cart_py=BROKEN, test_cart_py=TEST)
    return made


def made(session: Trace, sanitizers: tuple[str, ...] = ("secrets",), **settings: Any) -> Example | Drop:
    plugin = registry.load("synthesizer", "tasks")
    one = plugin(plugin.Config(**settings))
    built = [(name, registry.load("sanitizer", name)) for name in sanitizers]
    one.raw = lambda: session
    one.clean = cleaning([(name, cls(cls.Config())) for name, cls in built], "s", {}, "pseudonym")
    (found,) = one.synthesize(session, ())
    return found


def fix(repository: Repository) -> list[Step]:
    return [RED, edit(repository.path("cart.py"), "a - b", "a + b", BROKEN), GREEN]


def test_a_session_that_turned_a_test(repository: Repository, box: sandbox.Box):
    example = made(repository.session(*fix(repository)))
    task = of_row({"verifier": example.verifier})
    assert (task.form, task.target, task.good) == (
        "file",
        "cart.py",
        "```python\ndef add(a, b):\n    return a + b\n```\n",
    )
    assert task.must_pass == ("test_cart.Cart.test_add", "test_cart.Cart.test_zero")
    assert example.meta["fail_to_pass"] == 1 and example.given == 1 and example.steps == [1, 0]
    assert not task.bound_to_this_machine and task.protected == ("test_cart.py",)
    assert (
        task.prompt.startswith("fix it") and "return a - b" in task.prompt and "test_cart.Cart.test_add" in task.prompt
    )
    assert verify(task, task.good, box).passed
    assert not verify(task, "```python\ndef add(a, b):\n    return 4\n```", box).passed
    assert not verify(task, "```python\n" + BROKEN + "```", box).passed


def test_nothing_private_is_in_a_task(repository: Repository):
    repository.commit(conf_py=f"TOKEN = '{SECRET}'\n", id_rsa="the-canary-of-a-key", deploy__tls_pem="x")
    (repository.root / "deploy" / "server.pem").write_text("the-canary-of-a-pem")
    (repository.root / ".env").write_text("A=the-canary-of-an-env")
    repository.git("add", "-f", ".env", "deploy/server.pem")
    repository.git("commit", "-q", "-m", "x")
    (repository.root / "notes.txt").write_text("the-canary-of-a-file-that-git-does-not-know")
    example = made(repository.session(*fix(repository)))
    text = json.dumps(example.verifier) + json.dumps(example.messages)
    assert "canary" not in text and SECRET not in text and "TOKEN = 'API_KEY_" in text
    files = of_row({"verifier": example.verifier}).files
    assert set(files) == {"cart.py", "test_cart.py", "conf.py", "deploy/tls_pem", ".gitignore"}


def test_several_files_a_new_test_and_what_the_session_found(repository: Repository, box: sandbox.Box):
    steps = [
        write(repository.path("rates.py"), "RATE = 2\n"),
        edit(repository.path("cart.py"), "a - b", "a + b", BROKEN),
        edit(
            repository.path("cart.py"),
            "def add",
            "from rates import RATE\n\n\ndef twice(a):\n    return RATE * a\n\n\ndef add",
        ),
        write(
            repository.path("test_twice.py"),
            TEST.replace("add", "twice").replace("(2, 2)", "(2)").replace("(0, 0)", "(0)"),
        ),
        GREEN,
    ]
    task = of_row({"verifier": made(repository.session(*steps)).verifier})
    assert task.form == "files" and set(task.tests) == {"test_twice.py"}
    assert "rates.py does not exist yet." in task.prompt and "class Cart" not in task.prompt
    assert len(task.must_pass) == 4 and verify(task, task.good, box).passed


@pytest.mark.slow
def test_tests_that_need_the_repositorys_environment(repository: Repository, packages: Path, box: sandbox.Box):
    repository.environment(packages)
    repository.commit(
        tests__test_more_py="import pytest\n\nfrom cart import add\n\n\ndef test_more():\n    assert add(1, 1) == 2\n"
    )
    steps = [bash("python -m pytest -q", "1 failed", 1), *fix(repository)[1:2], bash("python -m pytest -q", "3 passed")]
    task = of_row({"verifier": made(repository.session(*steps)).verifier})
    assert task.bound_to_this_machine and "tests/test_more.py::test_more" in task.must_pass
    assert verify(task, task.good, box).passed and FIXED not in task.good


def no_turn(repository: Repository) -> list[Step]:
    repository.commit(cart_py=BROKEN.replace("-", "+"))
    return [edit(repository.path("cart.py"), "a + b", "b + a"), GREEN]


def still_red(repository: Repository) -> list[Step]:
    return [RED, edit(repository.path("cart.py"), "a - b", "a * b + 1", BROKEN), RED]


def only_tests(repository: Repository) -> list[Step]:
    return [RED, edit(repository.path("test_cart.py"), "4)", "0)", TEST), GREEN]


def no_tests(repository: Repository) -> list[Step]:
    return fix(repository)[1:2]


def not_once_sanitized(repository: Repository) -> list[Step]:
    """The test passes only with the very secret."""
    told = TEST + f"\n    def test_key(self):\n        self.assertEqual(len('{SECRET}') * add(1, 0), {len(SECRET)})\n"
    told = told.replace("self.assertEqual(add(2, 2), 4)", "pass")
    repository.commit(cart_py="def add(a, b):\n    return 0\n", test_cart_py=told)
    return [RED, edit(repository.path("cart.py"), "return 0", "return a + b"), GREEN]


def elsewhere(repository: Repository) -> list[Step]:
    return [RED, edit("/nowhere/cart.py", "a - b", "a + b", BROKEN), GREEN]


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (no_turn, "no test that failed before passes after"),
        (still_red, "no test that failed before passes after|do not pass once sanitized"),
        (only_tests, "only tests were changed"),
        (no_tests, "it ran no tests"),
        (not_once_sanitized, "no test that failed before passes after"),
        (elsewhere, "no file of the repository was edited"),
    ],
)
def test_decoys_are_dropped_with_the_reason(repository: Repository, session: Callable, reason: str):
    dropped = made(repository.session(*session(repository)))
    assert isinstance(dropped, Drop), dropped
    assert any(one in dropped.reason for one in reason.split("|")), dropped.reason


def test_what_is_flaky_is_dropped(repository: Repository, monkeypatch: pytest.MonkeyPatch):
    """The second run with the answer comes out otherwise, as it may on a machine with more to do."""
    runs: Counter[str] = Counter()

    def moody(task: Any, completion: str, where: Any) -> Any:
        runs["n"] += 1
        real = verify(task, completion, where)
        lost = tuple(test for test in real.tests_passed if not test.endswith("add"))
        return real if runs["n"] == 1 else real._replace(tests_passed=lost, tests_failed=("test_cart.Cart.test_add",))

    monkeypatch.setattr(as_task, "verify", moody)
    assert (
        made(repository.session(*fix(repository))).reason
        == "tasks: its tests are flaky: what turned did not turn again"
    )


def test_what_is_not_clean_is_dropped(repository: Repository):
    plugin = registry.load("synthesizer", "tasks")
    one = plugin(plugin.Config())
    one.raw = lambda: repository.session(*fix(repository))

    def held(value: Any) -> Any:
        raise Held("leak gate: a TOKEN that was removed from the session is in the text")

    one.clean = held
    (dropped,) = one.synthesize(one.raw(), ())
    assert "something private" in dropped.reason and "TOKEN" not in dropped.reason


def test_from_transcripts_to_rows_for_rewards(
    repository: Repository, bashgym: Callable, tmp_path: Path, box: sandbox.Box
):
    """Through a real run: the planted sessions with something to turn become tasks, the decoys none."""
    folder = tmp_path / "projects" / "p"
    folder.mkdir(parents=True)
    repository.commit(conf_py=f"TOKEN = '{SECRET}'\n")
    head = repository.git("rev-parse", "HEAD")
    for number in range(6):
        one = Session(number)
        one.user(f"Mend add of shop {number}, please. It should sum up.")
        one.bash(RUN, "FAILED (failures=1)", 1)
        one.edit(repository.path("cart.py"), "a - b", "a + b" if number < 3 else f"a - b - {number}")
        one.bash(RUN, "Ran 2 tests in 0.000s\n\nOK")
        one.says("Done.")
        lines = [{**line, "cwd": str(repository.root), "timestamp": "2026-02-01T10:00:00.000Z"} for line in one.lines]
        (folder / f"{one.id}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = [f"source.examples.path={tmp_path / 'projects'}", f"run_dir={tmp_path / 'run'}", "synthesizer=[tasks]"]
    words += [
        "training=grpo",
        "format=grpo",
        "format.base=none",
        "dataset.classes=[gold,silver,unverified]",
        "--until",
        "dataset",
    ]
    done = bashgym("run", "recipe=quickstart", *words, "--json")
    assert done.returncode == 0, done.stderr
    assert repository.git("rev-parse", "HEAD") == head
    written = (tmp_path / "run" / "dataset").glob("*.jsonl")
    rows = [json.loads(line) for file in written for line in file.read_text().splitlines()]
    assert len(rows) == 3 and {row["kind"] for row in rows} == {"task"}
    assert SECRET not in json.dumps(rows)
    assert all(verify(of_row(row), row["answer"], box).passed for row in rows)
    stages = {stage["name"]: stage for stage in json.loads(done.stdout)["stages"]}
    assert stages["synthesize"]["seconds"] > stages["judge"]["seconds"]
