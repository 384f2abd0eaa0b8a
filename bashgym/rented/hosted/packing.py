"""A job's files in a private repository of its own, and the hosted job that fetches them and brings a result back.

The repository: `in/` is what travels, `out/` the result with its note (bashgym/rented/pushed.py). It is named after the
submission, so that whoever knows that finds it, and is deleted once the result is here."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bashgym import jsonl, paths
from bashgym.errors import PrivacyError, RunFailed
from bashgym.records import Job
from bashgym.rented.hosted.door import asked
from bashgym.rented.pushed import patiently, status
from bashgym.rented.task import inside

SCRIPT = Path(__file__).with_name("hosted.sh")
HERE = "{here}"  # stands for the job's folder, wherever that is
RESULT = "out"
LOOKED_AT = 64_000_000  # bytes of a file that is searched for secrets before it is uploaded


def repository(namespace: str, mark: str) -> str:
    return f"{namespace}/bashgym-{mark}"


def files(job: Job) -> dict[str, Path]:
    """Name -> file of all that travels, folders taken apart. Raises RecipeError for one outside the job's folder."""
    found: dict[str, Path] = {}
    for name in inside(job):
        path = Path(job.folder) / name
        below = sorted(path.rglob("*")) if path.is_dir() else [path]
        found |= {
            one.relative_to(job.folder).as_posix(): one
            for one in below
            if one.is_file() and "__pycache__" not in one.parts
        }
    return found


def order(job: Job, secrets: Mapping[str, str]) -> bytes:
    """`job.json`, what the program over there is told. Raises PrivacyError where a secret would stand in it."""
    folder = job.folder.rstrip("/")
    content = {
        "command": [part.replace(folder, HERE) for part in job.command],
        "env": {name: value.replace(folder, HERE) for name, value in job.env.items() if name not in secrets},
        "output": job.output,
    }
    text = jsonl.dumps(content)
    for name, value in secrets.items():
        if value and value.encode() in text:
            raise PrivacyError(f"the value of {name} would be uploaded with the job; take it out of the recipe")
    return text


def upload(api: Any, name: str, job: Job, secrets: Mapping[str, str]) -> str:
    """Makes the repository, private, puts the job there, and returns the commit. Raises RunFailed, PrivacyError."""
    from huggingface_hub import CommitOperationAdd

    travelling = {f"in/{one}": str(path) for one, path in files(job).items()}
    if f"in/{paths.INSIDE}/hosted.py" not in travelling:
        raise RunFailed(f"job {job.name} does not carry {paths.INSIDE}/hosted.py; run it again from its recipe")
    clean(travelling.values(), secrets)
    content: dict[str, str | bytes] = {**travelling, "in/job.json": order(job, secrets)}
    asked(lambda: api.create_repo(name, private=True, exist_ok=True), f"whether {name} could be made")
    if not asked(lambda: api.repo_info(name), f"what {name} is").private:
        raise PrivacyError(f"{name} is public on the Hub, and nothing was uploaded; let new ones be private there")
    operations = [CommitOperationAdd(path_in_repo=one, path_or_fileobj=data) for one, data in sorted(content.items())]
    made = asked(lambda: api.create_commit(name, operations, commit_message=job.name), "whether the files arrived")
    return str(made.oid)


def clean(paths: Iterable[str], secrets: Mapping[str, str]) -> None:
    """Raises PrivacyError where the value of a secret stands in a file that would travel; weights are not looked at."""
    for path in map(Path, paths):
        text = path.read_bytes() if path.stat().st_size <= LOOKED_AT else b""
        for name, value in secrets.items():
            if value and value.encode() in text:
                raise PrivacyError(f"{path}: the value of {name} stands in it, and it would be uploaded; nothing was")


def values(names: tuple[str, ...]) -> dict[str, str]:
    """Values of secrets from the environment, by name. Raises RunFailed for one that is not set."""
    for name in names:
        if not os.environ.get(name):
            raise RunFailed(f"cloud.secrets: {name} is not set in the environment")
    return {name: os.environ[name] for name in names}


def delete(api: Any, name: str) -> bool:
    """Whether the repository is gone; there is nothing to pay for while it is not."""
    import httpx

    try:
        patiently(lambda: api.delete_repo(name, missing_ok=True))
    except httpx.HTTPError as error:
        return status(error) == 404
    return True
