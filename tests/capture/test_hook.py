"""The hook: what it keeps, what it never does, and what it survives."""

import fcntl
import gzip
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import pytest
from hook_runs import HOOKS, ID, PYTHON, environment, event, files, home, kept, run, spool
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bashgym.capture.hooks import module

PYTHONS = [path for path in dict.fromkeys(["/usr/bin/python3", sys.executable, PYTHON]) if Path(path).exists()]


@pytest.mark.parametrize("python", PYTHONS)
def test_one_line_an_event(python: str):
    said = [event(tool_response={"stdout": 'naïve "quoted" \u2028 😀\n'}, n=n, big=10**40) for n in range(3)]
    for one in said:
        run(one, python=python)
    lines = kept()
    assert [line["event"] for line in lines] == said
    assert all(list(line) == ["ts", "event"] for line in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"]) for line in lines)
    assert sorted(line["ts"] for line in lines) == [line["ts"] for line in lines]
    assert abs(datetime.fromisoformat(lines[0]["ts"]).timestamp() - time.time()) < 60
    assert (spool() / f"{ID}.jsonl").stat().st_mode & 0o777 == 0o600
    assert [folder.stat().st_mode & 0o777 for folder in (spool(), spool().parent)] == [0o700, 0o700]


def test_a_home_that_is_not_there_is_made_for_this_user_only(tmp_path: Path):
    run(event(), env=environment(BASHGYM_HOME=str(tmp_path / "a" / "b")), umask=0)
    for folder in (tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "spool" / "claude_code"):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_default_home_is_in_the_users(tmp_path: Path):
    run(event(), env={"HOME": str(tmp_path)})
    assert (tmp_path / ".bashgym" / "spool" / "claude_code" / f"{ID}.jsonl").exists()


def test_json_on_several_lines_becomes_one():
    run(json.dumps(event(text="a\nb"), indent=2).replace("\n", "\r\n").encode() + b"\n")
    assert kept()[0]["event"] == event(text="a\nb")


def test_a_large_event():
    said = event(tool_response={"stdout": "é\t" * 2_000_000})
    run(said)
    assert kept()[0]["event"] == said


def test_the_id_of_the_environment_comes_first():
    run(event(), env=environment(CLAUDE_CODE_SESSION_ID="from-the-environment"))
    assert files() == ["from-the-environment.jsonl"]


@pytest.mark.parametrize(
    "raw",
    [
        b'{"session_id": "%s", "cwd": "/torn',
        b'{"prompt": "say \\"session_id\\": \\"x\\"", "session_id"  :\n"%s", broken}',
        b'{"a": NaN, "session_id":"%s",}',
        b'\xff\xfe{"session_id":"%s"}',
        b'{"session_id":"%s", "deep":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_the_id_is_found_in_what_is_no_json(raw: bytes):
    run(raw.replace(b"%s", ID.encode()))
    assert files() == [f"{ID}.jsonl"]
    assert kept()[0]["event"]["unparsed"] == raw.replace(b"%s", ID.encode()).decode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    "session",
    ["../../escaped", "/etc/passwd", "a" * 65, "nul\0", "new\nline", "..", ".", "ünsafe", "a b", "\ud800", "x.jsonl"],
)
def test_a_hostile_id_is_hashed(session: str, own_home: Path):
    digest = hashlib.sha256(session.encode("utf-8", "surrogatepass")).hexdigest()
    run(event(session_id=session))
    if "\0" not in session and session.isascii():
        run(event(), env=environment(CLAUDE_CODE_SESSION_ID=session))
    assert files() == [f"{digest}.jsonl"]
    assert sorted(path.name for path in own_home.iterdir()) == ["spool"]


@pytest.mark.parametrize("raw", [b"", b"null", b"[1]", b'"text"', b"7", b"{", b"{} {}", b"\0", b"\xff", b"nonsense\n"])
def test_what_is_no_object_is_kept_all_the_same(raw: bytes):
    run(raw)
    assert [line["event"] for line in kept("unknown")] == [{"unparsed": raw.decode("utf-8", "backslashreplace")}]


def test_an_object_without_an_id():
    run(b"{}")
    run(event(session_id=[7]))
    assert [line["event"] for line in kept("unknown")] == [{}, event(session_id=[7])]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=400), st.text().map(str.encode), st.from_regex(r"\A\{.{0,40}\}\Z").map(str.encode)))
