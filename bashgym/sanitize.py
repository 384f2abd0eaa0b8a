"""One file through the sanitizers: the same lines in the same order, without what must not stay.

The file appears whole or not at all, after the leak gate has looked at it. Lines of JSON Lines that cannot be read are
kept beside it, with their numbers, and a marker stands where they stood."""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, pseudonyms, scan
from bashgym.choices import preset_plugin
from bashgym.errors import InputError, PrivacyError
from bashgym.gate.rescan import rescan
from bashgym.gate.sweep import Sweep, clean_value
from bashgym.kinds import Sanitizer, ScanContext
from bashgym.scanning.walk import Unit, walk

CHUNK = 8 << 20  # bytes that are sanitized together: names learnt in one place are known in all of them
MARKER = "bashgym_malformed_line"
SHOWN = 2  # characters of a value that `--show-spans` shows


class Line(NamedTuple):
    """A line as read: its number from 1, its value (None where it is blank or cannot be read), and its end."""

    number: int
    raw: bytes
    value: Any
    error: str
    end: bytes


class Report(NamedTuple):
    """Counts, all measured; no value and no excerpt."""

    lines: int
    malformed: int
    counts: Counter[str]
    by_rule: Counter[str]
    engines: dict[str, str]
    values: int


class Shown(NamedTuple):
    """One finding, its value masked."""

    line: int
    field: str
    start: int
    end: int
    type: str
    rule: str
    masked: str


def chosen(labels: Sequence[str]) -> list[tuple[str, Sanitizer]]:
    """The sanitizers of these presets. Raises RecipeError for a preset that is not there."""
    return [(label, preset_plugin("sanitizer", label)) for label in labels]


def sanitize(source: Path, target: Path, sanitizers: Sequence[tuple[str, Sanitizer]]) -> Report:
    """Writes `source` without what the sanitizers find to `target` (0600).

    Raises InputError when it cannot be read, PrivacyError when the gate finds anything in what was written."""
    with temporary(target) as (work, fresh, aside):
        report, removed = first_pass(source, work, aside, sanitizers)
        sweep = Sweep(removed)
        second_pass(work, fresh, sweep, is_text(source))
        gate(fresh, sweep, sanitizers, target)
        if aside.exists():
            aside.replace(quarantine(target))
        fresh.replace(target)
    return report._replace(values=len(sweep.values))


