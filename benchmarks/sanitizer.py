"""What sanitizing costs and finds: speed, hostile strings, recall; beside the bare engine and other tools.

python benchmarks/sanitizer.py [--exam FOLDER] [--samples FOLDER] [--megabytes N] [--seed N] [--hostile] [--all] ...

Text comes from the exam's make_corpus.py where it lies beside this checkout, else from what tests/sanitizer makes.
Times are CPU time of one core, the best of some runs, taken in turn with the engine alone, so that a busy machine hits
both: ratios are what to look at. Peers are measured where they can be imported."""

import argparse
import gzip
import importlib.util
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import orjson  # noqa: E402
from hostile import hostile, token  # noqa: E402
from peers import peers  # noqa: E402

from bashgym import scan  # noqa: E402
from bashgym.registry import load  # noqa: E402
from bashgym.scanning.walk import Unit, walk  # noqa: E402

KEY = bytes(range(32))
RULES = ROOT / "conf" / "sanitizer" / "rules"
NAMES = ("secrets", "pii", "identity")
Session = list[Any]


def sanitizers() -> list[tuple[str, Any]]:
    plugins = {name: load("sanitizer", name) for name in NAMES}
    return [(name, plugin(plugin.Config())) for name, plugin in plugins.items()]


def engine() -> Callable[[bytes], int]:
    """Kingfisher alone: its own rules and all of ours, as it comes; how many matches there are."""
    import kingfisher_sdk

    files = [RULES / f"{name}.yaml" for name in (*NAMES, "providers")]
    rules = kingfisher_sdk.Rules(files, builtins=True, confidence="low", cache_dir=os.environ["BASHGYM_HOME"])
    scanner = kingfisher_sdk.Scanner(rules, base64=True)
    return lambda data: len(scanner.scan(data))