@example(b'{"hook_event_name": "SessionEnd", "transcript_path": "/nowhere/projects/-p/x.jsonl"}')
@example(b'{"hook_event_name": "SessionEnd", "transcript_path": "/etc/passwd", "cwd": "\\ud800"}')
def test_any_stdin_ends_well(own_home: Path, raw: bytes):
    """run() holds it to exit 0 and silence."""
    shutil.rmtree(own_home / "spool", ignore_errors=True)
    run(raw)
    (path,) = spool().glob("*.jsonl")
    assert path.read_bytes().count(b"\n") == 1
    json.loads(path.read_bytes())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(st.text(), JSON), st.booleans(), st.sampled_from([None, 1]))
def test_every_object_is_read_and_kept_as_it_is(said: dict, plain: bool, indent: int | None):
    raw = json.dumps(said, ensure_ascii=plain, indent=indent).encode("utf-8", "surrogatepass")
    hook = module("capture")
    whole = hook.parsed(raw)
    line = hook.line(raw, whole is not None, 1e9)
    assert line.count(b"\n") == 1
    told = json.loads(line)["event"]
    surrogates = not plain and any("\ud800" <= char <= "\udfff" for char in json.dumps(said, ensure_ascii=False))
    if surrogates:
        assert "unparsed" in told
    else:
        assert json.dumps(told) == json.dumps(said)


def test_the_environment_is_never_kept():
    run(event(), env=environment(CLAUDE_CODE_MESSAGING_TOKEN="do-not-keep", ANTHROPIC_API_KEY="nor-this"))
    raw = (spool() / f"{ID}.jsonl").read_bytes()
    assert b"do-not-keep" not in raw
    assert b"nor-this" not in raw


def test_no_standard_streams():
    """Closed by whoever started it."""
    command = f'"{PYTHON}" -I -S "{HOOKS / "capture.py"}" <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", command], env=environment(), timeout=60).returncode == 0


# what keeps it from writing


@pytest.mark.parametrize("python", PYTHONS)
def test_paused(python: str):
    (home() / "paused").touch()
    run(event(), python=python)
    assert files() == []
    (home() / "paused").unlink()
    run(event(), python=python)
    assert files() == [f"{ID}.jsonl"]


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("where", ["project", "cwd"])
def test_excluded(python: str, where: str, tmp_path: Path):
    """By the project's folder, or by the one the session is in now."""
    secret, other = tmp_path / "secret" / "deep", tmp_path / "other"
    secret.mkdir(parents=True)
    other.mkdir()
    project, cwd = (secret, other) if where == "project" else (other, secret)
    (home() / "exclude").write_text(f"# mine\n{tmp_path / 'secret'}\n")
    run(event(cwd=str(cwd)), python=python, env=environment(CLAUDE_PROJECT_DIR=str(project)))
    assert files() == []
    run(event(cwd=str(other)), python=python, env=environment(CLAUDE_PROJECT_DIR=str(other)))
    assert files() == [f"{ID}.jsonl"]


def test_an_excluded_repository(tmp_path: Path):
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = git@example.org:Acme/Secret.git\n')
    (home() / "exclude").write_text("acme/secret\n")
    run(event(cwd=str(tmp_path / "src")))
    assert files() == []


def test_a_bashgymignore_above(tmp_path: Path):
    (tmp_path / ".bashgymignore").touch()
    run(event(cwd=str(tmp_path / "not" / "there" / "yet")))
    assert files() == []


