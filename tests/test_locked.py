"""A run held to another run's lock file: the same bytes on another machine, or one line for everything that differs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from bashgym.errors import InputError
from bashgym.lock import file
from bashgym.lock.differences import differences
from bashgym.lock.file import LockedSession, LockedTrace

ROOT = Path(__file__).resolve().parent.parent
KEY = bytes(range(7, 39))
WORDS = "a long enough passphrase"
SPLITS = ("train.jsonl", "validation.jsonl", "test.jsonl")


class Machine(NamedTuple):
    """A user on a machine: login, home folder, data home, the program as installed there, and the sessions."""

    user: str
    folder: Path
    tree: Path
    sessions: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        (self.folder / self.user).mkdir(parents=True, exist_ok=True)
        env = {name: value for name, value in os.environ.items() if name not in {"SUDO_USER", "USERNAME"}}
        env |= {"USER": self.user, "LOGNAME": self.user, "HOME": str(self.folder / self.user), "COLUMNS": "200"}
        env |= {"BASHGYM_HOME": str(self.folder / "data"), "PYTHONPATH": str(self.tree)}
        command = [sys.executable, "-m", "bashgym", *words]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=600)

    def with_key(self) -> "Machine":
        keys = self.folder / "data" / "keys"
        keys.mkdir(parents=True, mode=0o700, exist_ok=True)
        (keys / "pseudonym.key").write_bytes(KEY)
        (keys / "pseudonym.key").chmod(0o600)
        return self

    def first(self, run_dir: Path, *more: str) -> Path:
        """A run of its own; returns its lock file."""
        classes = "dataset.classes=[gold,silver,unverified]"
        place = f"source.examples.path={self.sessions}"
        words = ("recipe=quickstart", place, classes, f"run_dir={run_dir}", *more)
        done = self.run("run", *words, "--until", "dataset")
        assert done.returncode == 0, done.stderr
        return run_dir / file.NAME

    def locked(self, lock: Path, *more: str) -> subprocess.CompletedProcess[str]:
        place = f"source.examples.path={self.sessions}"
        run_dir = f"run_dir={self.folder / 'again'}"
        return self.run("run", "--locked", str(lock), place, run_dir, "--until", "dataset", *more)


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines that name what differs, of a run that was refused."""
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    *lines, last = done.stderr.strip().splitlines()
    assert "differ" in last
    return lines


