"""The stdio proxy with a real client and a real server, each a process: bytes, frames, signals, exit codes."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bashgym import registry
from bashgym.capture import mcp_proxy
from bashgym.errors import BashGymError

ROOT = Path(__file__).resolve().parents[2]
SERVER = [sys.executable, str(Path(__file__).parent / "mcp_server.py")]
CALLS = [
    {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"clientInfo": {"name": "test", "version": "7"}}},
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": "list", "method": "tools/list"},
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "echo", "arguments": {"text": "h\u00e9 \u2028"}},
    },
    {"jsonrpc": "2.0", "id": "1", "method": "tools/call", "params": {"name": "fail", "arguments": {}}},
    {"jsonrpc": "2.0", "id": 2, "method": "nonsense"},
]
ASKED = b"".join(json.dumps(call, ensure_ascii=False).encode() + b"\n" for call in CALLS)


def started(*command: str, own: tuple[str, ...] = (), **options):
    env = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    words = [sys.executable, "-m", "bashgym", "capture", "mcp", *own, "--", *command]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(words, env=env, **{**pipes, **options})


def logs(home: Path) -> list[Path]:
    return sorted((home / "spool" / "mcp").glob("*.jsonl"))


def lines(home: Path) -> list[dict]:
    (log,) = logs(home)
    return [json.loads(line) for line in log.read_bytes().splitlines()]


def said(home: Path, direction: str) -> list:
    return [line["message"] for line in lines(home) if line["direction"] == direction]


def alone(*arguments: str) -> bytes:
    """What the server answers without a proxy."""
    return subprocess.run([*SERVER, *arguments], input=ASKED, capture_output=True, timeout=60).stdout


def test_a_session_passes_unchanged_and_is_kept(own_home):
    client = started(*SERVER, own=("--name", "my server/1"), cwd=ROOT)
    out, err = client.communicate(ASKED, timeout=60)
    assert (client.returncode, out, err) == (0, alone(), b"")
    (log,) = logs(own_home)
    assert log.name.startswith("my_server_1-") and log.stat().st_mode & 0o777 == 0o600
    assert log.parent.stat().st_mode & 0o777 == 0o700
    first, *_, last = lines(own_home)
    assert (first["server"], first["cwd"], last["exit_code"], last["lost"]) == ("my_server_1", str(ROOT), 0, 0)
    assert said(own_home, "client") == CALLS
    assert [json.dumps(one).encode() for one in said(own_home, "server")] == alone().splitlines()
    assert all(line["ts"].endswith("Z") and len(line["ts"]) == 24 for line in lines(own_home))


def test_what_was_kept_is_a_trace(own_home):
    client = started(*SERVER, cwd=ROOT)
    client.communicate(ASKED, timeout=60)
    cls = registry.load("source", "mcp")
    plugin = cls(cls.Config())
    (ref,) = plugin.list()
    (trace,) = plugin.read(ref)
    assert [call.arguments for step in trace.steps for call in step.tool_calls] == [{"text": "h\u00e9 \u2028"}, {}]
    assert [result.extra.bashgym.is_error for step in trace.steps for result in step.observation.results] == [
        False,
        True,
    ]
    assert (trace.agent.name, trace.agent.version, trace.info.source.captured_by) == ("test", "7", "proxy")
    assert trace.info.project.cwd == str(ROOT)
    assert {tool["function"]["name"] for tool in trace.agent.tool_definitions} == {"echo", "fail"}
    assert all(step.tool_calls[0].extra.bashgym.duration_ms is not None for step in trace.steps)
    held = sum(file.lines for file in trace.info.source.files)
    assert held == len(lines(own_home))


def test_frames_split_at_every_byte(own_home):
    """The client sends a byte at a time, the server answers a byte at a time."""
    client = started(*SERVER, "slowly")
    for n in range(len(ASKED)):
        os.write(client.stdin.fileno(), ASKED[n : n + 1])
    out, _ = client.communicate(timeout=60)
    assert out == alone()
    assert said(own_home, "client") == CALLS
    assert len(said(own_home, "server")) == 5


def test_an_answer_comes_before_the_next_question(own_home):
    """Nothing waits for a buffer to fill: a line that the server did not end is there at once."""
    client = started(
        sys.executable, "-u", "-c", "import os; os.write(1, b'no newline'); os.read(0, 1); os.write(1, b'!')"
    )
    assert os.read(client.stdout.fileno(), 100) == b"no newline"
    os.write(client.stdin.fileno(), b"x")
    assert os.read(client.stdout.fileno(), 100) == b"!"
    client.communicate(timeout=60)
    raw = [(line["direction"], line["raw"], line["unfinished"]) for line in lines(own_home) if "raw" in line]
    assert sorted(raw) == [("client", "x", True), ("server", "no newline!", True)]


def test_megabytes_both_ways_and_bytes_that_are_no_json(own_home):
    data = random.Random(1).randbytes(8 << 20)
    client = started("cat")
    out, _ = client.communicate(data, timeout=120)
    assert out == data
    assert client.returncode == 0
    *_, last = lines(own_home)
    assert last["exit_code"] == 0


def test_a_client_that_reads_late_still_gets_everything():
    """The server has long ended when its last words are read."""
    client = started(sys.executable, "-c", "import os; os.write(1, b'x' * 500_000)", stdin=subprocess.DEVNULL)
    time.sleep(3)
    assert len(client.stdout.read()) == 500_000
    assert client.wait(30) == 0


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_the_exit_code_is_the_servers(own_home, code):
    client = started("sh", "-c", f"echo oops >&2; exit {code}")
    _, err = client.communicate(timeout=60)
    assert (client.returncode, err) == (code, b"oops\n")
    assert lines(own_home)[-1]["exit_code"] == code


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_reach_the_server_which_decides(own_home, name):
    number = getattr(signal, name)
    client = started(*SERVER, "signals")
    assert client.stdout.readline() == b"ready\n"
    client.send_signal(number)
    assert client.wait(30) == 40 + number
    assert client.stderr.read() == f"got {name}\n".encode()
    client.communicate()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV"])
def test_a_server_that_a_signal_ended_is_128_and_the_signal(own_home, name):
    client = started("sh", "-c", f"kill -{name[3:]} $$")
    client.communicate(timeout=60)
    assert client.returncode == 128 + getattr(signal, name)
    client = started(*SERVER, "die")
    assert client.stdout.readline() == b"ready\n"
    client.terminate()
    assert client.wait(30) == 128 + signal.SIGTERM
    client.communicate()


def test_when_the_client_goes_the_server_sees_the_end_of_its_input():
    client = started("sh", "-c", "cat > /dev/null; exit 7")
    client.stdin.close()
    assert client.wait(30) == 7
    client.stdout.close()
    client.stderr.close()


def test_when_the_server_stops_listening_the_client_is_told():
    client = started("sh", "-c", "exec 0<&-; sleep 3; exit 3")
    with pytest.raises(BrokenPipeError):
        for _ in range(200):
            os.write(client.stdin.fileno(), b"x\n")
            time.sleep(0.02)
    assert client.wait(30) == 3


def test_a_grandchild_that_keeps_the_output_does_not_keep_the_proxy():
    began = time.monotonic()
    client = started("sh", "-c", "sleep 30 & echo hello; exit 5", stderr=subprocess.DEVNULL)
    assert client.wait(20) == 5
    assert client.stdout.readline() == b"hello\n"
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(("command", "code"), [("no-such-server", 127), (str(Path(__file__)), 126)])
def test_a_command_that_cannot_run(own_home, command, code):
    client = started(command)
    _, err = client.communicate(timeout=60)
    assert client.returncode == code
    assert err.decode().startswith(f"bashgym: capture mcp: {command}: ")
    assert not logs(own_home)


def test_a_read_only_home_a_full_disk_and_a_broken_rule_do_not_stop_it(own_home, tmp_path, monkeypatch):
    (own_home / "spool").write_text("a file where a folder should be")
    client = started(*SERVER)
    assert client.communicate(ASKED, timeout=60) == (alone(), b"")
    (own_home / "spool").unlink()
    (own_home / "exclude").write_text("///not a rule\0\n")
    client = started(*SERVER)
    assert client.communicate(ASKED, timeout=60) == (alone(), b"")
    assert not (own_home / "spool").exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "file" / "home"))
    client = started(*SERVER)
    assert client.communicate(ASKED, timeout=60) == (alone(), b"")


def test_a_disk_that_is_full(own_home):
    """A file size limit of 1 KB stands in for it; what was not kept is no part of what passes."""
    limited = f"ulimit -f 1; trap '' XFSZ; exec {sys.executable} -m bashgym capture mcp -- {' '.join(SERVER)}"
    asked = ASKED * 30
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-c", limited], input=asked, capture_output=True, timeout=60, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == subprocess.run(SERVER, input=asked, capture_output=True, timeout=60).stdout
    (log,) = logs(own_home)
    assert 0 < log.stat().st_size <= 1024


def test_a_disk_that_hangs(own_home):
    """A pipe that nobody reads stands in for it: traffic goes on, what does not fit is lost and counted."""
    log = mcp_proxy.Log("x", "/")
    reading, log.descriptor = os.pipe()
    log.start()
    began = time.monotonic()
    line = json.dumps({"jsonrpc": "2.0", "method": "x", "params": "y" * 3_000}).encode() + b"\n"
    for n in range(4000):
        log.keep("server", line[: 100 + n % 50])
        log.keep("server", line[100 + n % 50 :])
    assert time.monotonic() - began < 5
    kept = bytearray()
    drain = threading.Thread(
        target=lambda: [kept.extend(block) for block in iter(lambda: os.read(reading, 1 << 16), b"")]
    )
    drain.start()
    log.finish(0)
    os.close(log.descriptor)
    drain.join(30)
    *entries, last = [json.loads(one) for one in bytes(kept).splitlines()]
    assert last["lost"] > 0
    assert all(entry["message"] == json.loads(line) for entry in entries if "message" in entry)
    assert 100 < sum("message" in entry for entry in entries) < 4000
    assert not any("raw" in entry for entry in entries)


def test_nothing_is_kept_while_paused_or_in_an_excluded_folder(own_home, tmp_path):
    (own_home / "paused").touch()
    assert started(*SERVER).communicate(ASKED, timeout=60)[0] == alone()
    (own_home / "paused").unlink()
    (own_home / "exclude").write_text(f"{tmp_path}\n")
    assert started(*SERVER, cwd=tmp_path).communicate(ASKED, timeout=60)[0] == alone()
    assert not logs(own_home)


def test_the_command_line():
    assert mcp_proxy.options(["--", "cat", "--", "-x"]) == (None, ["cat", "--", "-x"])
    assert mcp_proxy.options(["--name=a", "--", "--odd"]) == ("a", ["--odd"])
    assert mcp_proxy.options(["--name", "b", "--", "c"]) == ("b", ["c"])
    assert mcp_proxy.options(["npx", "server", "-y"]) == (None, ["npx", "server", "-y"])
    for wrong in ([], ["--"], ["--nam", "x", "--", "c"], ["-x"]):
        with pytest.raises(BashGymError, match="name the server's command"):
            mcp_proxy.options(wrong)


def test_two_at_once_have_a_log_each(own_home):
    clients = [started(*SERVER) for _ in range(3)]
    for client in clients:
        client.communicate(ASKED, timeout=60)
    assert len(logs(own_home)) == 3
    for log in logs(own_home):
        assert sum(b'"client"' in line for line in log.read_bytes().splitlines()) == len(CALLS)


def test_environment_and_arguments_pass_untouched(own_home):
    script = 'printf "%s|" "$@"; printf "%s" "$CANARY"'
    client = started("sh", "-c", script, "sh", "--name", "a b", "", "--", env={"CANARY": "x\ty"})
    assert client.communicate(timeout=60)[0] == b"--name|a b||--|x\ty"
