"""How fast sessions become a written, gated dataset, stage by stage, beside the reading alone.

python benchmarks/factory.py [--megabytes N] [--samples FOLDER] [--profile FILE] [key=value ...]

No endpoint and no execution: the default judges, sanitizers, curators and format of recipe=quickstart, one worker
(so a figure is one core's), a fresh store. The sessions are real ones where --samples names a folder of them (each is
taken again, with ids of its own, until there are N megabytes), else the example sessions. Seconds are the manifest's:
what each stage's worker took, by its own clock; on a machine with other work, take the ratio to the reading.
--inside: what happens to each session (read, sanitize, judge, synthesize) in this process, in seconds of the processor,
which other work disturbs less; --profile FILE does the same under a profiler and prints where the time goes."""

import argparse
import cProfile
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MB = 1_000_000


def corpus(samples: Path | None, target: Path, wanted: int) -> int:
    """Sessions until there are `wanted` bytes: copies differ by their ids, as other sessions would; bytes written."""
    found = sorted((samples or ROOT / "examples" / "projects").rglob("*.jsonl"))
    originals = [file for file in found if b'"sessionId"' in file.read_bytes()[:20_000]]
    written = number = 0
    while written < wanted:
        original = originals[number % len(originals)]
        text = original.read_text(encoding="utf-8", errors="surrogateescape")
        stem, name = original.stem, f"{number:08x}-{original.stem[-27:]}"
        again = number // len(originals)
        text = text.replace(stem, name)
        for field in ('"msg_', '"uuid":"', '"parentUuid":"', '"requestId":"req_'):
            text = text.replace(field, f"{field}{again:04x}") if again else text
        folder = target / f"-work-{original.parent.name[-30:]}"
        folder.mkdir(parents=True, exist_ok=True)
        data = text.encode("utf-8", "surrogateescape")
        (folder / f"{name}.jsonl").write_bytes(data)
        written += len(data)
        number += 1
    return written


def run(sessions: Path, folder: Path, words: list[str]) -> tuple[dict, float, float]:
    """The manifest, the wall clock's seconds, and the processors'."""
    command = [sys.executable, "-m", "bashgym", "run", "recipe=quickstart", f"source.examples.path={sessions}"]
    command += [f"run_dir={folder / 'run'}", "dataset.classes=[gold,silver,unverified]", "executor.workers=1"]
    command += ["--until", "dataset", "--json", *words]
    seen = {**os.environ, "BASHGYM_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(command, env=seen, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, os.times()
    if done.returncode:
        sys.exit(done.stderr)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(done.stdout), wall, spent


def inside(sessions: Path, words: list[str], profile: cProfile.Profile | None) -> dict[str, float]:
    """Seconds of the processor by stage, every session through the worker's function in this process."""
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory() as home:
        os.environ["BASHGYM_HOME"] = home
        from bashgym import recipe
        from bashgym.manifest import Manifest
        from bashgym.stages import sessions as stage
        from bashgym.stages.context import Run
        from bashgym.stages.worker import SessionTask, process
        from bashgym.store import Store

        made = recipe.load(["recipe=quickstart", f"source.examples.path={sessions}", *words])
        run = Run(made, Path(home), Manifest(Path(home) / "manifest.json"), Store(Path(home) / "store"), None)  # type: ignore[arg-type]
        work = stage.session_work(run)
        tasks = [SessionTask(work=work, label=label, ref=ref) for label, ref in stage.listed(run)[0]]
        process(tasks[0])  # what is compiled once is no session's
        time.perf_counter = time.process_time  # the worker's clock; this is a process of its own
        if profile:
            profile.enable()
        keys = [process(task) for task in tasks[1:]]
        if profile:
            profile.disable()
        seconds: dict[str, float] = {}
        for _, summary in stage.summaries(run.store, keys):
            for name, taken in summary.seconds.items():
                seconds[name] = seconds.get(name, 0.0) + taken
        return seconds


def main() -> None:
    took = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    took.add_argument("--megabytes", type=float, default=20)
    took.add_argument("--samples", type=Path)
    took.add_argument("--profile", type=Path)
    took.add_argument("--inside", action="store_true", help="seconds of the processor, by session's stage")
    took.add_argument("words", nargs="*", metavar="key=value")
    options = took.parse_intermixed_args()
    with tempfile.TemporaryDirectory(prefix="bashgym-factory-") as name:
        folder = Path(name)
        size = corpus(options.samples, folder / "sessions", int(options.megabytes * MB))
        if options.inside or options.profile:
            profile = cProfile.Profile() if options.profile else None
            table(inside(folder / "sessions", options.words, profile), size, "read")
            if profile:
                profile.dump_stats(options.profile)
                pstats.Stats(profile).sort_stats("tottime").print_stats(40)
            return
        manifest, wall, spent = run(folder / "sessions", folder, options.words)
        print(f"{size / MB:.1f} MB, {manifest['sessions']['lines']} lines; wall {wall:.1f} s, processors {spent:.1f} s")
        table({stage["name"]: stage["seconds"] for stage in manifest["stages"]}, size, "source")
        print(f"all of it    {size / MB / wall:.1f} MB/s by the wall clock, {size / MB / spent:.1f} by the processors'")


def table(seconds: dict[str, float], size: int, reading: str) -> None:
    for name, taken in [*seconds.items(), ("together", sum(seconds.values()))]:
        speed = f"{size / MB / taken:8.1f} MB/s" if taken else " " * 13
        print(f"{name:12} {taken:8.2f} s {speed}  {taken / seconds[reading]:6.2f} x {reading}")


if __name__ == "__main__":
    main()
