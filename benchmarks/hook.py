"""What the capture hook costs a session: time for an event, and whether parallel events survive.

python benchmarks/hook.py [--runs N] [--python PATH]

Whole processes with the event on stdin, in turn with `python -I -S -c pass`, so that a busy moment hits both; then 8
processes that send 150 events at once into one file, of 12 KB and of 200 KB, and what of them arrived."""

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOOK = str(ROOT / "hooks" / "capture.py")
SESSION = "0b8e6d52-0000-4000-8000-000000000000"
WRITERS, EACH = 8, 150


def event(size: int, name: str = "", cwd: str = "/home/dev/project") -> bytes:
    """A PostToolUse event of `size` bytes, in the folder `cwd`."""
    said = {
        "session_id": SESSION,
        "transcript_path": f"/home/dev/.claude/projects/-home-dev-project/{SESSION}.jsonl",
        "cwd": cwd,
        "permission_mode": "default",
        "hook_event_name": "PostToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "make test", "description": name},
        "tool_response": {"stdout": "", "stderr": "", "interrupted": False, "isImage": False},
        "tool_use_id": "toolu_0123456789",
    }
    line = 'tests/test_run.py::test_naïve "quoted" PASSED\n'
    said["tool_response"]["stdout"] = line * ((size - len(json.dumps(said))) // len(json.dumps(line)[1:-1]))
    return json.dumps(said).encode()


def once(command: list[str], said: bytes, env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, input=said, env=env, check=True)
    return time.perf_counter() - started


def cost(python: str, runs: int, env: dict[str, str]) -> None:
    bare = [python, "-I", "-S"]
    installed = f"{shlex.join([*bare, HOOK])} 2>/dev/null || :"
    cases = {
        "python -I -S -c pass": ([*bare, "-c", "pass"], event(12_000)),
        "the hook, 12 KB": ([*bare, HOOK], event(12_000)),
        "the hook, 200 KB": ([*bare, HOOK], event(200_000)),
        "as installed (sh), 12 KB": (["sh", "-c", installed], event(12_000)),
        "the plugin's launcher, 12 KB": (["sh", str(ROOT / "hooks" / "capture.sh")], event(12_000)),
    }
    ruled = excluding(Path(env["BASHGYM_HOME"], "ruled"))
    cases["with an excluded repository, 12 KB"] = ([*bare, HOOK], event(12_000, cwd=ruled["HOME"]))
    times: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(runs + 1):  # the first round warms up
        for name, (command, said) in cases.items():
            times[name].append(once(command, said, ruled if name.startswith("with") else env))
    floor = statistics.median(times["python -I -S -c pass"][1:])
    for name, taken in times.items():
        median, p90 = statistics.median(taken[1:]), statistics.quantiles(taken[1:], n=10)[-1]
        print(
            f"{name:<36} median {median * 1000:5.1f} ms   p90 {p90 * 1000:5.1f} ms   "
            f"{median / floor:4.2f} x python   (measured, {runs} runs)"
        )


def excluding(home: Path) -> dict[str, str]:
    """The environment of a user who keeps a repository out, and works in another."""
    git = home / "project" / ".git"
    git.mkdir(parents=True)
    Path(git, "config").write_text('[remote "origin"]\n\turl = git@github.com:someone/project.git\n')
    Path(home, "exclude").write_text("/home/dev/private\nsomeone/private\n")
    return {"PATH": os.environ["PATH"], "HOME": str(git.parent), "BASHGYM_HOME": str(home)}


def send(python: str, writer: int, size: int, env: dict[str, str]) -> None:
    for number in range(EACH):
        once([python, "-I", "-S", HOOK], event(size, f"{writer}/{number}"), env)


def parallel(python: str, size: int, home: Path, env: dict[str, str]) -> None:
    spool = home / "spool" / "claude_code" / f"{SESSION}.jsonl"
    spool.unlink(missing_ok=True)
    context = get_context("fork")
    started = time.perf_counter()
    writers = [context.Process(target=send, args=(python, writer, size, env)) for writer in range(WRITERS)]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    seconds = time.perf_counter() - started
    broken, seen = 0, set()
    for raw in spool.read_bytes().split(b"\n")[:-1]:
        try:
            seen.add(json.loads(raw)["event"]["tool_input"]["description"])
        except (ValueError, KeyError):
            broken += 1
    sent = {f"{writer}/{number}" for writer in range(WRITERS) for number in range(EACH)}
    arrived = f"{len(sent - seen)} lost, {broken} broken, {seconds:.1f} s   (measured)"
    print(f"{WRITERS} x {EACH} events of {size // 1000} KB: {arrived}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--python", default=getattr(sys, "_base_executable", sys.executable))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        env = {"PATH": os.environ["PATH"], "HOME": folder, "BASHGYM_HOME": folder}
        Path(folder, "python").write_text(options.python + "\n")
        cost(options.python, options.runs, env)
        for size in (12_000, 200_000):
            parallel(options.python, size, Path(folder), env)


if __name__ == "__main__":
    main()
