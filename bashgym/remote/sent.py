"""A job as another machine gets it: its folder there, its command, what it sees."""

import hashlib
import re
from pathlib import Path
from typing import Any

from bashgym import jsonl, surroundings, underway
from bashgym.records import Job


def place(job: Job, own: str) -> str:
    """The name of the job's folder there: the same for the same training of the same run folder (`own` is the run
    folder's own word), so that what it saved is taken up; another where anything differs."""
    made = hashlib.sha256(jsonl.dumps([own, job.config])).hexdigest()
    return f"{readable(job.name)}-{made[:12]}"


def readable(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip(".-")[:60] or "job"


def spec(job: Job, there: str, python: Path, seconds: float, grace: float) -> dict[str, Any]:
    """What the supervisor over there needs to know to run the job for `seconds` at most; no variable of this machine
    goes along."""
    named = job.command[0] in ("python", "python3")
    first = str(python if named else python.parent / job.command[0])
    online = underway.downloads(job)
    kept = surroundings.KEPT | (surroundings.ONLINE | surroundings.PROXIES if online else frozenset())
    own = {name: moved(job, value, there) for name, value in job.env.items()}
    return {
        "command": [first, *(moved(job, word, there) for word in job.command[1:])],
        "env": surroundings.ours(Path(there), online) | own,
        "kept": sorted(kept),
        "kept_prefixes": list(surroundings.KEPT_PREFIXES),
        "seconds": seconds,
        "grace": grace,
    }


def moved(job: Job, text: str, there: str) -> str:
    """The job's folder here replaced by its folder there."""
    return text.replace(job.folder.rstrip("/"), there)
