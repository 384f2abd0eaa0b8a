"""A rented GPU through SkyPilot (RunPod, Lambda, Vast): what it would cost; launching is still to come."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from bashgym.errors import RecipeError, RunFailed
from bashgym.records import Finding, Job, Progress, Quote, Submission
from bashgym.rented import quoting
from bashgym.rented.settings import SkyConfig
from bashgym.rented.task import inside

NOT_YET = (
    "this version does not launch rented machines: add --plan to see machine, price and what would be uploaded, "
    "train here with cloud=local, or launch the sky.yaml of the plan yourself with `sky launch`"
)


class Cloud:
    class Config(SkyConfig):
        """Its keys are in bashgym/rented/settings.py."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cloud = config.cloud

    def preflight(self, job: Job) -> Iterable[Finding]:
        """Always at least one error: launching is not there yet."""
        yield Finding(level="error", message=f"cloud={self.cloud}: {NOT_YET}")
        if not job.gpu:
            yield Finding(level="error", message=f"cloud={self.cloud}: {quoting.NEEDLESS}")
        elif not quoting.accelerators(self.config, job):
            yield Finding(level="error", message=f"cloud={self.cloud}: {quoting.too_much(self.config, job)}")
        try:
            inside(job)
        except RecipeError as error:
            yield Finding(level="error", message=str(error))
        if ":" not in self.config.image.removeprefix("docker:") or self.config.image.endswith("latest"):
            yield Finding(level="warning", message=f"cloud.image={self.config.image} may change any day; pin a tag")
        if self.cloud == "vast" and not self.config.datacenter_only:
            yield Finding(level="warning", message="cloud.datacenter_only=false lets private computers have your code")
        for name in self.config.secrets:
            if not os.environ.get(name):
                yield Finding(level="warning", message=f"cloud.secrets: {name} is not set in the environment")

    def quote(self, job: Job) -> Quote:
        """From SkyPilot's price list on this disk; `sky.yaml` is written into the job's folder."""
        return quoting.quoted(self.config, job)

    def submit(self, job: Job) -> Submission:
        self.refuse()

    def follow(self, submission: Submission) -> Iterator[Progress]:
        self.refuse()

    def fetch(self, submission: Submission) -> Path:
        self.refuse()

    def cancel(self, submission: Submission) -> None:
        self.refuse()

    def down(self, submission: Submission) -> None:
        self.refuse()

    def refuse(self) -> NoReturn:
        raise RunFailed(f"cloud={self.cloud}: {NOT_YET}")