def some_sessions(target: Path, n: int) -> Path:
    files = sorted((ROOT / "examples" / "projects").glob("*/*.jsonl"))
    for source in files[:: max(1, len(files) // n)][:n]:
        (target / source.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target / source.parent.name)
    return target


def installed(target: Path, source: Path = ROOT) -> Path:
    """The program as another machine has it: a copy that stays as it is, or in which a test changes a thing."""
    for part in ("bashgym", "conf", "plugins", "recipes", "hooks"):
        shutil.copytree(source / part, target / part)  # what is compiled too: it goes by the time and size of a file
    return target


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("installed") / "tree")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Machine:
    folder = tmp_path_factory.mktemp("here")
    return Machine("mirelda", folder, tree, some_sessions(folder / "sessions", 5)).with_key()


@pytest.fixture(scope="module")
def lock(here: Machine) -> Path:
    return here.first(here.folder / "run")


@pytest.fixture
def there(here: Machine, tmp_path: Path) -> Machine:
    """Another machine, another user, the same sessions in another folder; no key yet."""
    sessions = shutil.copytree(here.sessions, tmp_path / "moved")
    return Machine("corwinhale", tmp_path / "there", here.tree, sessions)


def changed(machine: Machine, name: str, change: Callable[[str], str]) -> Machine:
    """The machine with one file of the program changed."""
    tree = installed(machine.folder / "tree", machine.tree)
    path = tree / name
    path.write_text(change(path.read_text()))
    return machine._replace(tree=tree)


def same_dataset(one: Path, other: Path) -> bool:
    return all((one / "dataset" / name).read_bytes() == (other / "dataset" / name).read_bytes() for name in SPLITS)


def test_the_lock_tells_all_that_went_in_and_no_secret(here: Machine, lock: Path):
    content = yaml.safe_load(lock.read_text())
    assert KEY.hex() not in lock.read_text()
    sessions = {path.stem: path for path in here.sessions.glob("*/*.jsonl")}
    assert {one["session"] for one in content["sessions"]["list"]} == set(sessions)
    assert {one["bytes"] for one in content["sessions"]["list"]} == {one.stat().st_size for one in sessions.values()}
    assert set(content["engines"]) >= {"sanitizer.secrets", "sanitizer.pii", "sanitizer.identity"}
    engines = {name: one["rests_on"] for name, one in content["engines"].items() if name.startswith("sanitizer.")}
    assert all("kingfisher" in said and " known " not in said for said in engines.values())
    manifest = json.loads((lock.parent / "manifest.json").read_text())
    assert content["dataset"]["sha256"] == manifest["dataset"]["sha256"]
    placed = {trace["split"] for one in content["sessions"]["list"] for trace in one["traces"]}
    assert "train" in placed and sum(one["traces"] for one in content["splits"].values()) == manifest["stages"][2]["in"]
    rows = [trace["rows"] for one in content["sessions"]["list"] for trace in one["traces"]]
    assert sum(rows) == sum(manifest["dataset"]["rows"].values()) > 0
    assert {one["evidence"] for one in content["numbers"]} == {"measured"}
    assert content["known_values"] == []


def test_another_user_another_home_the_same_key_the_same_bytes(lock: Path, here: Machine, there: Machine):
    there.folder.mkdir()
    words = there.folder / "words"
    words.write_text(WORDS)
    for machine, action in ((here, "export"), (there, "import")):
        done = machine.run("keys", action, str(there.folder / "team.key"), "--passphrase-file", str(words))
        assert done.returncode == 0, done.stderr
    extra = next((ROOT / "examples" / "projects").glob("*/*.jsonl"))
    (there.sessions / "of-this-machine.jsonl").write_bytes(extra.read_bytes().replace(extra.stem.encode(), b"a" * 36))
    done = there.locked(lock, "executor.workers=2")
    assert done.returncode == 0, done.stderr
    assert "byte for byte" in done.stderr
    again = there.folder / "again"
    assert same_dataset(lock.parent, again)
    mine, other = (yaml.safe_load(path.read_text()) for path in (lock, again / file.NAME))
    assert mine["engines"]["sanitizer.identity"]["known"] != other["engines"]["sanitizer.identity"]["known"]
    assert mine["splits"] == other["splits"] and mine["dataset"] == other["dataset"]
    assert json.loads((again / "manifest.json").read_text())["stages"][0]["dropped"]["not in the lock file"] == 1


def test_without_the_key_the_key_is_named_and_nothing_else(lock: Path, there: Machine):
    (line,) = told(there.locked(lock))
    assert "pseudonym key" in line and "keys import" in line
    assert yaml.safe_load(lock.read_text())["pseudonym_key"] in line
    assert not (there.folder / "data" / "keys").exists() and not (there.folder / "again").exists()
    there.run("keys", "show")  # makes one
    (line,) = told(there.locked(lock))
    assert "pseudonym key" in line


CHANGES: dict[str, tuple[str, Callable[[str], str], tuple[str, ...]]] = {
    "rule": (
        "conf/sanitizer/rules/secrets.yaml",
        lambda text: text + "# one more word\n",
        ("sanitizer.secrets", "rules"),
    ),
    "plugin": (
        "plugins/judge/outcome.py",
        lambda text: text + "# one more word\n",
        ("judge outcome", "plugin outcome"),
    ),
    "plugin of the machine's part": ("plugins/format/chat.py", lambda text: text + "\n", ("format chat",)),
    "version": (
        "bashgym/__init__.py",
        lambda text: text.replace('__version__ = "', '__version__ = "9'),
        ("bashgym: version",),
    ),
    "code": ("bashgym/tools.py", lambda text: text + "# one more word\n", ("bashgym", "its code is another")),
}


@pytest.mark.parametrize("case", CHANGES)
def test_one_change_is_one_line(case: str, lock: Path, there: Machine):
    name, change, words = CHANGES[case]
    machine = changed(there.with_key(), name, change)
    (line,) = told(machine.locked(lock))
    assert all(word in line for word in words), line
    assert not (there.folder / "again").exists()


def test_one_byte_of_a_session_and_one_that_is_gone(lock: Path, there: Machine):
    there.with_key()
    one, other = sorted(there.sessions.glob("*/*.jsonl"))[:2]
    content = bytearray(one.read_bytes())
    content[content.index(b'"text"')] = ord("'")
    one.write_bytes(content)
    (line,) = told(there.locked(lock))
    assert one.stem in line and "bytes" in line
    other.unlink()
    lines = told(there.locked(lock))
    assert len(lines) == 2 and any(other.stem in line and "not here" in line for line in lines)
    shutil.rmtree(there.sessions)
    (line,) = told(there.locked(lock))
    assert f"{there.sessions} is not there" in line


def with_name(sessions: Path, name: str) -> None:
    """Puts a name into the user's words of every session, where nothing around it says that it is one."""
    for path in sessions.glob("*/*.jsonl"):
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines):
            entry = json.loads(line)
            if entry.get("type") == "user" and isinstance(entry["message"]["content"], str):
                entry["message"]["content"] += f" then compare with the notes of {name} again"
                lines[number] = json.dumps(entry)
        path.write_text("\n".join(lines) + "\n")