def test_a_bashgymignore_above_what_a_link_means(tmp_path: Path):
    (tmp_path / "real" / "inner").mkdir(parents=True)
    (tmp_path / "real" / ".bashgymignore").touch()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "inner")
    run(event(cwd=str(tmp_path / "link")))
    assert files() == []


@pytest.mark.parametrize("env", [{}, {"CLAUDE_CODE_SESSION_ID": "renamed"}])
def test_a_forgotten_session_stays_forgotten(env: dict[str, str]):
    (home() / "forgotten").write_text(hashlib.sha256(ID.encode()).hexdigest() + "\n")
    run(event(), env=environment(**env))
    assert files() == []
    run(event(session_id="another"))
    assert files() == ["another.jsonl"]


@pytest.mark.parametrize("name", ["exclude", "forgotten"])
@pytest.mark.parametrize("rule", ["folder", "no such rule", "binary"])
def test_a_rule_that_cannot_be_understood_keeps_everything_out(name: str, rule: str):
    if rule == "folder":
        (home() / name).mkdir()
    else:
        (home() / name).write_bytes(b"\xff\0\xfe" if rule == "binary" else rule.encode())
    run(event(cwd="/project"))
    assert files() == []


def test_rules_it_cannot_load_keep_everything_out(tmp_path: Path):
    """The hook's file alone, without those beside it."""
    alone = Path(shutil.copy(HOOKS / "capture.py", tmp_path))
    run(event(), hook=alone)
    assert len(kept()) == 1
    (home() / "exclude").write_text("/secret\n")
    run(event(cwd="/project"), hook=alone)
    assert len(kept()) == 1


# what it survives


def test_a_home_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "home", Path("/proc/nowhere"), Path("/dev/null")):
        run(event(), env=environment(BASHGYM_HOME=str(place)))


def test_a_read_only_home(tmp_path: Path):
    place = tmp_path / "small"
    place.mkdir()
    env = environment(BASHGYM_HOME=str(place))
    mounted = full(place, 1 << 20)
    try:
        run(event(), env=env)
        path = place / "spool" / "claude_code" / f"{ID}.jsonl"
        was = path.read_bytes()
        if mounted:  # for root, modes are no hindrance
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        path.chmod(0o400) if not mounted else None
        run(event(), env=env)
        run(event(session_id="other"), env=env)
        assert path.read_bytes() == was
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)


def test_a_link_is_not_followed(tmp_path: Path):
    run(event(session_id="other"))
    (spool() / f"{ID}.jsonl").symlink_to(tmp_path / "elsewhere")
    run(event())
    assert not (tmp_path / "elsewhere").exists()


def test_half_a_line_of_a_killed_writer_spoils_no_other():
    run(event(n=1))
    with (spool() / f"{ID}.jsonl").open("ab") as file:
        file.write(b'{"ts": "2026-01-01T00:00:00.000Z", "event": {"half')
    run(event(n=2))
    lines = (spool() / f"{ID}.jsonl").read_bytes().split(b"\n")
    assert [json.loads(line)["event"]["n"] for line in (lines[0], lines[2])] == [1, 2]
    assert lines[1].endswith(b'"half')