def cpu(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def best(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """The least CPU seconds of each, in turn."""
    times = {name: [cpu(call) for _ in range(1)] for name, call in calls.items()}
    for _ in range(runs - 1):
        for name, call in calls.items():
            times[name].append(cpu(call))
    return {name: min(taken) for name, taken in times.items()}


def sessions(file: Path) -> tuple[list[bytes], list[Session]]:
    """The lines of a file, and its records by session."""
    lines = file.read_bytes().splitlines()
    found: dict[str, Session] = {}
    for line in lines:
        value = orjson.loads(line)
        found.setdefault(value.get("sessionId", file.name), []).append(value)
    return lines, list(found.values())


def made_text(folder: Path, kind: str, size: int) -> Path:
    """A file of sessions where the exam is not at hand: texts that the tests make, with secrets in them or not."""
    spec = importlib.util.spec_from_file_location("collateral", ROOT / "tests" / "sanitizer" / "collateral.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    source = random.Random(1)
    lines = []
    for name in module.KINDS:
        for number, text in enumerate(module.texts(name, size // len(module.KINDS))):
            extra = f"\nAPI_TOKEN={token(source, 40)}\nmail ana{number}@kestrel.systems" if kind == "planted" else ""
            lines.append(orjson.dumps({"sessionId": name, "cwd": "/home/dwhitfield/app", "content": text + extra}))
    (folder / f"{kind}.jsonl").write_bytes(b"\n".join(lines))
    return folder / f"{kind}.jsonl"


def whole(lines: list[bytes], mine: list[tuple[str, Any]]) -> list[bytes]:
    """JSON in, JSON out, session by session."""
    found: dict[str, Session] = {}
    for line in lines:
        value = orjson.loads(line)
        found.setdefault(value.get("sessionId", ""), []).append(value)
    out = []
    for session in found.values():
        out += [orjson.dumps(value) for value in scan.sanitize(session, mine, KEY, "s").value]
    return out


def unmemoized(groups: Iterable[Session], mine: list[tuple[str, Any]]) -> None:
    """Every string of its own, as if none were repeated."""
    for session in groups:
        scan.sanitize([apart(value, str(number)) for number, value in enumerate(session)], mine, KEY, "s")


def apart(value: Any, mark: str) -> Any:
    """A record whose long strings end with a number, so that no two are equal."""
    if isinstance(value, str):
        return f"{value} {mark}" if len(value) > 40 else value
    if isinstance(value, dict):
        return {key: apart(item, f"{mark}.{at}") for at, (key, item) in enumerate(value.items())}
    return [apart(item, f"{mark}.{at}") for at, item in enumerate(value)] if isinstance(value, list) else value


def batches(groups: Iterable[Session]) -> list[bytes]:
    """What the engine alone is given: the distinct strings, 64 KB at a time."""
    units = dict.fromkeys(unit.text for group in groups for unit in walk(group).units)
    return [
        "\n".join(unit.text for unit in batch).encode() for batch in scan.batches([Unit("", text) for text in units])
    ]


def speed(files: dict[str, Path], runs: int) -> None:
    mine, alone = sanitizers(), engine()
    print("\n| text | MB | full pipeline MB/s | without the memo | engine alone MB/s |\n|---|---|---|---|---|")
    for name, file in files.items():
        lines, groups = sessions(file)
        size = sum(map(len, lines)) / 1e6
        plain = batches(groups)
        calls: dict[str, Callable[[], object]] = {
            "pipeline": lambda lines=lines: whole(lines, mine),
            "apart": lambda groups=groups: unmemoized(groups, mine),
            "engine": lambda plain=plain: [alone(data) for data in plain],
        }
        took = best(calls, runs)
        rates = " | ".join(f"{size / took[each]:.1f}" for each in ("pipeline", "apart", "engine"))
        print(f"| {name} | {size:.1f} | {rates} |")


def worker(file: str, barrier: Any, results: Any, runs: int) -> None:
    lines, _ = sessions(Path(file))
    mine = sanitizers()
    whole(lines, mine)
    barrier.wait()
    started = time.perf_counter()
    for _ in range(runs):
        whole(lines, mine)
    results.put(time.perf_counter() - started)


def workers(file: Path, runs: int) -> None:
    """Wall time of one worker and of two, each with the whole file."""
    context = multiprocessing.get_context("spawn")
    took = {}
    for count in (1, 2):
        barrier, results = context.Barrier(count), context.Queue()
        processes = [context.Process(target=worker, args=(str(file), barrier, results, runs)) for _ in range(count)]
        for process in processes:
            process.start()
        took[count] = max(results.get() for _ in processes)
        for process in processes:
            process.join()
    print(f"\ntwo workers do {2 * took[1] / took[2]:.2f} x what one does (wall time, {os.cpu_count()} cores)")


def hostilities(size: int, runs: int) -> None:
    """Each of them against the engine alone, and ten times as long."""
    mine, alone = sanitizers(), engine()
    print(f"\n| {size // 1000} KB of | ours ms | engine alone ms | ratio | ten times as long |\n|---|---|---|---|---|")
    longer, texts = hostile(10 * size), [hostile(size, 2 + run) for run in range(runs)]
    for name in longer:
        ours, bare = iter(texts), iter(texts)  # never the same twice: neither length is remembered
        took = best(
            {
                "ours": lambda name=name, ours=ours: scan.sanitize({"text": next(ours)[name]}, mine, KEY, "s"),
                "engine": lambda name=name, bare=bare: alone(next(bare)[name].encode()),
            },
            runs,
        )
        long = cpu(lambda name=name: scan.sanitize({"text": longer[name]}, mine, KEY, "s"))
        ratio = took["ours"] / took["engine"]
        mine_ms, bare_ms = took["ours"] * 1e3, took["engine"] * 1e3
        print(f"| {name} | {mine_ms:.0f} | {bare_ms:.0f} | {ratio:.1f} | {long / took['ours']:.1f} x |")


def recall(exam: Path) -> None:
    mine = sanitizers()
    plugin = load("sanitizer", "secrets")
    blind = [("secrets", plugin(plugin.Config(providers=False))), *mine[1:]]
    for title, chosen in (("all rules", mine), ("without rules that know a provider", blind)):
        print(f"\n{title}:")
        for name in ("secrets", "pii", "hardneg"):
            cases = exam / f"{name}.dev.jsonl.gz"
            with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as out:
                for case in map(json.loads, gzip.decompress(cases.read_bytes()).splitlines()):
                    clean = scan.sanitize(case["text"], chosen, KEY, "s").value
                    out.write(json.dumps({"id": case["id"], "text": clean}) + "\n")
                out.flush()
                told = subprocess.run(
                    [sys.executable, exam / "score.py", "cases", cases, out.name], capture_output=True, text=True
                )
                print("\n".join(f"  {line}" for line in told.stdout.splitlines() if line))


def compared(file: Path) -> None:
    """Peers on the distinct strings of a part of the file, as much as they do in some seconds."""
    _, groups = sessions(file)
    texts = list(dict.fromkeys(unit.text for group in groups for unit in walk(group).units))
    print("\n| tool | MB/s of distinct strings |\n|---|---|")
    mine = sanitizers()
    took = cpu(lambda: scan.sanitize(texts, mine, KEY, "s"))
    print(f"| bashgym | {sum(len(text.encode()) for text in texts) / 1e6 / took:.2f} |")
    for name, call in peers():
        done, spent = 0, 0.0
        for text in texts:
            spent += cpu(lambda text=text, call=call: call(text))
            done += len(text.encode())
            if spent > 5:
                break
        print(f"| {name} | {done / 1e6 / spent:.2f} |")


def corpora(exam: Path, folder: Path, seed: int, megabytes: float) -> dict[str, Path]:
    if exam.is_dir():
        command = [sys.executable, str(exam / "make_corpus.py"), str(seed), str(folder), str(megabytes)]
        subprocess.run(command, check=True, capture_output=True)
        return {"clean (exam)": folder / "clean.jsonl", "dense (exam)": folder / "planted.jsonl"}
    size = int(megabytes * 1e6)
    return {"clean (made)": made_text(folder, "clean", size), "dense (made)": made_text(folder, "planted", size)}


def real(samples: Path, megabytes: float) -> list[Path]:
    """Real sessions, the largest first, up to so many megabytes."""
    files = sorted(samples.rglob("*.jsonl"), key=lambda file: -file.stat().st_size) if samples.is_dir() else []
    chosen, size = [], 0.0
    for file in files:
        size += file.stat().st_size / 1e6
        if size > megabytes and chosen:
            break
        chosen.append(file)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exam", type=Path, default=ROOT.parent / "shared" / "exam")
    parser.add_argument("--samples", type=Path, default=ROOT.parent / "shared" / "samples")
    parser.add_argument("--megabytes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hostile", action="store_true", help="strings that break sanitizers")
    parser.add_argument("--recall", action="store_true", help="the exam's development cases")
    parser.add_argument("--peers", action="store_true", help="other tools, where they are installed")
    parser.add_argument("--all", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["BASHGYM_HOME"] = f"{home}/data"
        Path(home, "data").mkdir()
        files = corpora(chosen.exam, Path(home), chosen.seed, chosen.megabytes)
        dense = list(files.values())[1]
        if found := real(chosen.samples, chosen.megabytes):
            together = Path(home, "real.jsonl")
            together.write_bytes(b"\n".join(line for file in found for line in lines_of(file)))
            files[f"real sessions ({len(found)} files)"] = together
        speed(files, chosen.runs)
        workers(dense, chosen.runs)
        if chosen.hostile or chosen.all:
            hostilities(200_000, 2)
        if (chosen.recall or chosen.all) and chosen.exam.is_dir():
            recall(chosen.exam)
        if chosen.peers or chosen.all:
            compared(dense)


def lines_of(file: Path) -> Iterator[bytes]:
    """Lines that are objects; others are no business of this benchmark."""
    for line in file.read_bytes().splitlines():
        try:
            if isinstance(orjson.loads(line), dict):
                yield line
        except orjson.JSONDecodeError:
            continue


if __name__ == "__main__":
    main()
