"""A dataset about to be: through the leak gate it goes, or into quarantine."""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import orjson

from bashgym import jsonl
from bashgym.errors import PrivacyError
from bashgym.gate import canary
from bashgym.gate.report import FILE, SPLITS, GateHit, GateReport, dataset_hash, write
from bashgym.gate.rescan import rescan
from bashgym.gate.sweep import Sweep, clean_value
from bashgym.kinds import Sanitizer
from bashgym.manifest import now
from bashgym.stages.context import Run

AUDIT = "sanitization.json"
CANARIES = "canary.jsonl"  # rows of the planted session, beside the splits until the gate has seen them


def cleaned(row: object, line: bytes, sweep: Sweep, key: bytes) -> bytes | None:
    """The row without what was removed from another session; None where there is no such thing in it."""
    if next(sweep.hits(line), None) is None:
        return None
    return jsonl.dumps(clean_value(row, sweep, key))


def pass_gate(
    run: Run, folder: Path, sweep: Sweep, sessions: Sequence[str], planted: bytes, repaired: int
) -> GateReport:
    """Looks at the dataset in `folder`, which is not in its place yet, and takes the canaries out of it.

    `planted` is what the store holds of the canaries' session. Raises PrivacyError, with the dataset in quarantine,
    when anything is found."""
    started = time.perf_counter()
    sanitizers = run.plugins("sanitizer")
    hits = list(found(folder, sweep, sanitizers))
    hits += escaped_canaries(run, folder / CANARIES, planted)
    (folder / CANARIES).unlink()
    report = GateReport(
        dataset=dataset_hash(folder),
        passed=not hits,
        rows=sum(count(folder / f"{split}.jsonl") for split in SPLITS),
        values=len(sweep.values),
        skipped=dict(sorted(sweep.skipped.items())),
        repaired=repaired,
        canaries=len(wanted(run)),
        engines={label: plugin.engine() for label, plugin in sanitizers},
        sessions=sorted(sessions),
        hits=tuple(hits),
        when=now(),
    )
    run.manifest.update(gate={name: value for name, value in plain(report).items() if name not in {"sessions", "hits"}})
    if hits:
        raise quarantined(run.folder, folder, report)
    write(run.folder, report)
    write_audit(run, report)
    run.manifest.stage("gate", report.rows, report.rows, {}, time.perf_counter() - started, checked=summary(report))
    return report


def write_audit(run: Run, report: GateReport) -> None:
    """`sanitization.json`: what was replaced, counted in every way, and what the gate says; no value, no excerpt."""
    content = run.manifest.content
    facts = {
        "evidence": "measured",
        "sessions": content["sessions"]["sha256"],
        "by_type": content["redactions"],
        **content["sanitization"],
        "engines": report.engines,
        "gate": {name: value for name, value in plain(report).items() if name != "sessions"},
    }
    jsonl.replace(run.folder / AUDIT, orjson.dumps(facts, option=orjson.OPT_INDENT_2))


def plain(report: GateReport) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(report)
    return found


def summary(report: GateReport) -> dict[str, int]:
    return {"values": report.values, "repaired": report.repaired, "canaries": report.canaries}


def found(folder: Path, sweep: Sweep, sanitizers: Sequence[tuple[str, Sanitizer]]) -> Iterator[GateHit]:
    """What is left in the files of a dataset, each place once a check."""
    for split in SPLITS:
        path = folder / f"{split}.jsonl"
        yield from swept(path, sweep)
        for seen in rescan(path, sanitizers):
            yield GateHit(file=path.name, line=seen.line, check="rescan", type=seen.type, rule=seen.rule)


def swept(path: Path, sweep: Sweep) -> Iterator[GateHit]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            kinds = dict.fromkeys((hit.type, hit.form) for hit in sweep.hits(line))
            yield from (
                GateHit(file=path.name, line=number, check="sweep", type=type, rule=form) for type, form in kinds
            )


def wanted(run: Run) -> list[canary.Canary]:
    """The canaries that the recipe says must be removed."""
    groups = run.recipe.settings.gate.canaries
    return [one for one in canary.canaries(run.recipe.lock_hash()) if one.group in groups]


def escaped_canaries(run: Run, rows: Path, planted: bytes) -> Iterable[GateHit]:
    """Canaries that came out again, in the store or in a row. Raises PrivacyError when they were never there."""
    if not planted:
        raise PrivacyError("the leak gate's canaries were lost on their way through the sanitizers; run with --fresh")
    sweep = Sweep({one.value: one.group for one in wanted(run)})
    for name, data in ((CANARIES, rows.read_bytes()), ("store", planted)):
        kinds = dict.fromkeys((hit.type, hit.form) for hit in sweep.hits(data))
        yield from (GateHit(file=name, line=0, check="canary", type=type, rule=form) for type, form in kinds)


def quarantined(run_folder: Path, folder: Path, report: GateReport) -> PrivacyError:
    """Moves the dataset aside; the error says where, and what can be done."""
    aside = set_aside(run_folder, folder)
    write(run_folder, report)
    first = report.hits[0]
    where = f"{first.file}:{first.line}" if first.line else first.file
    if first.check == "canary":
        reason = f"a planted {first.type} came out of the sanitizers unharmed"
        way_out = f"choose sanitizers that remove it, or say with gate.canaries that a {first.type} may stay"
    else:
        reason = f"{first.type} found by {first.check} ({first.rule}) at {where}"
        way_out = f"see {run_folder / FILE}; `bashgym forget SESSION` leaves its session out"
    more = f" and {len(report.hits) - 1} more" if len(report.hits) > 1 else ""
    return PrivacyError(f"leak gate: {reason}{more}; the dataset lies in {aside}; {way_out}")


def set_aside(run_folder: Path, folder: Path) -> Path:
    """Where a dataset lies after it was moved to quarantine; copies that were made of it for training are removed."""
    aside = run_folder / "quarantine" / now().replace(":", "")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}x")
    aside.parent.mkdir(mode=0o700, exist_ok=True)
    folder.rename(aside)
    shutil.rmtree(run_folder / "prepared", ignore_errors=True)
    return aside


def count(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