def full(path: Path, size: int) -> bool:
    """A file system of `size` bytes at `path`; false where nobody lets us make one."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(path)]
    return os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0


def test_a_full_disk(tmp_path: Path):
    """A line is written whole or not at all, and what comes when there is room again is whole too."""
    place = tmp_path / "small"
    place.mkdir()
    if not full(place, 256 * 1024):
        pytest.skip("no file system may be mounted here")
    try:
        env = environment(BASHGYM_HOME=str(place))
        for n in range(30):
            run(event(n=n, text="x" * 15_000), env=env)
        path = place / "spool" / "claude_code" / f"{ID}.jsonl"
        first = [json.loads(line)["event"]["n"] for line in path.read_bytes().splitlines()]
        assert first == list(range(len(first)))
        assert 10 < len(first) < 20
        shutil.copyfile(path, tmp_path / "saved")
        os.truncate(path, 0)
        run(event(n=99), env=env)
        assert json.loads(path.read_bytes())["event"]["n"] == 99
    finally:
        subprocess.run(["umount", str(place)], check=True)


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))


def test_a_write_that_is_cut_short_is_taken_back():
    """By a limit on the size of files, where a write does as much as fits."""
    for n in range(4):
        run(event(n=n, text="x" * 20_000), preexec_fn=small_files)
    run(event(n=4))
    run(event(n=5, text="x" * 20_000))
    assert [line["event"]["n"] for line in kept()] == [0, 1, 4, 5]


EVENTS = 150  # of each writer


def write_many(size: int, writer: int) -> None:
    for n in range(EVENTS):
        run(event(n=f"{writer}/{n}", text='"é\n' * (size // 6)))


@pytest.mark.slow
@pytest.mark.parametrize("size", [12_000, 200_000])
def test_parallel_events_neither_break_nor_vanish(size: int):
    context = get_context("fork")
    writers = [context.Process(target=write_many, args=(size, writer)) for writer in range(8)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
        assert process.exitcode == 0
    lines = kept()
    assert len(lines) == 8 * EVENTS
    assert {line["event"]["n"] for line in lines} == {f"{writer}/{n}" for writer in range(8) for n in range(EVENTS)}


def test_parallel_events_while_the_disk_is_full():
    """None is torn: what was cut short is taken back before the next one writes."""
    said = [event(n=n, text="x" * 9_000) for n in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: run(one, preexec_fn=small_files), said))
    lines = kept()
    assert 4 <= len(lines) <= 5
    assert len({line["event"]["n"] for line in lines}) == len(lines)


def test_a_lock_that_somebody_keeps_delays_little():
    """A stopped process may hold it; the line is written all the same."""
    run(event(n=0))
    with (spool() / f"{ID}.jsonl").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        started = time.perf_counter()
        run(event(n=1))
        assert time.perf_counter() - started < 5
    assert [line["event"]["n"] for line in kept()] == [0, 1]


# the end of a session


def ending(tmp_path: Path) -> tuple[Path, dict]:
    """A session's file in a projects folder, with a sub-agent's, and the event of its end."""
    path = tmp_path / "projects" / "-p" / f"{ID}.jsonl"
    inner = path.with_suffix("") / "subagents"
    inner.mkdir(parents=True)
    path.write_text(f'{{"sessionId": "{ID}", "cwd": "/p"}}\n')
    (inner / "agent-1.jsonl").write_text("{}\n")
    return path, event(hook_event_name="SessionEnd", transcript_path=str(path), cwd="/p", reason="other")


def archived(name: str = f"-p/{ID}.jsonl.gz", seconds: float = 30) -> Path:
    """The copy, once it is there."""
    path = home() / "archive" / "claude_code" / name
    until = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert path.exists()
    return path


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@pytest.mark.parametrize("python", PYTHONS)
def test_the_end_archives_the_session(tmp_path: Path, python: str):
    path, said = ending(tmp_path)
    started = time.perf_counter()
    run(said, python=python)  # which waits for the end of stdout and stderr: nobody holds them
    assert time.perf_counter() - started < 5
    assert kept()[0]["event"] == said
    copy = archived()
    assert unpacked(copy) == path.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert unpacked(archived(f"-p/{ID}/subagents/agent-1.jsonl.gz")) == b"{}\n"
    assert copy.stat().st_mtime_ns == path.stat().st_mtime_ns


def test_what_is_written_just_after_the_end_is_archived_too(tmp_path: Path):
    path, said = ending(tmp_path)
    run(said)
    copy = archived()
    with path.open("a") as file:
        file.write('{"type": "cost-state"}\n')
    until = time.monotonic() + 30
    while unpacked(copy) != path.read_bytes() and time.monotonic() < until:
        time.sleep(0.1)
    assert unpacked(copy) == path.read_bytes()


def test_archiving_outlives_the_process_group(tmp_path: Path):
    """Claude Code may kill its hooks' group the moment the hook returns."""
    path, said = ending(tmp_path)
    (home() / "archive").mkdir()
    command = [PYTHON, "-I", "-S", str(HOOKS / "capture.py")]
    with (home() / "archive" / ".lock").open("w") as held:  # so that nothing can have been archived by then
        fcntl.flock(held, fcntl.LOCK_EX)
        hook = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment(), start_new_session=True)
        hook.stdin.write(json.dumps(said).encode())
        hook.stdin.close()
        os.waitid(
            os.P_PID, hook.pid, os.WEXITED | os.WNOWAIT
        )  # ended, and not yet gone: its group still has the number
        os.killpg(hook.pid, signal.SIGKILL)
        assert hook.wait() == 0
        assert list((home() / "archive").rglob("*.gz")) == []
    assert unpacked(archived()) == path.read_bytes()


