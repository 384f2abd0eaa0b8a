"""A rented GPU through SkyPilot (RunPod, Lambda, Vast ...), within limits on money and time, and always given back."""

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bashgym.records import Finding, Job, Progress, Quote, Submission
from bashgym.rented import checkpoints, home, quoting, rules
from bashgym.rented.settings import SkyConfig

if TYPE_CHECKING:
    from bashgym.rented.renting import Renting


class Cloud:
    class Config(SkyConfig):
        """Its keys are in bashgym/rented/settings.py."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cloud = config.cloud

    @cached_property
    def renting(self) -> "Renting":
        """What rents, not loaded before a machine is wanted: every recipe's settings are checked at every start."""
        from bashgym.rented.renting import Renting

        return Renting(self.config)

    @property
    def left_usd(self) -> float | None:
        """What is left of a cap that several runs share; None where there is none."""
        return self.renting.left_usd

    @left_usd.setter
    def left_usd(self, usd: float | None) -> None:
        self.renting.left_usd = usd

    def preflight(self, job: Job) -> Iterable[Finding]:
        """What keeps a machine from being rented, or its user should know before; nothing is asked of the network."""
        yield from rules.findings(self.config, job)
        for name in self.config.secrets:
            if not os.environ.get(name):
                yield Finding(level="error", message=f"cloud.secrets: {name} is not set in the environment; set it")
        yield from checkpoints.findings(self.config.checkpoint)
        for lack in home.lacks(self.cloud):
            yield Finding(level="error", message=f"cloud={self.cloud}: {lack}")

    def quote(self, job: Job) -> Quote:
        """From SkyPilot's price list on this disk; `sky.yaml` is written into the job's folder."""
        return quoting.quoted(self.config, job)

    def submit(self, job: Job) -> Submission:
        """Noted in the ledger; the machine is asked for when the submission is followed."""
        return self.renting.submit(job)

    def follow(self, submission: Submission) -> Iterator[Progress]:
        """Also what another program launched; see bashgym/rented/renting.py for how."""
        yield from self.renting.follow(submission)

    def fetch(self, submission: Submission) -> Path:
        return self.renting.fetch(submission)

    def cancel(self, submission: Submission) -> None:
        self.renting.cancel(submission)

    def down(self, submission: Submission) -> None:
        self.renting.down(submission)
