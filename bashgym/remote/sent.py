"""A job as another machine gets it: its folder there, its command, what it sees."""

import hashlib
import re
from pathlib import Path
from typing import Any

from bashgym import jsonl, surroundings, underway
from bashgym.records import Job
from bashgym.venv import MINORS, Pins


def place(job: Job, own: str) -> str:
    """The name of the job's folder there: the same for the same training of the same run folder (`own` is the run
    folder's own word), so that what it saved is taken up; another where anything differs."""
    made = hashlib.sha256(jsonl.dumps([own, job.config])).hexdigest()
    return f"{readable(job.name)}-{made[:12]}"


def readable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip(".-")[:60] or "job"


def spec(job: Job, there: str, python: str, seconds: float, grace: float) -> dict[str, Any]:
    """What the supervisor over there needs to know to run the job for `seconds` at most; no variable of this machine
    goes along. Where `python` is empty the environment is made there first."""
    online = underway.downloads(job)
    kept = surroundings.KEPT | (surroundings.ONLINE | surroundings.PROXIES if online else frozenset())
    own = {name: moved(job, value, there) for name, value in job.env.items()}
    return {
        "python": python,
        "make": None if python else making(),
        "command": [moved(job, word, there) for word in job.command],
        "env": surroundings.ours(Path(there), online) | own,
        "kept": sorted(kept),
        "kept_prefixes": list(surroundings.KEPT_PREFIXES),
        "seconds": seconds,
        "grace": grace,
    }


def making() -> dict[str, Any]:
    """The pins of the training environment, as bashgym/venv.py goes by them on this machine."""
    pins = Pins()
    text = pins.constraints.read_text(encoding="utf-8")
    found = {"groups": pins.groups, "constraints": text, "imports": pins.imports, "pip": pins.pip}
    return {"digests": digests(), **found}


def digests() -> dict[str, str]:
    """version -> the name that our training environment has where it is made with that Python."""
    return {minor: Pins().digest(minor) for minor in MINORS}


def moved(job: Job, text: str, there: str) -> str:
    """The job's folder here replaced by its folder there."""
    return text.replace(job.folder.rstrip("/"), there)
