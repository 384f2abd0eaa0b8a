"""How fast and how flat session files become traces, beside `orjson.loads` alone in the same run.

python benchmarks/reader.py [--megabytes N] [--single N] [--samples FOLDER] [--dataclaw PYTHON]

The corpus is without images and invented: which lines follow a reply, how many and how large, is taken from 273 real
sessions (2.2 lines a reply, 1.1 results, 1.9 lines of bookkeeping; some 2.6 KB a line), so are the shares of characters
that JSON escapes, and of lines that are not all ASCII (a third of the bytes). Speed: best of --rounds, warm cache, one
core, the processor's time; for orjson only the calls of `loads` are timed, on lines in memory. Memory: the peak of a
fresh process that reads the corpus session by session, and of one that reads a single session of --single MB.
--dataclaw names the python of an environment that has the package of that name, whose parser then reads the same.
A second corpus is words alone, in lines of the size that such lines have in real sessions (1.1 KB): there each line is
a step, and what a line costs, whatever its length, is most of the time."""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bashgym.claude_code import files, session  # noqa: E402
from bashgym.records import SessionRef  # noqa: E402

WORDS = """def return self import value path test assert None True if else for in while with open print error result
config the model reads a file and then writes what it found into another one because tests failed before fix the parser
const function async await export interface string number boolean null undefined type class extends new this "name":
"version": { } [ ] ( ) => == != += // # TODO: 0 1 2 10 404 3.14 src/app/main.py tests/test_parser.py""".split()  # noqa: SIM905
DATACLAW = """
import sys, time
from pathlib import Path
from dataclaw.anonymizer import Anonymizer
from dataclaw.parsers import claude
class Nothing(Anonymizer):
    def text(self, content): return content
    path = text
root = Path(sys.argv[1])
for anonymizer in (Anonymizer(), Nothing()):
    best = None
    folders = [root] if any(root.glob("*.jsonl")) else sorted(root.iterdir())
    for _ in range(int(sys.argv[2])):
        started = time.process_time()
        found = sum(1 for folder in folders
                    for _ in claude.parse_project_sessions(folder.name, anonymizer, True, folder.parent))
        taken = time.process_time() - started
        best = min(best or taken, taken)
    print(best, found)
"""


class Writer:
    """Invented sessions, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.text = "".join(self.random.choice(WORDS) + self.space() for _ in range(200_000))

    def space(self) -> str:
        return "\n\t" if self.random.random() < 0.1 else " "

    def words(self, median: float) -> str:
        """Text of a log-normal length, as lengths of real texts are; long ones often hold some signs beyond ASCII."""
        size = int(min(120_000, self.random.lognormvariate(0, 1.1) * median))
        start = self.random.randrange(len(self.text) - size)
        text = self.text[start : start + size]
        return text.replace(" the ", " \u2502 ", 9) if self.random.random() < (0.4 if size > 2_000 else 0.03) else text

    def uuid(self) -> str:
        digits = f"{self.random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def session(self, name: str, size: int, cwd: str, agent: str | None = None) -> Iterator[bytes]:
        """Lines of one session, `size` bytes or a little more; of a sub-agent where `agent` is one."""
        common = {"isSidechain": agent is not None, "userType": "external", "cwd": cwd, "sessionId": name}
        common |= {"version": "2.1.37", "gitBranch": "main"} | ({"agentId": agent} if agent else {})
        last, written, number = None, 0, 0

        def line(kind: str, **more: object) -> bytes:
            nonlocal last, written
            uuid = self.uuid()
            ts = f"2026-02-{1 + number // 86400 % 28:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:00.000Z"
            value = {"parentUuid": last, **common, "type": kind, **more, "uuid": uuid, "timestamp": ts}
            raw = json.dumps(value, ensure_ascii=False).encode() + b"\n"
            last, written = uuid, written + len(raw)
            return raw

        while written < size:
            yield line("user", message={"role": "user", "content": self.words(300)})
            for _ in range(self.random.randint(2, 14)):
                number += 1
                yield from self.turn(line)
                if written >= size:
                    return

    def head(self) -> dict[str, object]:
        """A reply without its content."""
        head = {"id": f"msg_{self.uuid()}", "type": "message", "role": "assistant", "model": "claude-opus-4-6"}
        usage: dict[str, object] = {"input_tokens": 3, "output_tokens": 200, "cache_read_input_tokens": 60_000}
        usage |= {"cache_creation_input_tokens": 900, "cache_creation": {"ephemeral_5m_input_tokens": 900}}
        return {**head, "stop_reason": None, "usage": usage}

    def turn(self, line: Callable[..., bytes]) -> Iterator[bytes]:
        """A reply of some blocks with a call, a few progress lines, and the call's result."""
        head = self.head()
        call = f"toolu_{self.uuid()}"
        blocks: list[dict[str, object]] = []
        if self.random.random() < 0.6:
            blocks.append({"type": "thinking", "thinking": self.words(900), "signature": self.words(300)})
        if self.random.random() < 0.6:
            blocks.append({"type": "text", "text": self.words(400)})
        edits = self.random.random() < 0.3
        given = (
            {"old_string": self.words(300), "new_string": self.words(300)} if edits else {"command": self.words(250)}
        )
        blocks.append({"type": "tool_use", "id": call, "name": "Edit" if edits else "Bash", "input": given})
        for block in blocks:
            yield line("assistant", message={**head, "content": [block]}, requestId=f"req_{head['id']}")
        for _ in range(self.random.randint(0, 3)):
            data = {"type": "bash_progress", "output": self.words(120), "elapsedTimeSeconds": 2}
            yield line("progress", data=data, toolUseID=call, parentToolUseID=call)
        output = self.words(1500)
        result = {"tool_use_id": call, "type": "tool_result", "content": output, "is_error": False}
        raw = {"filePath": "/w/a.py", **given, "originalFile": self.words(4500)} if edits else {"stdout": output}
        yield line("user", message={"role": "user", "content": [result]}, toolUseResult=raw)
        if self.random.random() < 0.4:
            yield line("system", subtype="turn_duration", durationMs=1234, isMeta=False)