@pytest.mark.parametrize("rule", ["paused", "excluded", "forgotten", "another folder of the session is excluded"])
def test_nothing_is_archived_that_may_not_be_kept(tmp_path: Path, rule: str):
    path, said = ending(tmp_path)
    if rule == "paused":
        (home() / "paused").touch()
    elif rule == "excluded":
        (home() / "exclude").write_text("/p\n")
    elif rule == "forgotten":
        (home() / "forgotten").write_text(hashlib.sha256(ID.encode()).hexdigest())
    else:
        path.write_text('{"cwd": "/p"}\n{"cwd": "/elsewhere"}\n')
        (home() / "exclude").write_text("/elsewhere\n")
    run(said)
    time.sleep(0.5)
    assert list((home() / "archive").rglob("*.gz")) == []


def test_a_start_archives_what_a_crash_left(tmp_path: Path):
    path, _ = ending(tmp_path)
    spool = home() / "spool" / "claude_code" / f"{ID}.jsonl"
    spool.parent.mkdir(parents=True)
    spool.write_text("{}\n")
    os.utime(spool, (0, 0))
    fresh = str(path.with_name("new.jsonl"))
    run(event(hook_event_name="SessionStart", session_id="new", transcript_path=fresh, cwd="/q", source="startup"))
    assert unpacked(archived()) == path.read_bytes()


def test_only_session_files_are_archived(tmp_path: Path):
    (tmp_path / "secret.jsonl").write_text("{}\n")
    run(event(hook_event_name="SessionEnd", transcript_path=str(tmp_path / "secret.jsonl")))
    run(event(hook_event_name="SessionEnd", transcript_path="/etc/passwd"))
    run(event(hook_event_name="SessionEnd", transcript_path=["x"]))
    time.sleep(0.5)
    assert not (home() / "archive").exists()


# the launcher of the plugin


