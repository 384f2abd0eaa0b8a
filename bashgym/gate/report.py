"""What the gate found, bound to the very bytes it looked at: `gate.json` beside a run's dataset."""

import hashlib
from pathlib import Path

import msgspec

from bashgym import jsonl
from bashgym.errors import PrivacyError
from bashgym.manifest import FORGOTTEN, Manifest
from bashgym.records import Record

FILE = "gate.json"
SPLITS = ("train", "validation", "test")


class GateHit(Record, frozen=True, kw_only=True):
    """A place where something was found: never what it was."""

    file: str
    line: int
    check: str  # rescan, sweep or canary
    type: str
    rule: str  # label/rule of a rescan, the form of a value that was swept


class GateReport(Record, frozen=True, kw_only=True):
    """The gate's word on the dataset whose hash is `dataset`; all counts are measured."""

    dataset: str
    passed: bool
    rows: int
    values: int  # that were removed from the sessions and looked for
    skipped: dict[str, int]  # too short or too common to be looked for, by reason
    repaired: int  # rows in which a value of another session stood, replaced before they were written
    canaries: int
    engines: dict[str, str]  # label -> what a sanitizer rests on
    sessions: list[str]  # keys of the store whose removed values were looked for
    hits: tuple[GateHit, ...] = ()
    when: str = ""


def dataset_hash(folder: Path) -> str:
    """The hash of a dataset: over the hashes of its three files. Raises FileNotFoundError."""
    digests = []
    for split in SPLITS:
        with (folder / f"{split}.jsonl").open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").digest())
    return hashlib.sha256(b"".join(digests)).hexdigest()


def write(run_folder: Path, report: GateReport) -> Path:
    path = run_folder / FILE
    jsonl.replace(path, msgspec.json.format(msgspec.json.encode(report), indent=2))
    return path


def read(run_folder: Path) -> GateReport | None:
    """The report that lies in a run's folder, if there is one that can be read."""
    try:
        return msgspec.json.decode((run_folder / FILE).read_bytes(), type=GateReport)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def changed(run_folder: Path) -> str:
    """What happened to a dataset that is not any more what the gate saw."""
    if Manifest(run_folder / "manifest.json").content.get(FORGOTTEN):
        return "`bashgym forget` took rows out of it after the leak gate passed it"
    return "it was changed after the leak gate passed it"


def recipe_of(run_folder: Path) -> str:
    """The recipe of a run as it would be typed again, as far as the run's folder says."""
    name = Manifest(run_folder / "manifest.json").content.get("recipe")
    return f"recipe={name}" if isinstance(name, str) and name else "..."


def require(run_folder: Path) -> GateReport:
    """The report of the dataset as it lies there now. Raises PrivacyError when there is none that passed it, or when
    a byte of it changed since: nobody trains on it, and it does not leave this machine."""
    folder, report = run_folder / "dataset", read(run_folder)
    way_out = f"write it anew, and past the gate, with `bashgym run {recipe_of(run_folder)} --until dataset --fresh`"
    if report is None:
        raise PrivacyError(f"{folder}: no leak gate has looked at this dataset; {way_out}")
    if not report.passed:
        raise PrivacyError(f"{folder}: the leak gate found {len(report.hits)} places; see {run_folder / FILE}")
    try:
        now = dataset_hash(folder)
    except FileNotFoundError as error:
        raise PrivacyError(
            f"{folder}: {Path(error.filename).name} is gone since the leak gate passed it; {way_out}"
        ) from None
    if now != report.dataset:
        raise PrivacyError(f"{folder}: {changed(run_folder)}; {way_out}")
    return report