def test_what_only_one_machine_knows_and_a_session_holds_is_named(there: Machine, tmp_path: Path):
    """The login of one machine's user stands in the sessions: replaced there, left here."""
    with_name(there.sessions, "corwinhale")
    knows = there.with_key()
    other = Machine("mirelda", tmp_path / "other", there.tree, there.sessions).with_key()
    lock = knows.first(tmp_path / "knows")
    (one,) = yaml.safe_load(lock.read_text())["known_values"]
    assert one["type"] == "USER" and one["beforehand"] and "corwinhale" not in one["digest"]
    (line,) = told(other.locked(lock))
    assert "a USER" in line and "known to the machine there, not here" in line
    assert not (other.folder / "again").exists(), "it was known before any work"
    lock = other.first(tmp_path / "knows not")
    done = knows.locked(lock)
    assert "known to the machine here, not there" in done.stderr and done.returncode == 2
    assert not (knows.folder / "again" / "dataset").exists()


def test_what_the_session_tells_itself_is_no_difference(there: Machine, tmp_path: Path):
    with_name(there.sessions, "/home/corwinhale/notes.txt and of corwinhale")
    lock = there.with_key().first(tmp_path / "knows")
    other = Machine("mirelda", tmp_path / "other", there.tree, there.sessions).with_key()
    done = other.locked(lock)
    assert done.returncode == 0, done.stderr
    assert same_dataset(lock.parent, other.folder / "again")


