"""Checkpoints of rented trainings on the Hub: the settings, and what a job needs to push them and to go on from them.

The program beside the training is bashgym/inside/push.py. A run script, in the job's folder and with `variables`
exported (HF_TOKEN among the secrets), does

    python inside/push.py fetch || exit 1        # before the training
    python inside/push.py watch & pusher=$!      # beside it
    kill -TERM $pusher; wait $pusher             # after it: the last checkpoint is pushed, then it ends

Pushes go under a name made of the training's configuration, which names its rows by hash: the same training finds
its checkpoints again on whatever cloud it is started, and no other one does."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import structs
from pydantic import Field, field_validator

from bashgym import jsonl, paths
from bashgym.config import Config
from bashgym.errors import RecipeError, RunFailed
from bashgym.records import Finding, Job

PROGRAM = f"{paths.INSIDE}/push.py"
SECRET = "HF_TOKEN"
SAVED = ".saved.json"  # in the output folder here: a checkpoint that was fetched, and of which training it is
TO = re.compile(r"hub:([\w.-]+/[\w.-]+)")


class CheckpointSettings(Config):
    to: str = ""
    """Where checkpoints are pushed: `hub:NAME/REPOSITORY`, made private where it is not there; empty: nowhere."""
    every_minutes: float = Field(default=15, gt=0)
    """Minutes between two pushes."""
    max_restarts: int = Field(default=1, ge=0)
    """How often a training whose machine was lost goes on by itself from its last complete checkpoint."""

    @field_validator("to")
    @classmethod
    def a_place(cls, to: str) -> str:
        if to and not TO.fullmatch(to):
            raise ValueError("write it as hub:NAME/REPOSITORY")
        return to

    @property
    def repository(self) -> str:
        return self.to.removeprefix("hub:")


def prefix(job: Job) -> str:
    """The training's folder in the repository; `dataset_prepared_path` in its configuration is a hash of the rows."""
    return hashlib.sha256(jsonl.dumps(dict(sorted(job.config.items())))).hexdigest()[:20]


def along(job: Job) -> Job:
    """The job with the checkpoint among its uploads to which an earlier machine of the same training had come
    (bashgym/rented/saved.py). Axolotl goes on from the newest checkpoint of its output folder."""
    note = Path(job.folder) / job.output / SAVED
    told: dict[str, Any] = jsonl.parse(note.read_bytes()) if note.exists() else {}
    if told.get("of") != prefix(job) or not (note.parent / told["checkpoint"]).is_dir():
        return job
    return structs.replace(job, uploads=(*job.uploads, f"{job.output}/{told['checkpoint']}"))


def variables(job: Job, settings: CheckpointSettings) -> dict[str, str]:
    """What the program needs to know beside HF_TOKEN; nothing where nothing is pushed."""
    if not settings.to:
        return {}
    return {
        "BASHGYM_PUSH_REPOSITORY": settings.repository,
        "BASHGYM_PUSH_PREFIX": prefix(job),
        "BASHGYM_PUSH_OUTPUT": job.output,
        "BASHGYM_PUSH_SECONDS": f"{settings.every_minutes * 60:g}",
    }


def secrets(settings: CheckpointSettings) -> tuple[str, ...]:
    """Names of the secrets a job that pushes needs there."""
    return (SECRET,) if settings.to else ()


def findings(settings: CheckpointSettings) -> Iterable[Finding]:
    """What keeps checkpoints from being pushed, as far as this machine knows; nothing is asked of the network."""
    if settings.to and not os.environ.get(SECRET):
        message = f"cloud.checkpoint.to={settings.to}: {SECRET} is not set in the environment; a token that may write"
        yield Finding(level="error", message=message)


def ready(api: Any, settings: CheckpointSettings) -> None:
    """Makes the repository where it is missing. Raises RunFailed where the Hub refuses, RecipeError for a public one:
    a model learnt from private code must not be read by all. `api` is a huggingface_hub.HfApi."""
    import httpx

    from bashgym.rented.pushed import patiently

    name = settings.repository
    try:
        patiently(lambda: api.create_repo(name, private=True, exist_ok=True))
        private = patiently(lambda: api.repo_info(name)).private
    except httpx.HTTPError as error:
        told = " ".join(str(error).split())[:200]
        raise RunFailed(f"cloud.checkpoint.to={settings.to}: the Hub does not let us ({told})") from None
    if not private:
        raise RecipeError(
            f"cloud.checkpoint.to={settings.to}: the repository is public; make it private or take another"
        )


def forget(api: Any, settings: CheckpointSettings, under: str) -> bool:
    """Takes a training's checkpoints off the Hub once its result is here, and says whether none is left there; `under`
    is its `prefix`. A Hub that does not answer is no reason for a training to fail that has come to its end."""
    import httpx

    from bashgym.rented import pushed

    try:
        if settings.to and pushed.sizes(api, settings.repository, under):
            pushed.remove(api, settings.repository, [under])
    except httpx.HTTPError:
        return False
    return True
