"""What another machine is asked before a job goes there, and what of its answers stands in the way."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bashgym import jsonl, paths, underway
from bashgym.records import Finding, Job
from bashgym.remote import sent
from bashgym.remote.ssh import Machine
from bashgym.venv import CUDA_GB, MINORS, Pins

ORDER = Path(paths.INSIDE, "rewards.json")  # what a job says of its rewards, see bashgym/training/rewards.py

NO_ENVIRONMENT = (
    f"there is no training environment there, and no Python {' or '.join(MINORS)} with venv to make it; install one, "
    "or name the python of an environment with Axolotl in cloud.remote_python"
)


def probe(machine: Machine, job: Job, folder: str, python: str) -> dict[str, Any]:
    """What the machine says of itself; see `probe` of bashgym/remote/there.py."""
    base = elsewhere(job)
    asked: dict[str, Any] = {"gpus": bool(job.gpu), "paths": [base] if base else []}
    return machine.ask("probe", folder=folder, python=python, environments=sent.digests(), **asked)


def elsewhere(job: Job) -> str:
    """The folder of the model it starts from where that is not in the run's own, and so is not sent; else empty."""
    base = str(job.config.get("base_model", ""))
    return base if base.startswith("/") else ""


def lacking(job: Job, found: dict[str, Any], host: str, free_gb: float, python: str) -> Iterable[Finding]:
    """An error for everything in the answers `found` that stands in the way of the job."""
    making = not found["python"] and bool(found["maker"])
    size = Pins().size_gb + (CUDA_GB if job.gpu else 0)
    for fault in faults(job, found, free_gb + (size if making else 0), python):
        yield Finding(level="error", message=f"{host}: {fault}")
    if making:
        yield Finding(level="info", message=f"the training environment is made on {host} first, once: {size:.0f} GB")
    yield from underway.lacking_gpus(job, found["gpus"], host, "set training.device=cpu for a small model")


def faults(job: Job, found: dict[str, Any], free_gb: float, python: str) -> Iterable[str]:
    if not found["rsync"]:
        yield "there is no rsync there; install it"
    if not found["writable"]:
        yield f"nothing can be written to {found['folder']}; set cloud.remote_folder"
    if found["free_gb"] < free_gb:
        free = f"{found['free_gb']:.1f} GB free at {found['folder']}"
        yield f"{free}, {free_gb:.1f} GB needed (cloud.free_disk_gb); make room or set cloud.remote_folder"
    if found["python"] and not found["axolotl"] and python:
        yield f"no axolotl beside cloud.remote_python={python}; name an interpreter whose environment has it"
    elif not found["axolotl"] and not found["maker"]:
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
    box_files = {f"sandbox/{file.name}": file.read_text("utf-8") for file in room.glob("*.py")} | {"__init__.py": ""}
    for one in [one for one in told.get("rewards", []) if one["label"] in needing]:
        wanted = {"name": one["config"].get("box", ""), "image": one["config"].get("image", "")}
        box = machine._replace(python=python).ask("box", files=box_files, **wanted)["box"]
        yield Finding(level="info", message=f"reward {one['label']}: answers run in the box {box}, which holds there")
