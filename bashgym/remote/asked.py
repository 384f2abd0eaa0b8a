"""What another machine is asked before a job goes there, and what of its answers stands in the way."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bashgym import jsonl, paths, underway
from bashgym.records import Finding, Job
from bashgym.remote.ssh import Machine
from bashgym.venv import MINORS, Pins

ORDER = Path(paths.INSIDE, "rewards.json")  # what a job says of its rewards, see bashgym/training/rewards.py

NO_ENVIRONMENT = (
    "there is no training environment there; on that machine `pip install bashgym`, then `bashgym env create`, "
    "or name the python of one with Axolotl in cloud.remote_python"
)


def probe(machine: Machine, job: Job, folder: str, python: str) -> dict[str, Any]:
    """What the machine says of itself; see `probe` of bashgym/remote/there.py."""
    base = elsewhere(job)
    asked: dict[str, Any] = {"gpus": bool(job.gpu), "paths": [base] if base else []}
    return machine.ask("probe", folder=folder, python=python, environments=environments(), **asked)


def environments() -> list[str]:
    """The names that our training environment may have there, whichever Python it is made with."""
    return [Pins().digest(minor) for minor in MINORS]


def elsewhere(job: Job) -> str:
    """The folder of the model it starts from where that is not in the run's own, and so is not sent; else empty."""
    base = str(job.config.get("base_model", ""))
    return base if base.startswith("/") else ""


def lacking(job: Job, found: dict[str, Any], host: str, free_gb: float, python: str) -> Iterable[Finding]:
    """An error for everything in the answers `found` that stands in the way of the job."""
    for fault in faults(job, found, free_gb, python):
        yield Finding(level="error", message=f"{host}: {fault}")
    yield from underway.lacking_gpus(job, found["gpus"], host, "set training.device=cpu for a small model")


def faults(job: Job, found: dict[str, Any], free_gb: float, python: str) -> Iterable[str]:
    if not found["rsync"]:
        yield "there is no rsync there; install it"
    if not found["writable"]:
        yield f"nothing can be written to {found['folder']}; set cloud.remote_folder"
    if found["free_gb"] < free_gb:
        free = f"{found['free_gb']:.1f} GB free at {found['folder']}"
        yield f"{free}, cloud.free_disk_gb={free_gb:g}; make room or set cloud.remote_folder"
    if not found["axolotl"] and python:
        yield f"no axolotl beside cloud.remote_python={python}; name an interpreter whose environment has it"
    elif not found["axolotl"]:
        yield NO_ENVIRONMENT
    if (base := elsewhere(job)) and base not in found["there"]:
        yield f"model.base={base} is a folder of this machine; copy it to the same path there, or take one of the Hub"


def boxes(machine: Machine, job: Job, python: str) -> Iterable[Finding]:
    """Whether the boxes that rewards run answers in hold over there; each is tried there for real.

    Raises RunFailed with what each lacks."""
    order = Path(job.folder) / ORDER
    told = jsonl.parse(order.read_bytes()) if order.exists() else {}
    needing = (told.get("selftest") or {}).get("rewards", [])
    room = paths.HERE / "sandbox"
    sent = {f"sandbox/{file.name}": file.read_text("utf-8") for file in room.glob("*.py")} | {"__init__.py": ""}
    for one in [one for one in told.get("rewards", []) if one["label"] in needing]:
        wanted = {"name": one["config"].get("box", ""), "image": one["config"].get("image", "")}
        box = machine._replace(python=python).ask("box", files=sent, **wanted)["box"]
        yield Finding(level="info", message=f"reward {one['label']}: answers run in the box {box}, which holds there")