class temporary:
    """Three files beside the target, gone in the end whatever happens."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __enter__(self) -> tuple[Path, Path, Path]:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.folder = tempfile.TemporaryDirectory(dir=self.target.parent, prefix=f".{self.target.name}.")
        place = Path(self.folder.name)
        return place / "work", place / "fresh", place / "aside"

    def __exit__(self, *_: object) -> None:
        self.folder.cleanup()


def quarantine(target: Path) -> Path:
    return target.with_name(f"{target.name}.quarantine.jsonl")


def is_text(source: Path) -> bool:
    """Whether a file is text: its first line that is not blank holds no JSON object or list."""
    for line in lines(source):
        if line.raw.strip():
            return not isinstance(line.value, dict | list) and line.raw.strip()[:1] not in (b"{", b"[")
    return True


def lines(source: Path) -> Iterator[Line]:
    """Every line, blank ones included. Raises InputError when the file cannot be read."""
    try:
        with source.open("rb") as file:
            for number, whole in enumerate(file, 1):
                raw = whole.rstrip(b"\r\n")
                value, error = None, ""
                if raw.strip():
                    try:
                        value = jsonl.parse(raw)
                    except ValueError as fault:
                        error = str(fault)
                yield Line(number, raw, value, error, whole[len(raw) :])
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error.strerror})") from None


def chunks(source: Path) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in lines(source):
        chunk.append(line)
        size += len(line.raw)
        if size >= CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def first_pass(
    source: Path, work: Path, aside: Path, sanitizers: Sequence[tuple[str, Sanitizer]]
) -> tuple[Report, dict[str, str]]:
    """Chunk by chunk past the sanitizers; what was removed, for the second pass."""
    removed: dict[str, str] = {}
    counts: Counter[str] = Counter()
    by_rule: Counter[str] = Counter()
    number = malformed = 0
    text, key = is_text(source), pseudonyms.load_key()
    with private(work) as out:
        for chunk in chunks(source):
            number += len(chunk)
            if text:
                out.write(clean_text(chunk, sanitizers, key, source.name, removed, counts, by_rule))
                continue
            result = scan.sanitize([line.value for line in chunk], sanitizers, key, source.name)
            removed.update(result.removed)
            counts.update(result.counts)
            by_rule.update(result.by_rule)
            for line, value in zip(chunk, result.value, strict=True):
                malformed += bool(line.error)
                out.write(written(line, value, aside) + line.end)
    engines = {label: each.engine() for label, each in sanitizers}
    return Report(number, malformed, counts, by_rule, engines, 0), removed


def written(line: Line, value: Any, aside: Path) -> bytes:
    """The line as it goes out; one that cannot be read goes aside. Always written anew: a JSON object may hold a key
    twice, of which only one was seen."""
    if line.error:
        raw = line.raw.decode("utf-8", "backslashreplace")
        with private(aside, "ab") as file:
            file.write(jsonl.dumps({"line": line.number, "error": line.error, "raw": raw}) + b"\n")
        return jsonl.dumps({MARKER: line.number})
    return jsonl.dumps(value) if line.raw.strip() else line.raw


def private(path: Path, mode: str = "wb") -> Any:
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if "a" in mode else os.O_TRUNC), 0o600), mode)  # noqa: PTH123


def clean_text(
    chunk: Sequence[Line],
    sanitizers: Sequence[tuple[str, Sanitizer]],
    key: bytes,
    name: str,
    removed: dict[str, str],
    counts: Counter[str],
    by_rule: Counter[str],
) -> bytes:
    """Text past the sanitizers as one string; what went over several lines leaves as many line ends."""
    text = b"".join(line.raw + line.end for line in chunk).decode("utf-8", "surrogateescape")
    for _ in range(scan.ROUNDS):
        scanners = [(label, each, ScanContext(session=name, strings=[text])) for label, each in sanitizers]
        ((_, spans),) = scan.scan([Unit("", text)], scanners).items() or (("", []),)
        if not spans:
            return text.encode("utf-8", "surrogateescape")
        parts, at = [], 0
        for span in spans:
            value = text[span.start : span.end]
            removed.setdefault(value, span.type)
            counts[span.type] += 1
            by_rule[span.rule] += 1
            parts += [text[at : span.start], pseudonyms.pseudonym(key, span.type, value), "\n" * value.count("\n")]
            at = span.end
        text = "".join((*parts, text[at:]))
    raise PrivacyError(f"{name}: still not clean after {scan.ROUNDS} passes; nothing was written")


def second_pass(work: Path, fresh: Path, sweep: Sweep, text: bool) -> None:
    """What was removed from one chunk is removed from all."""
    key = pseudonyms.load_key()
    with private(fresh) as out:
        for line in lines(work):
            if next(sweep.hits(line.raw), None) is None:
                out.write(line.raw + line.end)
            elif text:
                known = line.raw.decode("utf-8", "surrogateescape")
                out.write(sweep.clean(known, key).encode("utf-8", "surrogateescape") + line.end)
            else:
                out.write(jsonl.dumps(clean_value(line.value, sweep, key)) + line.end)


def gate(fresh: Path, sweep: Sweep, sanitizers: Sequence[tuple[str, Sanitizer]], target: Path) -> None:
    """The written bytes once more. Raises PrivacyError; the file is then kept as `<target>.quarantined`."""
    left = [f"{hit.type} ({hit.form})" for line in lines(fresh) for hit in sweep.hits(line.raw)]
    left += [f"{seen.type} ({seen.rule}) in line {seen.line}" for seen in rescan(fresh, sanitizers)]
    if left:
        aside = target.with_name(f"{target.name}.quarantined")
        fresh.replace(aside)
        raise PrivacyError(
            f"leak gate: {left[0]} and {len(left) - 1} more; the file is kept as {aside}, and is not clean"
        )


def spans(source: Path, sanitizers: Sequence[tuple[str, Sanitizer]]) -> Iterator[Shown]:
    """Which rule finds what, line by line, values masked."""
    text = is_text(source)
    for chunk in chunks(source):
        values = [line.raw.decode("utf-8", "surrogateescape") if text else line.value for line in chunk]
        strings = [unit.text for unit in walk(values).units]
        for line, value in zip(chunk, values, strict=True):
            context = [(label, each, ScanContext(session=source.name, strings=strings)) for label, each in sanitizers]
            for unit, found in scan.scan(list(walk(value).units), context).items():
                for span in found:
                    masked = unit.text[span.start : span.end][:SHOWN] + "…"
                    yield Shown(line.number, unit.key, span.start, span.end, span.type, span.rule, masked)
