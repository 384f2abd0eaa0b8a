"""What the store and the runs hold of sessions, and taking it out. Everything here can be cut off and begun again."""

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bashgym import jsonl, paths
from bashgym.errors import InputError
from bashgym.gate import vault
from bashgym.manifest import FORGOTTEN, Manifest, now
from bashgym.reading.excluded import digest
from bashgym.records import SessionSummary
from bashgym.stages import ledger
from bashgym.stages.card import DERIVED
from bashgym.store import Store

HEAD = 1 << 16  # bytes of a blob that tell whose rows it holds
SUMMARY = b'{"session":'  # how a session's result begins
NAME = re.compile(rb'\["((?:[^"\\]|\\.)*)",')
SPLITS = ("train", "validation", "test")


class Result(NamedTuple):
    """A session's result in the store: the names of its traces, and the replies in them (64-bit hashes)."""

    key: str
    session: str
    traces: frozenset[str]
    replies: frozenset[int]


def store() -> Store:
    return Store(paths.home() / "store")


def results() -> Iterator[Result]:
    """Every session's result; other blobs (rows, what was removed) are passed over."""
    kept = store()
    for key in kept.all_keys():
        head = begun(kept, key, lambda text: not text.startswith(SUMMARY) or b"\n" in text)
        if not head.startswith(SUMMARY):
            continue
        try:
            summary = msgspec.json.decode(head.partition(b"\n")[0], type=SessionSummary)
        except msgspec.DecodeError:
            continue  # of another version of BashGym, which no run of this one reads
        replies = frozenset(reply for trace in summary.traces for reply in trace.replies)
        yield Result(key, summary.session, frozenset(trace.session for trace in summary.traces), replies)


def begun(kept: Store, key: str, enough: Callable[[bytes], bool]) -> bytes:
    """The beginning of a blob, as long as it takes; b"" for one that is damaged."""
    size, head = HEAD, kept.begin(key, HEAD) or b""
    while len(head) == size and not enough(head):
        size *= 4
        head = kept.begin(key, size) or b""
    return head


def of_rows(kept: Store, key: str) -> str | None:
    """The trace whose rows a blob holds; None where it holds none."""
    head = begun(kept, key, lambda text: not text.startswith(b"{") or NAME.search(text) is not None)
    found = NAME.match(head.partition(b"\n")[2]) if head.startswith(b"{") else None
    return str(jsonl.parse(b'"' + found.group(1) + b'"')) if found else None


def rows(names: Set[str]) -> list[str]:
    """Keys of the blobs that hold rows of these traces."""
    kept = store()
    return [key for key in kept.all_keys() if of_rows(kept, key) in names]


def drop_results(found: Iterable[Result]) -> int:
    """Takes results, and what was removed from them, out of the store."""
    kept = store()
    count = 0
    for result in found:
        kept.drop(vault.name(result.key))
        count += kept.drop(result.key)
    return count


def run_folders() -> list[Path]:
    """Every run's folder that is there: in the data home, and wherever else one was."""
    known = {Path(entry.run) for entry in ledger.entries() if entry.run}
    known |= {path.parent.resolve() for path in (paths.home() / "runs").glob("*/manifest.json")}
    return sorted(path for path in known if (path / "manifest.json").is_file())


def held(run: Path, owners: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Rows in a run's dataset by session and split; `owners` says whose the traces are."""
    counts: dict[str, Counter[str]] = {}
    for split in SPLITS:
        file = run / "dataset" / f"{split}.jsonl"
        for line in jsonl.read_lines(file) if file.is_file() else ():
            owner = owners.get(trace_of(line.value))
            if owner is not None:
                counts.setdefault(owner, Counter())[split] += 1
    return {owner: dict(found) for owner, found in counts.items()}


def trace_of(row: Any) -> str:
    """The trace that a row is of: its meta says so, or else its id, `<trace>#<window>` and what a format adds."""
    if not isinstance(row, dict):
        return ""
    for holder in (row, row.get("extra")):  # a document that may have no keys of ours has them in `extra`
        meta = holder.get("meta") if isinstance(holder, dict) else None
        if isinstance(meta, dict) and isinstance(meta.get("session"), str):
            return str(meta["session"])
    name = row.get("id")
    return name.rpartition("#")[0] if isinstance(name, str) else ""


def clear_run(run: Path, owners: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Takes the rows of sessions out of a run, and all that was made from its dataset but models and scores.

    The note in the manifest comes first and the dataset last, so that what was cut off finds its work again."""
    counts = held(run, owners)
    if not counts:
        return {}
    for session, rows in counts.items():
        note(run, session, rows)
    clear_derived(run)
    for split in SPLITS:
        if any(split in rows for rows in counts.values()):
            rewrite(run / "dataset" / f"{split}.jsonl", owners.keys())
    return counts


def noted(run: Path) -> dict[str, dict[str, int]]:
    """What was taken out of a run's dataset before: rows by split, by the digest of the session's id."""
    found = Manifest(run / "manifest.json").content.get(FORGOTTEN, [])
    return {one["session_sha256"]: one["rows"] for one in found}


def note(run: Path, session: str, rows: dict[str, int]) -> None:
    manifest = Manifest(run / "manifest.json")
    known = {one["session_sha256"]: one for one in manifest.content.get(FORGOTTEN, [])}
    before = known.get(digest(session), {"rows": {}})["rows"]
    most = {split: max(n, before.get(split, 0)) for split, n in {**before, **rows}.items()}
    known[digest(session)] = {"session_sha256": digest(session), "rows": most, "at": now()}
    manifest.update(**{FORGOTTEN: list(known.values())})


def clear_derived(run: Path) -> None:
    """Deletes copies of the rows: what was prepared for training, what benchmarks were asked and answered, and what
    lies beside the rows."""
    gone(run / "prepared")
    gone(run / ".dataset")
    for name in DERIVED:
        gone(run / "dataset" / name)
    for benchmark in (run / "benchmarks").glob("*"):
        for path in benchmark.glob("*"):
            if not path.name.endswith(".scores.json"):
                gone(path)


def gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def rewrite(file: Path, names: Set[str]) -> None:
    """The file without the rows of these traces, in one step. Raises InputError."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out, file.open("rb") as rows:
            for line in rows:
                if trace_of(parsed(line)) not in names:
                    out.write(line)
            os.fchmod(out.fileno(), file.stat().st_mode & 0o777)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(file)
    except OSError as error:
        raise InputError(f"{file}: cannot be written anew ({error.strerror}); make room and forget again") from None
    finally:
        Path(name).unlink(missing_ok=True)


def parsed(line: bytes) -> Any:
    try:
        return jsonl.parse(line)
    except ValueError:
        return None
