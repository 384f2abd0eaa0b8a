"""Commands that try to get out of a box, in every box that works on this machine, for real."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bashgym import environment, sandbox
from bashgym.sandbox import Box, Command, Limits, NoBox, Result, probe, system

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/usr/bin/python3"
LIMITS = Limits(seconds=20, cpu_seconds=10, memory_mb=256, processes=32, file_mb=8, disk_mb=64, output_bytes=20_000)
FORK_BOMB = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("up", os.getpid(), flush=True)
        {close}
        time.sleep(600)
    os._exit(0)
os.wait()
time.sleep(0.3)
"""


@pytest.fixture(scope="module", params=sorted(sandbox.BOXES))
def box(request: pytest.FixtureRequest) -> Box:
    """Each box that works here; the probe says why another does not."""
    if not Path(PYTHON).exists():
        pytest.skip(f"needs {PYTHON}")
    try:
        return sandbox.choose(request.param)
    except NoBox as error:
        pytest.skip(f"{'' if request.param == 'docker' else 'needs '}{error}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where everybody may pass, as a box of Landlock needs it; pytest's own folders are root's."""
    made = Path(tempfile.mkdtemp(prefix="bashgym-test-"))
    yield made
    system.remove(made)


def run(box: Box, folder: Path, code: str, **more: object) -> Result:
    """Runs a piece of Python."""
    options = {"limits": LIMITS, **more}
    return box.run(Command((PYTHON, "-I", "-c", code), folder, **options))


def with_limits(**changed: float) -> Limits:
    from dataclasses import replace

    return replace(LIMITS, **changed)


def alive(text: str) -> list[int]:
    """Processes of this machine that have `text` in their arguments."""
    return probe.survivors(text)


def test_a_command_runs_and_its_end_is_told(box: Box, folder: Path):
    result = box.run(Command(("sh", "-c", "cat; echo err >&2; exit 7"), folder, stdin=b"in", limits=LIMITS))
    assert (result.exit_code, result.stdout, result.killed_by, result.cut) == (7, "in", "", False)
    assert "err" in result.stderr


def test_a_folder_within_a_temporary_folder_of_ours_is_reached(box: Box):
    """As tasks and episodes lay it out; nobody but us may enter the outer one."""
    with tempfile.TemporaryDirectory() as outer:
        inner = Path(outer, "work")
        inner.mkdir()
        assert box.run(Command(("/bin/sh", "-c", "echo here > file && cat file"), inner)).stdout == "here\n"


def test_it_writes_in_its_folder_and_nowhere_else(box: Box, folder: Path):
    other = Path(tempfile.mkdtemp(prefix="bashgym-test-"))
    other.chmod(0o777)
    places = ["/", "/usr", "/etc", "/usr/local", "/dev", "/proc/sys/kernel", "/var", "/root", str(other), "/home"]
    code = f"""
import os
open('inside', 'w').write('x')
for place in {places!r}:
    try:
        open(os.path.join(place, 'bashgym-was-here'), 'w')
        print('WROTE', place)
    except OSError: pass
os.symlink({str(other)!r}, 'link')
try: open('link/bashgym-was-here', 'w'); print('WROTE by a link')
except OSError: pass
"""
    result = run(box, folder, code)
    assert (result.exit_code, result.stdout) == (0, ""), result
    assert (folder / "inside").read_text() == "x"
    assert not list(other.iterdir())
    assert not [place for place in places if (Path(place) / "bashgym-was-here").exists()]
    other.rmdir()


def test_it_reads_the_system_and_nothing_of_a_user(box: Box, folder: Path):
    secret = Path(tempfile.mkdtemp(prefix="bashgym-test-")) / "secret"
    secret.parent.chmod(0o755)
    secret.write_text("hunter2")
    homes = [str(path) for path in (Path.home(), ROOT) if path != Path("/")]
    code = f"""
import os
for place in [{str(secret)!r}, '/etc/shadow', '/proc/1/root/etc/shadow', '/proc/1/mem', '/proc/kcore']:
    try: print('READ', place, open(place, 'rb').read(4))
    except OSError: pass
for place in {homes!r}:
    try: print('LISTED', place, [name for name in os.listdir(place) if name.endswith(('.py', '.toml', 'rc'))] or '')
    except OSError: pass
"""
    result = run(box, folder, code)
    assert result.exit_code == 0, result
    assert "READ" not in result.stdout and "[" not in result.stdout
    shutil.rmtree(secret.parent)


def test_it_sees_no_variable_of_ours(box: Box, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not-for-boxes")
    code = """
import os, glob
print(dict(os.environ))
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try: print(open(path, 'rb').read())
    except OSError: pass
"""
    result = run(box, folder, code, environment={"OWN": "1"})
    assert "'OWN': '1'" in result.stdout
    assert "not-for-boxes" not in result.stdout + result.stderr


def test_there_is_no_network(box: Box, folder: Path):
    """Neither this machine nor another one, nor a name; not by UDP, nor by a machine's own channel (vsock)."""
    code = """
import socket
def tried(name, attempt):
    try: attempt(); print('REACHED', name)
    except OSError: pass
tried('tcp', lambda: socket.create_connection(('1.1.1.1', 443), 2))
tried('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53)))
tried('name', lambda: socket.getaddrinfo('example.com', 443))
tried('vsock', lambda: socket.socket(socket.AF_VSOCK).connect((2, 2024)))
tried('raw', lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
tried('docker', lambda: socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock'))
"""
    result = run(box, folder, code)
    assert (result.exit_code, result.stdout) == (0, ""), result


def test_it_cannot_signal_or_see_into_others(box: Box, folder: Path):
    outside = subprocess.Popen(["sleep", "60"])
    code = f"""
import os, ctypes
for pid in ({outside.pid}, {os.getpid()}):
    for number in (0, 15, 9):
        try: os.kill(pid, number); print('SIGNALLED', pid)
        except OSError: pass
    if ctypes.CDLL(None).ptrace(16, pid, 0, 0) == 0: print('TRACED', pid)
"""
    result = run(box, folder, code)
    assert (result.exit_code, result.stdout) == (0, ""), result
    # to everybody it may: that is itself and its own
    run(box, folder, "import os; os.kill(-1, 9)")
    assert outside.poll() is None
    outside.kill()
    outside.wait()


def test_it_gains_no_privilege(box: Box, folder: Path):
    code = """
import os, ctypes
libc = ctypes.CDLL(None, use_errno=True)
for name, call in {
    'setuid': lambda: libc.setuid(0), 'unshare user': lambda: libc.unshare(0x10000000),
    'unshare mount': lambda: libc.unshare(0x20000), 'chroot': lambda: libc.chroot(b'.'),
    'mount': lambda: libc.mount(b'none', b'.', b'tmpfs', 0, None), 'io_uring': lambda: libc.syscall(425, 8, None),
    'keyring': lambda: libc.syscall(250, 0, -3, 0, 0), 'bpf': lambda: libc.syscall(321, 0, 0, 0),
}.items():
    if call() >= 0 and os.getuid() == 0 or call() >= 0 and name != 'setuid': print('GAINED', name)
status = open('/proc/self/status').read() if os.path.exists('/proc/self/status') else ''
print('caps', [line.split()[1] for line in status.splitlines() if line.startswith(('CapPrm', 'CapEff', 'CapAmb'))])
print('uid', os.getuid())
"""
    result = run(box, folder, code)
    assert result.exit_code == 0, result
    assert "GAINED" not in result.stdout
    assert "uid 0\n" not in result.stdout
    caps = result.stdout.split("caps ")[1].split("\n")[0]
    assert not caps.strip("[]").replace("'", "").replace("0", "").replace(", ", ""), caps


def test_a_fork_bomb_ends_with_its_limit(box: Box, folder: Path):
    mark = f"bomb-{os.getpid()}-{box.name}"
    result = run(box, folder, f"# {mark}\n{FORK_BOMB}", limits=with_limits(seconds=1.5))
    assert result.killed_by in ("time", "processes"), result
    assert result.seconds < 15
    assert not alive(mark)


def test_memory_counts_for_the_whole_tree(box: Box, folder: Path):
    """Six processes, each of them within the limit: together they are not."""
    code = """
import os, time
for _ in range(6):
    if os.fork() == 0:
        taken = bytearray(100 << 20)
        for at in range(0, len(taken), 4096): taken[at] = 1
        time.sleep(15)
        os._exit(0)
time.sleep(15)
print('all of it')
"""
    result = run(box, folder, code)
    if box.name == "docker":  # the kernel ends one of them, whichever
        assert result.exit_code == 0
    else:
        assert result.killed_by == "memory", result
        assert result.seconds < 10


def test_one_process_cannot_take_too_much(box: Box, folder: Path):
    result = run(box, folder, "x = bytearray(1 << 30); x[::4096] = b'x' * len(x[::4096]); print('all of it')")
    assert "all of it" not in result.stdout
    assert result.exit_code != 0


def test_files_and_disk_have_limits(box: Box, folder: Path):
    one = run(box, folder, "open('big', 'wb').write(bytes(20 << 20)); print('all of it')")
    assert "all of it" not in one.stdout and (folder / "big").stat().st_size <= 8 << 20
    many = "for n in range(60):\n    open(f'f{n}', 'wb').write(bytes(7 << 20)); __import__('time').sleep(0.05)"
    result = run(box, folder, many)
    assert result.killed_by == "disk", result


@pytest.mark.parametrize("close", ["[os.close(n) for n in (0, 1, 2)]", "pass"], ids=["closed", "holding the output"])
def test_a_daemon_does_not_live_on(box: Box, folder: Path, close: str):
    """After setsid and a double fork, also one that keeps our pipe open."""
    mark = f"daemon-{os.getpid()}-{time.monotonic_ns()}"
    began = time.monotonic()
    result = run(box, folder, f"# {mark}\n" + DAEMON.format(close=close))
    assert result.exit_code == 0 and "up" in result.stdout, result
    assert time.monotonic() - began < 10
    assert not alive(mark)


def test_time_is_limited_and_the_whole_tree_ends(box: Box, folder: Path):
    mark = f"slow-{os.getpid()}-{time.monotonic_ns()}"
    code = (
        f"# {mark}\n" + DAEMON.format(close="pass") + "import signal\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(60)"
    )
    result = run(box, folder, code, limits=with_limits(seconds=1.5))
    assert result.killed_by == "time" and result.exit_code > 128
    assert result.seconds < 12
    assert not alive(mark)


def test_processor_time_is_limited(box: Box, folder: Path):
    result = run(box, folder, "while True: pass", limits=with_limits(cpu_seconds=1))
    assert result.killed_by == "cpu", result


def test_output_is_capped_in_its_middle(box: Box, folder: Path):
    code = "print('first'); print('x' * 5_000_000); print('last')"
    result = run(box, folder, code)
    assert result.cut and len(result.stdout) < 21_000
    assert result.stdout.startswith("first") and result.stdout.endswith("last\n")
    assert "bytes left out" in result.stdout


def test_what_is_readable_is_only_readable(box: Box, folder: Path):
    other = Path(tempfile.mkdtemp(prefix="bashgym-test-"))
    other.chmod(0o777)
    (other / "tool.py").write_text("print('tool')")
    code = f"import runpy; runpy.run_path({str(other / 'tool.py')!r})\ntry: open({str(other / 'x')!r}, 'w')\n"
    code += "except OSError: print('only that')"
    result = run(box, folder, code, readable=(other,))
    assert result.stdout.split() == ["tool", "only", "that"], result
    shutil.rmtree(other)


def test_a_folder_can_be_seen_at_another_path(box: Box, folder: Path):
    at = Path("/home/someone/project")
    (folder / "sub").mkdir()
    command = Command(("pwd",), folder, at=at, cwd="sub", limits=LIMITS)
    if box.maps:
        assert box.run(command).stdout == f"{at}/sub\n"
    else:
        with pytest.raises(ValueError, match="cannot show"):
            box.run(command)


def test_a_hostile_tree_is_removed(box: Box, folder: Path, monkeypatch):
    """Deeper than a path is long, and closed: what a command leaves in its temporary folder goes with it."""
    code = """
import os
os.chdir(os.environ['TMPDIR'])
for _ in range(1500):
    os.mkdir('deeper')
    os.chdir('deeper')
os.chmod('.', 0)
print(os.environ['TMPDIR'])
"""
    # not where other boxes are made at the same time
    apart = Path(tempfile.mkdtemp(prefix="bashgym-test-"))
    apart.chmod(0o711)
    monkeypatch.setattr(tempfile, "tempdir", str(apart))
    result = run(box, folder, code)
    assert result.exit_code == 0 and result.stdout.strip(), result
    apart.rmdir()


def test_two_boxes_do_not_reach_each_other(box: Box, folder: Path):
    """At the same time, for each tries to end all it can."""
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from bashgym import sandbox
from bashgym.sandbox import Command, Limits
box = sandbox.BOXES[{box.name!r}]('')
print(box.run(Command(('sleep', '2'), Path({str(folder / "a")!r}), limits=Limits(seconds=10))).exit_code)
"""
    folder.chmod(0o755)
    for name in "ab":
        (folder / name).mkdir()
    other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    time.sleep(0.6)
    run(box, folder / "b", "import os; os.kill(-1, 9)")
    assert other.communicate()[0] == "0\n"


def test_nothing_is_left_when_we_are_killed(box: Box, folder: Path):
    if box.name == "docker":
        pytest.skip("a container lives on until its own limit on time: the daemon knows nothing of us")
    mark = f"orphan-{os.getpid()}-{time.monotonic_ns()}"
    slow = DAEMON.format(close="pass") + f"time.sleep(60)  # {mark}"
    code = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from bashgym import sandbox
from bashgym.sandbox import Command
sandbox.BOXES[{box.name!r}]('').run(Command(({PYTHON!r}, '-c', {slow!r}), Path({str(folder)!r})))
"""
    ours = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 20
    while not [pid for pid in alive(mark) if argument(pid, 0) == PYTHON] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in alive(mark) if argument(pid, 0) == PYTHON]
    ours.send_signal(signal.SIGKILL)
    ours.wait()
    while alive(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(mark)


def argument(pid: int, number: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[number]
    except (FileNotFoundError, ProcessLookupError):
        return ""


class Plain:
    """No box at all: runs the command as it is."""

    name, maps = "plain", False

    def lacking(self) -> str:
        return ""

    def run(self, command: Command) -> Result:
        began = time.monotonic()
        process = subprocess.Popen(command.argv, cwd=command.folder, stdout=subprocess.PIPE, text=True)
        out = process.communicate(timeout=60)[0] if command.argv[0] != "sleep" else ""
        process.poll() is None and process.kill()
        return Result(process.wait(), out, "", False, time.monotonic() - began)


def test_the_probe_sees_that_no_box_is_none():
    """Each promise that a box breaks is named, so that none is tested in vain."""
    said = probe.probe(Plain())
    for words in (
        "write outside", "read outside", "to connect", "a socket file", "signal outside", "limit on memory",
        "limit on processes", "shows variables", "a file outside was written", "process outside was ended", "lives on",
    ):  # fmt: skip
        assert words in said, said
    if os.geteuid() == 0:
        Path("/bashgym-probe").unlink()
        Path("/usr/bashgym-probe").unlink()


def test_without_any_box_nothing_runs_and_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("bashgym.sandbox.landlock.version", lambda: 0)
    sandbox.tried.cache_clear()
    try:
        with pytest.raises(NoBox, match=r"apt install bubblewrap.*docker: .*landlock: .*Linux 6\.2"):
            sandbox.choose()
    finally:
        sandbox.tried.cache_clear()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_boxes_hold_for_a_user_who_is_not_root():
    """From a run's folder, where the room stands alone; every box that root can have here must be there too."""
    if not Path(PYTHON).exists():
        pytest.skip(f"needs {PYTHON}")
    folder = Path(tempfile.mkdtemp(prefix="bashgym-test-"))
    there = environment.place(folder)
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    code = "import json; from bashgym import sandbox; print(json.dumps({n: sandbox.tried(n) for n in sandbox.BOXES}))"
    user = ["setpriv", "--reuid", "1500", "--regid", "1500", "--clear-groups"]
    seen = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(there)}
    told = subprocess.run([*user, PYTHON, "-B", "-c", code], env=seen, cwd="/", capture_output=True, text=True)
    shutil.rmtree(folder)
    answers = json.loads(told.stdout)
    for name in ("bubblewrap", "landlock"):
        if not sandbox.tried(name):
            assert answers[name] == "", answers
