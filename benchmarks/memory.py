"""Whether memory grows with the number of sessions: peak of the whole process tree over a data run of N and 10 N.

python benchmarks/memory.py [--sessions N]     copies of the example sessions with ids of their own"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def copies(target: Path, wanted: int) -> int:
    """`wanted` sessions out of the examples: each copy has its own ids, as another session would; bytes written."""
    originals = sorted((ROOT / "examples" / "projects").glob("*/*.jsonl"))
    written = 0
    for number in range(wanted):
        original = originals[number % len(originals)]
        name = f"{number:08x}{original.stem[8:]}"
        text = original.read_text(errors="surrogateescape").replace(original.stem, name)
        text = text.replace('"msg_', f'"msg_{number:06x}').replace('"uuid":"', f'"uuid":"{number:06x}')
        text = text.replace('"parentUuid":"', f'"parentUuid":"{number:06x}')
        folder = target / original.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jsonl").write_text(text, errors="surrogateescape")
        written += len(text)
    return written


def tree_bytes(root: int) -> int:
    """Proportional memory (PSS) of a process and all below it: shared pages count once."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
        except (OSError, IndexError):
            continue
    todo, total = [root], 0
    while todo:
        pid = todo.pop()
        todo += children.get(pid, [])
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in rollup.split("\n") if line.startswith("Pss:")), 0)
    return total


def peak(sessions: int) -> tuple[int, int, float]:
    """(peak bytes, bytes of sessions, seconds) of one data run."""
    with tempfile.TemporaryDirectory() as folder:
        size = copies(Path(folder) / "projects", sessions)
        env = {**os.environ, "BASHGYM_HOME": f"{folder}/home", "PYTHONPATH": str(ROOT)}
        words = ["run", "recipe=quickstart", f"source.examples.path={folder}/projects", "--until", "dataset"]
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "bashgym", *words], env=env, cwd=folder, stdout=subprocess.DEVNULL
        )
        highest = 0

        def watch() -> None:
            nonlocal highest
            while process.poll() is None:
                highest = max(highest, tree_bytes(process.pid))
                time.sleep(0.1)

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        watcher.join()
        shutil.rmtree(f"{folder}/projects")
        if code:
            raise SystemExit(f"the run of {sessions} sessions ended with {code}")
        return highest, size, time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200)
    few = parser.parse_args().sessions
    found = {}
    for sessions in (few, 10 * few):
        found[sessions], size, seconds = peak(sessions)
        peaked = found[sessions] / 1e6
        print(f"{sessions:>6} sessions, {size / 1e6:6.1f} MB: peak {peaked:6.0f} MB, {seconds:5.1f} s (measured)")
    print(f"10 x the sessions: {found[10 * few] / found[few]:.2f} x the peak (measured; PSS of the whole tree)")


if __name__ == "__main__":
    main()