WRONG: dict[str, tuple[str, ...]] = {
    "decided by the lock": ("seed=7",),
    "a preset": ("sanitizer=[secrets]",),
    "no such key": ("executor.worker=1",),
    "no such source": ("source.codex.path=x",),
    "no override": ("nonsense",),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_said_is_one_line(case: str, lock: Path, here: Machine):
    done = here.locked(lock, *WRONG[case])
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert WRONG[case][0].partition("=")[0] in done.stderr or "executor" in done.stderr


def test_what_is_no_lock_file(lock: Path, here: Machine, tmp_path: Path):
    content = yaml.safe_load(lock.read_text())
    broken = {
        "empty": "",
        "list": "[1, 2]",
        "yaml": "a: [",
        "other": "a: 1",
        "unfinished": yaml.safe_dump({name: value for name, value in content.items() if name != "dataset"}),
        "sessions": yaml.safe_dump({**content, "sessions": {"count": 1, "list": [{"session": 1}]}}),
        "beside": yaml.safe_dump({**content, "sessions": {"count": 1, "sha256": "0", "file": file.SESSIONS}}),
    }
    for name, text in broken.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        with pytest.raises(InputError, match=f"{name}.yaml"):
            file.read(path)
    done = here.run("run", "--locked", str(tmp_path / "absent.yaml"))
    assert done.returncode == 2 and "cannot be read" in done.stderr
    done = here.run("run", "--locked", str(lock), "--plan")
    assert done.returncode == 2 and "--plan" in done.stderr


def session(number: int, **more: Any) -> LockedSession:
    trace = LockedTrace(name=f"s{number}", label="gold", split="train", rows=1)
    digest = f"{number:064x}"
    known = {
        "session": f"s{number}",
        "id_sha256": digest,
        "sha256": digest,
        "source": "a",
        "bytes": 1,
        "result": digest,
    }
    return LockedSession(**{**known, "traces": (trace,), **more})


@pytest.mark.parametrize("n", [3, file.FEW + 50])
def test_few_sessions_stand_in_the_lock_many_beside_it(n: int, tmp_path: Path):
    (tmp_path / file.NAME).write_text("bashgym: '1'\n")
    file.add_sessions(tmp_path, [session(number) for number in range(n)])
    content = file.load(tmp_path / file.NAME)
    assert (tmp_path / file.SESSIONS).exists() == (n > file.FEW)
    assert file.sessions(tmp_path / file.NAME, content) == [session(number) for number in range(n)]
    assert content["splits"]["train"]["traces"] == n
    if n > file.FEW:
        (tmp_path / file.SESSIONS).write_bytes((tmp_path / file.SESSIONS).read_bytes().replace(b"gold", b"lead", 1))
        with pytest.raises(InputError, match="not the list"):
            file.sessions(tmp_path / file.NAME, content)
        (tmp_path / file.SESSIONS).unlink()
        with pytest.raises(InputError, match="not beside it"):
            file.sessions(tmp_path / file.NAME, content)


def test_a_forgotten_session_is_taken_out_of_the_lock(tmp_path: Path):
    (tmp_path / file.NAME).write_text("bashgym: '1'\n")
    file.add_sessions(tmp_path, [session(number) for number in range(4)])
    file.without(tmp_path, [session(1).result], ["s2"])
    content = file.load(tmp_path / file.NAME)
    assert [one.session for one in file.sessions(tmp_path / file.NAME, content)] == ["s0", "s3"]
    file.without(tmp_path / "no run", ["x"], [])


def test_two_locks_are_compared_in_meaning(lock: Path):
    content = file.read(lock)
    assert list(differences(content, content)) == []
    other = msgspec.json.decode(msgspec.json.encode(content))
    other["settings"]["model"]["sequence_len"] = 512
    other["plugins"]["format"]["chat"]["config"]["overflow"] = "cut"
    del other["plugins"]["judge"]["syntax"]
    other["plugins"]["sanitizer"] = dict(reversed(other["plugins"]["sanitizer"].items()))
    lines = list(differences(content, other))
    assert len(lines) == 4
    for word in ("model.sequence_len: 4096 there, 512 here", "format chat.overflow", "judge syntax", "in the order"):
        assert any(word in line for line in lines), (word, lines)


@pytest.mark.timeout(900)
def test_four_runs_at_once_do_not_disturb_each_other(here: Machine, tmp_path: Path):
    """The same data home, other settings each: what each makes alone."""
    more = [("seed=1",), ("seed=2", "curator.split.test=0.4"), ("format.overflow=cut",), ("judge=[syntax]",)]
    alone, together = (here._replace(folder=tmp_path / name).with_key() for name in ("alone", "together"))
    for number, words in enumerate(more):
        alone.first(tmp_path / f"alone{number}", *words)
    scripts = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(ROOT / "tests"), str(tmp_path / f"together{number}"), *words],
            env={**os.environ, "MACHINE": json.dumps([str(part) for part in together]), "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for number, words in enumerate(more)
    ]
    for script in scripts:
        _, errors = script.communicate(timeout=600)
        assert script.returncode == 0, errors
    for number in range(len(more)):
        assert same_dataset(tmp_path / f"alone{number}", tmp_path / f"together{number}")
    hashes = {
        yaml.safe_load((tmp_path / f"together{n}" / file.NAME).read_text())["dataset"]["sha256"] for n in range(4)
    }
    assert len(hashes) > 1
    ledger = [json.loads(line) for line in (together.folder / "data" / "ledger.jsonl").read_text().splitlines()]
    assert {Path(one["run"]).name for one in ledger if one["run"]} == {f"together{n}" for n in range(4)}
    assert len({json.dumps(one, sort_keys=True) for one in ledger}) == len(ledger)


SCRIPT = """
import importlib.util, json, os, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("locked", Path(sys.argv[1]) / "test_locked.py")
module = importlib.util.module_from_spec(spec)
sys.modules["locked"] = module
spec.loader.exec_module(module)
user, *folders = json.loads(os.environ["MACHINE"])
module.Machine(user, *map(Path, folders)).first(Path(sys.argv[2]), *sys.argv[3:])
"""