class Words(Writer):
    """Sessions of words alone: a person's, and the answers; nothing is called."""

    def turn(self, line: Callable[..., bytes]) -> Iterator[bytes]:
        head = self.head()
        blocks = [{"type": "text", "text": self.words(200)}]
        yield line("assistant", message={**head, "content": blocks}, requestId=f"req_{head['id']}")
        yield line("user", message={"role": "user", "content": self.words(350)})


def corpus(folder: Path, size: int, writer: Writer, average: int = 1_300_000) -> int:
    """About `size` bytes of sessions of many sizes in a few projects, every fifth with a sub-agent; bytes written."""
    written, number = 0, 0
    while written < size:
        name = writer.uuid()
        place = folder / f"-w-project-{number % 7}"
        place.mkdir(parents=True, exist_ok=True)
        share = min(size - written, int(average * writer.random.lognormvariate(-0.5, 1.0)))
        files_of: dict[Path, str | None] = {place / f"{name}.jsonl": None}
        if number % 5 == 0:
            files_of[place / name / "subagents" / "agent-a1b2c3d.jsonl"] = "a1b2c3d"
        for path, agent in files_of.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines(writer.session(name, max(4_000, share // len(files_of)), f"/w/{number % 7}", agent))
            written += path.stat().st_size
        number += 1
    return written


def all_files(refs: list[SessionRef]) -> list[Path]:
    return [Path(name) for ref in refs for name in (ref.path, *ref.files)]


def loads_seconds(refs: list[SessionRef]) -> float:
    """Seconds in `orjson.loads` alone, for every line of every file."""
    total = 0.0
    for path in all_files(refs):
        lines = [line for line in path.read_bytes().split(b"\n") if line.strip()]
        started = time.process_time()
        for line in lines:
            try:
                orjson.loads(line)
            except ValueError:
                continue
        total += time.process_time() - started
    return total


def read_seconds(refs: list[SessionRef]) -> float:
    started = time.process_time()
    for ref in refs:
        session.read(ref)
    return time.process_time() - started


def speed(label: str, root: Path, rounds: int) -> float:
    """Prints MB/s of both, in turn; returns ours."""
    refs = list(files.sessions(root))
    size = sum(path.stat().st_size for path in all_files(refs)) / 1e6
    taken = [(loads_seconds(refs), read_seconds(refs)) for _ in range(rounds + 1)][1:]
    loads, ours = (size / min(one) for one in zip(*taken, strict=True))
    print(f"{label}: {size:.0f} MB in {len(refs)} sessions")
    print(f"  orjson.loads alone {loads:6.0f} MB/s")
    print(f"  to Trace objects   {ours:6.0f} MB/s = {ours / loads:.3f} of it   (measured, best of {rounds})")
    return ours


def peak(path: Path) -> float:
    """MB of resident memory at most, of a process of its own that reads all sessions of `path` one after the other."""
    command = [sys.executable, __file__, "--peak-of", str(path)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def dataclaw(python: str, root: Path, rounds: int, ours: float) -> None:
    command = [python, "-c", DATACLAW, str(root), str(rounds)]
    size = sum(path.stat().st_size for path in root.rglob("*.jsonl")) / 1e6
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    for label, line in zip(("as it comes", "anonymizing nothing"), lines, strict=True):
        seconds, found = line.split()
        theirs = size / float(seconds)
        print(f"dataclaw's parser, {label}: {theirs:.0f} MB/s, {found} sessions; ours {ours / theirs:.1f} x (measured)")


def compared(label: str, root: Path, arguments: argparse.Namespace) -> None:
    ours = speed(label, root, arguments.rounds)
    if arguments.dataclaw:
        dataclaw(arguments.dataclaw, root, arguments.rounds, ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--single", type=int, default=0, help="MB of a single session whose peak is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--samples", type=Path, help="a folder of real sessions, read as well")
    parser.add_argument("--dataclaw", help="the python of an environment that has dataclaw")
    parser.add_argument("--peak-of", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak_of:
        for ref in files.sessions(arguments.peak_of):
            session.read(ref)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 * 1.048576)
        return
    with tempfile.TemporaryDirectory() as folder:
        root, words = Path(folder, "projects"), Path(folder, "words")
        size = corpus(root, arguments.megabytes * 1_000_000, Writer(7)) / 1e6
        compared("invented", root, arguments)
        print(f"peak over {size:.0f} MB of sessions, one by one: {peak(root):.0f} MB (measured)")
        corpus(words, arguments.megabytes * 400_000, Words(7))
        compared("words alone", words, arguments)
        if arguments.single:
            path = Path(folder, "single", "11111111-2222-4333-8444-555555555555.jsonl")
            path.parent.mkdir()
            with path.open("wb") as file:
                file.writelines(Writer(8).session(path.stem, arguments.single * 1_000_000, "/w/single"))
            print(f"peak of one session of {path.stat().st_size / 1e6:.0f} MB: {peak(path):.0f} MB (measured)")
    if arguments.samples:
        compared("real", arguments.samples, arguments)


if __name__ == "__main__":
    main()
