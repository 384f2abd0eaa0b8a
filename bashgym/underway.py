"""A job that was started and goes on without us: its record in the job's folder, and what its end means.

What clouds share whose trainings outlive the program that started them, on this machine or on another."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bashgym import checkpoint, environment, jsonl
from bashgym.errors import RunFailed
from bashgym.records import Finding, Job

METRICS = "metrics.jsonl"
LOG = "logs/train.log"
FINAL = ("succeeded", "failed", "cancelled")


def read(file: Path, mark: str | None = None) -> dict[str, Any]:
    """The job's record; raises RunFailed when there is none or it is of another job."""
    try:
        record: dict[str, Any] = jsonl.parse(file.read_bytes())
    except (OSError, ValueError):
        raise RunFailed(f"no job was started in {file.parent}: {file.name} is not there or not whole") from None
    if mark is not None and record["id"] != mark:
        raise RunFailed(f"{file.parent}: another job was started there since; follow that one")
    return record


def save(file: Path, record: dict[str, Any]) -> None:
    jsonl.replace(file, jsonl.dumps(record))


def size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def succeeded(folder: Path, record: dict[str, Any]) -> None:
    """Raises RunFailed where the job did not succeed."""
    if record["state"] != "succeeded":
        reason = record["reason"] or "no checkpoint yet"
        raise RunFailed(f"training {record['state']}: {reason}; log: {folder / LOG}")


def whole(folder: Path, output: Path) -> Path:
    """`output`, where a whole checkpoint lies in it; else raises RunFailed with the log's place."""
    if lacks := checkpoint.lacks(output):
        raise RunFailed(f"training ended without a whole checkpoint in {output}: {lacks}; log: {folder / LOG}")
    return output


def downloads(job: Job) -> bool:
    """Whether the model it starts from has to come from the network."""
    base = str(job.config.get("base_model", ""))
    return bool(base) and not environment.is_local(base) and not (Path(job.folder) / base).exists()


def lacking_gpus(job: Job, cards: Sequence[float], where: str, way: str) -> Iterable[Finding]:
    """An error where the job needs GPUs that are not among `cards` (GiB each, as nvidia-smi tells them)."""
    if not job.gpu:
        return
    count, need = job.gpu.get("count", 1), job.gpu.get("min_vram_gb", 0)
    # a card's usable memory is a little less than its name says: 24 GB cards report 23.99 and less
    if len([card for card in cards if card >= 0.95 * need]) < count:
        here = f"GPUs of {', '.join(f'{card:.0f}' for card in cards)} GB" if cards else "no NVIDIA GPU"
        yield Finding(level="error", message=f"the job needs {count} GPU(s) of {need} GB and {where} has {here}; {way}")