def launch(said: bytes, hook: Path = HOOKS / "capture.sh", **env: str) -> None:
    done = subprocess.run(["/bin/sh", str(hook)], input=said, env=environment(**env), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.fixture
def no_python(tmp_path: Path) -> Path:
    """A folder for PATH with what the launcher needs and no Python, and a launcher that looks only there."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("mktemp", "mkdir", "mv", "rm", "cat", "grep"):
        (tools / name).symlink_to(shutil.which(name))
    text = (HOOKS / "capture.sh").read_text()
    found = re.sub(r"(?<=\$\(command -v python3\)\") .*; do", "; do", text)
    assert found != text
    (tmp_path / "capture.sh").write_text(found)
    return tmp_path


def test_the_launcher_finds_a_python_and_remembers_it(no_python: Path):
    launch(json.dumps(event(n=1)).encode())
    python = (home() / "python").read_text().strip()
    assert "shim" not in python
    assert os.access(python, os.X_OK)
    launch(json.dumps(event(n=2)).encode(), PATH=str(no_python / "tools"))
    (home() / "python").write_text("/gone/python3\n")
    launch(json.dumps(event(n=3)).encode())
    assert (home() / "python").read_text().strip() == python
    assert [line["event"]["n"] for line in kept()] == [1, 2, 3]


def test_a_shim_is_asked_once(tmp_path: Path):
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\necho asked >>{tmp_path}/asked\nexec "{PYTHON}" "$@"\n')
    shim.chmod(0o755)
    for n in range(3):
        launch(json.dumps(event(n=n)).encode(), PATH=f"{tmp_path}:/usr/bin:/bin")
    assert (tmp_path / "asked").read_text() == "asked\n"
    assert len(kept()) == 3


def test_without_any_python_events_wait_one_by_one(no_python: Path):
    said = [json.dumps(event(n=n)).encode() for n in range(5)]
    for raw in said:
        launch(raw, no_python / "capture.sh", PATH=str(no_python / "tools"))
    loose = sorted((spool() / "loose").iterdir())
    assert sorted(path.read_bytes() for path in loose) == said
    assert {path.stat().st_mode & 0o777 for path in loose} == {0o600}
    assert {path.suffix for path in loose} == {".json"}
    from bashgym.capture import spool as folded

    assert folded.fold() == 5
    assert sorted(line["event"]["n"] for line in kept()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("rule", ["paused", "exclude", "forgotten", "ignored", "ignored above"])
def test_without_any_python_every_rule_keeps_out(no_python: Path, rule: str):
    project = no_python / "project" / "deep"
    project.mkdir(parents=True)
    if rule.startswith("ignored"):
        (project.parent if rule == "ignored above" else project).joinpath(".bashgymignore").touch()
    else:
        (home() / rule).write_text("something\n")
    place = str(no_python / "tools")
    launch(json.dumps(event()).encode(), no_python / "capture.sh", PATH=place, CLAUDE_PROJECT_DIR=str(project))
    assert not spool().exists()


@pytest.mark.parametrize("where", ["user", "project", "local"])
def test_the_plugin_is_still_where_the_settings_have_the_hooks(tmp_path: Path, where: str):
    """Else each event would be kept twice."""
    file = {
        "user": tmp_path / "config" / "settings.json",
        "project": tmp_path / ".claude" / "settings.json",
        "local": tmp_path / ".claude" / "settings.local.json",
    }[where]
    file.parent.mkdir(parents=True)
    file.write_text('{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x /home/hooks/capture.py"}]}]}}')
    env = {"CLAUDE_CONFIG_DIR": str(tmp_path / "config"), "CLAUDE_PROJECT_DIR": str(tmp_path)}
    launch(json.dumps(event(text="x" * 200_000)).encode(), **env)
    assert not spool().exists()
    file.unlink()
    launch(json.dumps(event()).encode(), **env)
    assert len(kept()) == 1


def test_a_plugin_that_is_gone_fails_nobody(tmp_path: Path):
    """sh and python answer a missing file with 2, which would block the tool call."""
    hooks = json.loads((HOOKS / "hooks.json").read_bytes())["hooks"]
    (hook,) = hooks["PreToolUse"][0]["hooks"]
    env = environment(CLAUDE_PLUGIN_ROOT=str(tmp_path / "gone"))
    done = subprocess.run(hook["command"], shell=True, input=b"{}", env=env, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_hook_imports_next_to_nothing():
    """On the way that every event takes; `json` and `re` would double its time."""
    code = f"import sys; was = set(sys.modules); sys.argv = ['']; exec(open({str(HOOKS / 'capture.py')!r}).read())"
    code = code.replace("exec(", "exec(compile(").replace(".read())", ".read(), 'hook', 'exec'), {'__name__': 'hook'})")
    code += "; print(*set(sys.modules) - was)"
    done = subprocess.run([PYTHON, "-I", "-S", "-c", code], capture_output=True, check=True)
    started = {"_stat", "stat", "_collections_abc"}  # what `import os` brings where the start of Python did not
    assert set(done.stdout.decode().split()) <= {"fcntl", "time", "os", "os.path", "posixpath", "genericpath"} | started
