"""Hugging Face Jobs: a training hosted job by job, billed by the minute; the server's own time limit caps the cost."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from bashgym.config import Config as Settings
from bashgym.errors import MissingPackage, RunFailed
from bashgym.gate.report import require
from bashgym.records import Finding, Job, Offer, Progress, Quote, Submission
from bashgym.rented import ledger
from bashgym.rented.checkpoints import CheckpointSettings
from bashgym.rented.ending import steadfast
from bashgym.rented.hosted import door, flavors, hiring, leaving, watching
from bashgym.rented.quotes import cheapest, costed, missing
from bashgym.rented.settings import Limits
from bashgym.rented.task import inside


class Gpu(Settings):
    min_vram_gb: float = Field(default=0, ge=0)
    """GB a card must have; 0: what the training is estimated to need."""
    count: int = Field(default=1, ge=1)
    """Cards a machine must have."""
    prefer: tuple[str, ...] = ()
    """Flavors of the Hub; the cheapest of these is taken where one is large enough. Empty: any that is."""


class Cloud:
    class Config(Settings):
        namespace: str = ""
        """The user or organisation that pays; empty: the one the token belongs to."""
        gpu: Gpu = Gpu()
        """Which GPU, beyond the memory the training needs."""
        image: str = "axolotlai/axolotl-uv:0.19.0"
        """The image, with a pinned tag: the Axolotl release that cloud=local trains with."""
        limits: Limits = Limits(max_hourly_usd=3.0, max_usd=6.0)
        """What may be spent; the Hub itself ends the job in time."""
        checkpoint: CheckpointSettings = CheckpointSettings()
        """Where checkpoints are pushed while it trains."""
        secrets: tuple[str, ...] = ()
        """Names of environment variables the job needs there beside HF_TOKEN; their values are written nowhere."""

        @field_validator("limits")
        @classmethod
        def enough(cls, limits: Limits, info: ValidationInfo) -> Limits:
            if limits.seconds(0) < 60:
                raise ValueError(
                    "no time to train is left beside launch_minutes; raise cloud.limits.max_usd or max_hours"
                )
            return limits

    left_usd: float | None = None  # of a search, whose runs share one cap

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    def allowed(self) -> Limits:
        limits = self.config.limits
        left = limits.max_usd if self.left_usd is None else min(limits.max_usd, self.left_usd)
        return limits.model_copy(update={"max_usd": left})

    def preflight(self, job: Job) -> Iterable[Finding]:
        """Token, right to run jobs, image, what travels; asks the Hub who we are."""
        try:
            inside(job)
            yield from self.token()
        except (RunFailed, MissingPackage) as error:
            yield Finding(level="error", message=str(error))
        if ":" not in self.config.image or self.config.image.endswith("latest"):
            yield Finding(level="warning", message=f"cloud.image={self.config.image} may change any day; pin a tag")
        for name in self.config.secrets:
            if not os.environ.get(name):
                yield Finding(level="error", message=f"cloud.secrets: {name} is not set in the environment")
        names = ", ".join(("HF_TOKEN", *self.config.secrets))
        yield Finding(
            level="info", message=f"the job gets {names} as secrets of the Hub, and pushes its result with it"
        )

    def token(self) -> Iterable[Finding]:
        api = door.client()
        if not door.token():
            yield Finding(level="error", message="no token of the Hub; set HF_TOKEN or run `hf auth login`")
            return
        told = door.user(api)
        role = ((told.get("auth") or {}).get("accessToken") or {}).get("role")
        if role == "read":
            yield Finding(
                level="error", message="the token of the Hub may only read; take one that may write and run jobs"
            )
            return
        namespace = self.config.namespace or told["name"]
        if not door.may_run(api, namespace):
            message = f"the token may not run jobs of {namespace}; allow it to, or set cloud.namespace"
            yield Finding(level="error", message=message)
        if told.get("canPay") is False and not self.config.namespace:
            yield Finding(
                level="warning", message=f"{namespace} has no means of payment on the Hub: jobs may be refused"
            )

    def quote(self, job: Job) -> Quote:
        """Prices of the Hub as of now; where it does not answer, as it last told them."""
        details: dict[str, Any] = {"limits": self.limits(None), "uploads": inside(job)}
        details["credentials"] = ["HF_TOKEN", *self.config.secrets]
        prices = door.prices(door.client())
        if prices is None:
            note = f"the Hub tells no prices now, and none are kept on this machine; {self.worst()}"
            return missing(note, details)
        found = [self.offer(one, prices, job) for one in self.fitting(prices, job)]
        details["prices"] = {"file": prices.source, "date": prices.date}
        if not found:
            note = (
                f"no flavor on offer has {self.config.gpu.count} GPU(s) of {self.need(job):g} GB; take a smaller model"
            )
            return missing(note, details)
        first = found[0]
        details["limits"] = self.limits(first.usd_per_hour)
        hiring.quoted(Path(job.folder), first.instance, first.usd_per_hour)
        return cheapest(found, f"{self.worst()}; {prices.source} of {prices.date}", details)

    def offer(self, one: flavors.Priced, prices: door.PriceList, job: Job) -> Offer:
        taken, price = one.hours(job.estimate.get("flops")), one.usd_per_hour
        return costed(
            price,
            taken,
            cloud="hf_jobs",
            instance=one.flavor,
            region="",
            accelerators=one.accelerators,
            note=f"price list of {prices.date}" if price else f"no price in the list of {prices.date}",
        )

    def need(self, job: Job) -> float:
        return self.config.gpu.min_vram_gb or float(job.gpu.get("min_vram_gb", 0))

    def fitting(self, prices: door.PriceList, job: Job) -> list[flavors.Priced]:
        gpu = self.config.gpu
        count = max(gpu.count, job.gpu.get("count", 1))
        return flavors.fitting(prices.offers, self.need(job), count, gpu.prefer)

    def limits(self, price: float | None) -> dict[str, Any]:
        limits = self.config.limits
        return limits.model_dump() | {"train_seconds": hiring.seconds(limits, price or limits.max_hourly_usd)}

    def worst(self) -> str:
        return f"at most ${self.config.limits.max_usd:.2f} (cloud.limits.max_usd), held by the Hub's own time limit"

    def submit(self, job: Job) -> Submission:
        """Uploads the job; it is started when it is followed. One that is under way in this folder is the submission.

        Raises PrivacyError for rows that did not pass the leak gate, RunFailed for a price that is not allowed."""
        require(Path(job.folder))
        entry = ledger.of_folder(Path(job.folder))
        digest = hiring.digest(job)
        api = door.client()
        if entry is not None and entry.plugin == "hf_jobs":
            if entry.notes.get("digest") == digest and hiring.under_way(entry.submission):
                return entry.submission
            self.down(entry.submission)
        prices = door.prices(api, live=True)
        if prices is None:
            raise RunFailed("hf_jobs: the Hub tells no prices, and nothing is rented unpriced; try again later")
        found = self.fitting(prices, job)
        config = self.config
        flavor, price, seconds = hiring.priced(found, self.allowed, Path(job.folder))
        terms = hiring.Terms(flavor, price, seconds, config.image, config.secrets, config.checkpoint)
        namespace = self.namespace(api)
        submission = Submission(job=job.name, folder=job.folder, id=ledger.new_id())
        hiring.opened(submission, config.model_dump(mode="json"), self.allowed, terms, namespace, digest)
        try:
            hiring.prepared(api, job, submission, terms, namespace)
        except BaseException:
            self.down(submission)
            raise
        return submission

    def namespace(self, api: Any) -> str:
        return self.config.namespace or str(door.user(api)["name"])

    def follow(self, submission: Submission) -> Iterator[Progress]:
        """Metrics and states until the job ends, also in another process than the one that submitted it.

        A job that the platform lost is started again from its last complete checkpoint, as the limits allow."""
        try:
            yield from watching.followed(door.client(), self.allowed, self.config.checkpoint, submission)
        except KeyboardInterrupt:
            self.cancel(submission)
            raise

    def fetch(self, submission: Submission) -> Path:
        """The checkpoint's folder, each file as its SHA-256 says; raises RunFailed where there is none.

        Ctrl-C is put off once, because the result was paid for."""
        with steadfast(lambda: say("fetching the result first; Ctrl-C again gives it up"), 2):
            return watching.fetched(door.client(), submission)

    def cancel(self, submission: Submission) -> None:
        """Ends whatever runs under the submission's mark; raises RunFailed when something goes on."""
        with steadfast(lambda: say("ending the job first; this takes a moment"), 0):
            api = door.client()
            leaving.noted(submission, state="cancelling")
            leaving.end(api, self.payer(api, submission), submission.id)

    def down(self, submission: Submission) -> None:
        """No job left that costs, and no repository but one whose result is not on this disk yet.

        Ctrl-C does not keep it from that. Raises RunFailed, with the way by hand, where a job goes on."""
        with steadfast(lambda: say("ending the job first; this takes a moment"), 0):
            api = door.client()
            namespace = self.payer(api, submission)
            leaving.end(api, namespace, submission.id)
            leaving.clean(api, self.config.checkpoint, namespace, submission)

    def payer(self, api: Any, submission: Submission) -> str:
        """In whose name it was submitted; the token may be another one's by now."""
        entry = ledger.of(submission.id)
        return str(entry.notes["namespace"]) if entry else hiring.namespace_of(submission) or self.namespace(api)


def say(text: str) -> None:
    print(f"bashgym: {text}", file=sys.stderr, flush=True)
