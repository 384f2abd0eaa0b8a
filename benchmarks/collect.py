"""`bashgym collect` over a history as large as people have: the first time, and again with nothing changed.

python benchmarks/collect.py [--files N] [--mb SIZE] [--folder PATH]    needs N x SIZE of disk for a while"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPEATS = 7
# counts what is opened below the folder of sessions, as the interpreter itself tells it
WATCHED = """
import os, sys
opened = []
place = os.environ["WATCHED"]
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" and place in str(args[0]) else None)
from bashgym.cli import main
code = main(["collect", "--json"])
print(len(opened), file=sys.stderr)
sys.exit(code)
"""


def line(session: str, number: int, role: str, content: object, **more: object) -> bytes:
    minute, second = divmod(number, 60)
    value = {
        "parentUuid": None,
        "isSidechain": False,
        "type": role,
        "sessionId": session,
        "uuid": f"{session[:8]}-{number}",
        "timestamp": f"2026-{1 + int(session[:2], 16) % 11:02}-11T10:{minute % 60:02}:{second:02}.000Z",
        "version": "2.1.329",
        "cwd": f"/home/someone/work/project-{int(session[2:4], 16) % 40}",
        "message": {"role": role, "content": content, **more},
    }
    return json.dumps(value).encode() + b"\n"


def session(size: int, name: str, words: list[str], chance: random.Random) -> bytes:
    """About `size` bytes of a session: prompts, replies with a call, results of some kilobytes of text."""
    parts = [line(name, 0, "user", "please look through the code and mend what is broken")]
    total, number = len(parts[0]), 0
    while total < size:
        number += 1
        call = f"toolu_{name[:8]}_{number}"
        usage = {"input_tokens": 3, "output_tokens": 200, "cache_read_input_tokens": 9000 + 90 * number}
        blocks = [
            {"type": "text", "text": " ".join(chance.choices(words, k=60))},
            {
                "type": "tool_use",
                "id": call,
                "name": "Bash",
                "input": {"command": f"grep -rn {chance.choice(words)} ."},
            },
        ]
        made = {"model": "claude-opus-5-5", "id": f"msg_{name}_{number}", "stop_reason": "tool_use", "usage": usage}
        text = " ".join(chance.choices(words, k=chance.randrange(100, 3000)))
        result = [{"type": "tool_result", "tool_use_id": call, "content": text, "is_error": number % 17 == 0}]
        parts += [line(name, 2 * number - 1, "assistant", blocks, **made), line(name, 2 * number, "user", result)]
        total += len(parts[-1]) + len(parts[-2])
    return b"".join(parts)


def history(folder: Path, files: int, size: int) -> int:
    """`files` sessions under `folder`, of `size` bytes each; bytes written."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz_", k=chance.randrange(2, 11))) for _ in range(4000)]
    pattern = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(min(files, 20))]
    bodies = [session(size, name, words, chance) for name in pattern]
    written = 0
    for number in range(files):
        name = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        content = bodies[number % len(bodies)].replace(pattern[number % len(bodies)].encode(), name.encode())
        path = folder / f"-home-someone-work-project-{number % 40}" / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written += len(content)
    return written


def measured(env: dict[str, str]) -> tuple[float, dict[str, object]]:
    """(seconds, what it said) of one `bashgym collect --json` in a process of its own."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "bashgym", "collect", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return time.perf_counter() - started, json.loads(done.stdout)


def opened(env: dict[str, str]) -> int:
    """Session files that a run opens; asking costs time, so that run is not measured."""
    done = subprocess.run([sys.executable, "-c", WATCHED], env=env, capture_output=True, text=True, check=True)
    return int(done.stderr.split()[-1])


def main() -> None:
    took = argparse.ArgumentParser(description=__doc__)
    took.add_argument("--files", type=int, default=2000)
    took.add_argument("--mb", type=float, default=1.0)
    took.add_argument("--folder", help="where to write the sessions (default: the temporary folder)")
    options = took.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bashgym-collect-", dir=options.folder))
    try:
        size = history(folder / "claude" / "projects", options.files, int(options.mb * 1e6))
        names = {"CLAUDE_CONFIG_DIR": "claude", "BASHGYM_HOME": "home", "HOME": "user", "WATCHED": "claude/projects"}
        env = {**os.environ, **{name: f"{folder}/{place}" for name, place in names.items()}, "PYTHONPATH": str(ROOT)}
        time.sleep(2.5)  # a file that changed a moment ago is not trusted, as it should be
        print(f"{options.files} sessions, {size / 1e6:,.0f} MB; {len(os.sched_getaffinity(0))} cores")
        seconds, told = measured(env)
        print(f"first time    {seconds:6.2f} s  ({size / 1e6 / seconds:.0f} MB/s; {told['replies']:,} replies)")
        runs = [measured(env) for _ in range(REPEATS)]
        same = all({**one, "seconds": 0, "opened": 0} == {**told, "seconds": 0, "opened": 0} for _, one in runs)
        times = [seconds for seconds, _ in runs]
        print(f"unchanged     {statistics.median(times):6.2f} s  (median of {REPEATS}, worst {max(times):.2f})")
        print(f"session files opened: {opened(env)}; the same figures: {same}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
