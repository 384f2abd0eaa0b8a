"""A rented GPU through SkyPilot (RunPod, Lambda, Vast): what it would cost and send away; launching is still to come.

Nothing is rented and nothing is uploaded by anything in this file."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from pydantic import Field, ValidationInfo, field_validator

from bashgym import jsonl
from bashgym.config import Config as Settings
from bashgym.errors import RecipeError, RunFailed, did_you_mean
from bashgym.records import Finding, Job, Offer, Progress, Quote, Submission
from bashgym.rented import catalogue
from bashgym.rented.gpus import MEMORY, fitting, hours
from bashgym.rented.task import Terms, cluster, inside, task, write

NO_SPOT = {
    "lambda": "Lambda rents no spot machines",
    "vast": "SkyPilot would rent an on-demand machine on Vast and call it free",
}
NOT_YET = (
    "this version does not launch rented machines: add --plan to see machine, price and what would be uploaded, "
    "train here with cloud=local, or launch the sky.yaml of the plan yourself with `sky launch`"
)
SHOWN = 12  # offers kept, cheapest first


class Gpu(Settings):
    prefer: tuple[str, ...] = ()
    """GPU names as SkyPilot spells them; the cheapest is taken. Where none is large enough, or empty: any that is."""


class Limits(Settings):
    max_hourly_usd: float = Field(default=1.0, gt=0)
    """Dollars an hour a machine may cost by the price list."""
    max_hours: float = Field(default=4.0, gt=0)
    """Hours a machine may be up, start and idle time included."""
    max_usd: float = Field(default=4.0, gt=0)
    """Dollars a run may cost."""
    launch_minutes: int = Field(default=15, ge=1)
    """Minutes for a machine to start and load its image."""

    def seconds(self, idle_minutes: int) -> int:
        """Seconds left for training when start, idling and the dearest allowed machine are paid for."""
        hours = min(self.max_hours, self.max_usd / self.max_hourly_usd)
        return round(hours * 3600) - 60 * (self.launch_minutes + idle_minutes)


class Teardown(Settings):
    idle_minutes: int = Field(default=10, ge=1)
    """Minutes without a job after which the machine deletes itself."""


class Cloud:
    class Config(Settings):
        infra: str
        """`runpod`, `lambda` or `vast`, with a region if it matters: `lambda/us-east-1`."""
        gpu: Gpu = Gpu()
        """Which GPU, beyond the memory the training needs."""
        spot: bool = False
        """Rent a machine that may be taken back at any time, for less; RunPod only."""
        disk_gb: int = Field(default=120, ge=20)
        """Disk of the machine in GB; clouds charge for it."""
        image: str = "docker:axolotlai/axolotl-uv:0.19.0"
        """The image, with a pinned tag: the Axolotl release that cloud=local trains with."""
        teardown: Teardown = Teardown()
        """When the machine is deleted."""
        limits: Limits = Limits()
        """What may be spent."""
        secrets: tuple[str, ...] = ()
        """Names of environment variables the job needs there; their values are written nowhere."""
        datacenter_only: bool = True
        """On Vast: no machines in private homes. RunPod and Lambda rent out only datacentres here."""

        @field_validator("infra")
        @classmethod
        def known(cls, infra: str) -> str:
            name = infra.split("/")[0]
            if name not in MEMORY:
                raise ValueError(f"no such cloud{did_you_mean(name, MEMORY)}")
            return infra

        @field_validator("spot")
        @classmethod
        def possible(cls, spot: bool, info: ValidationInfo) -> bool:
            reason = NO_SPOT.get(str(info.data.get("infra", "")).split("/")[0])
            if spot and reason:
                raise ValueError(f"{reason}; set cloud.spot=false or take cloud=runpod")
            return spot

        @field_validator("gpu")
        @classmethod
        def spelled(cls, gpu: Gpu, info: ValidationInfo) -> Gpu:
            cloud = str(info.data.get("infra", "")).split("/")[0]
            for name in gpu.prefer:
                if cloud in MEMORY and name not in MEMORY[cloud]:
                    raise ValueError(f"{cloud} has no GPU '{name}'{did_you_mean(name, MEMORY[cloud])}")
            return gpu

        @field_validator("limits")
        @classmethod
        def enough(cls, limits: Limits, info: ValidationInfo) -> Limits:
            teardown = info.data.get("teardown", Teardown())
            if limits.seconds(teardown.idle_minutes) < 60:
                raise ValueError(
                    "no time to train is left beside launch_minutes and teardown.idle_minutes; "
                    "raise cloud.limits.max_usd or cloud.limits.max_hours"
                )
            return limits

    def __init__(self, config: Config) -> None:
        self.config = config
        self.cloud = config.infra.split("/")[0]

    def preflight(self, job: Job) -> Iterable[Finding]:
        """Always at least one error: launching is not there yet."""
        yield Finding(level="error", message=f"cloud={self.cloud}: {NOT_YET}")
        if not job.gpu:
            yield Finding(level="error", message=f"cloud={self.cloud}: {self.needless()}")
        elif not self.accelerators(job):
            yield Finding(level="error", message=f"cloud={self.cloud}: {self.too_much(job)}")
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
        """Writes `sky.yaml` into the job's folder and prices it from SkyPilot's price list on this disk.

        Raises RecipeError for a task SkyPilot refuses, MissingPackage without skypilot."""
        details: dict[str, Any] = {"limits": self.limits(), "uploads": inside(job), "credentials": self.credentials()}
        names = self.accelerators(job)
        if not names:
            return missing(self.too_much(job) if job.gpu else self.needless(), details)
        file = self.render(job, names)
        details["sky_yaml"] = str(file)
        prices = catalogue.prices(self.cloud)
        answer = catalogue.ask(
            self.cloud,
            file,
            quote=prices is not None,
            datacenter_only=self.cloud == "vast" and self.config.datacenter_only,
        )
        if answer["error"]:
            raise RecipeError(f"SkyPilot refuses {file}: {' '.join(answer['error'].split())[:300]}")
        if prices is None:
            return missing(self.no_prices(), details)
        details |= {
            "prices": {"file": str(prices.source), "date": prices.date},
            "refused": dict(sorted(answer["refused"].items())),
        }
        return self.priced(answer, prices, details, job.estimate.get("flops"))

    def priced(
        self, answer: dict[str, Any], prices: catalogue.Prices, details: dict[str, Any], flops: float | None
    ) -> Quote:
        source = f"price list of {prices.date}"
        offers = [
            Offer(
                cloud=self.cloud,
                instance=offer["instance"],
                region=offer["region"],
                accelerators=offer["accelerators"],
                usd_per_hour=offer["usd_per_hour"],
                evidence="missing" if offer["usd_per_hour"] is None else "estimated",
                note=f"no price in the {source}" if offer["usd_per_hour"] is None else source,
            )
            for offer in answer["offers"]
        ]
        offers.sort(key=lambda offer: (offer.usd_per_hour is None, offer.usd_per_hour or 0.0, offer.instance))
        if not offers:
            return missing(f"no machine for this job within cloud.limits: {reasons(answer['refused'])}", details)
        taken = hours(flops, offers[0].accelerators)
        price = offers[0].usd_per_hour
        return Quote(
            offers=tuple(offers[:SHOWN]),
            hours=None if taken is None else round(taken, 2),
            usd=None if taken is None or price is None else round(taken * price, 2),
            evidence="estimated" if price else "missing",
            note=f"{self.worst(taken)}; {source} ({prices.source}), the live price may differ{self.hosts(answer)}",
            details=details,
        )

    def render(self, job: Job, names: tuple[str, ...]) -> Path:
        config = self.config
        terms = Terms(
            infra=config.infra,
            accelerators=names,
            spot=config.spot,
            disk_gb=config.disk_gb,
            image=config.image,
            max_hourly_usd=config.limits.max_hourly_usd,
            seconds=config.limits.seconds(config.teardown.idle_minutes),
            idle_minutes=config.teardown.idle_minutes,
            secrets=config.secrets,
            datacenter_only=config.datacenter_only,
        )
        file = Path(job.folder) / "sky.yaml"
        jsonl.replace(file, write(task(job, terms), self.notes(job)))
        return file

    def notes(self, job: Job) -> Iterable[str]:
        """What someone who launches the file by hand has to know."""
        home, name = catalogue.place(self.cloud), cluster(job)
        secrets = "".join(f" --secret {secret}" for secret in self.config.secrets)
        yield f"launch: HOME={home} sky launch --down -c {name}{secrets} sky.yaml"
        yield f"That HOME must hold {catalogue.KEYS[self.cloud]} and no other key: SkyPilot may copy every cloud's key"
        yield "it finds in HOME to the machine it rents."
        yield f"{self.config.teardown.idle_minutes} minutes after the job the machine deletes itself. Before that:"
        yield f"rsync -Pavz -e 'ssh -F {home}/.sky/generated/ssh/{name}' {name}:bashgym-job/{job.output} ."

    def accelerators(self, job: Job) -> tuple[str, ...]:
        """`L4:1` and so on: any of them will do; none where the job needs no GPU or none is large enough."""
        if not job.gpu:
            return ()
        names = fitting(self.cloud, job.gpu, self.config.gpu.prefer)
        return tuple(f"{name}:{job.gpu.get('count', 1)}" for name in names)

    def limits(self) -> dict[str, Any]:
        limits = self.config.limits
        idle = self.config.teardown.idle_minutes
        return limits.model_dump() | {"idle_minutes": idle, "train_seconds": limits.seconds(idle)}

    def credentials(self) -> list[str]:
        """The only key file SkyPilot can see, and so the only one it could copy to the machine."""
        return [str(catalogue.place(self.cloud) / catalogue.KEYS[self.cloud])]

    def needless(self) -> str:
        return "this job needs no GPU (training.device=cpu); train it with cloud=local, or set training.device=cuda"

    def too_much(self, job: Job) -> str:
        need, largest = job.gpu.get("min_vram_gb"), max(MEMORY[self.cloud].values())
        return f"the job needs {need} GB a GPU and the largest of this cloud has {largest}; take a smaller model"

    def worst(self, taken: float | None = None) -> str:
        """What it costs at most, and whether the time it is estimated to take is allowed for."""
        limits = self.config.limits
        most = f"at most ${limits.max_usd:.2f} (cloud.limits.max_usd)"
        if taken is None:
            return f"hours are not estimated; {most}"
        allowed = limits.seconds(self.config.teardown.idle_minutes) / 3600
        short = (
            f"; the limits allow {allowed:.1f} hours of training: raise them, or train less" if taken > allowed else ""
        )
        return f"on the cheapest machine; {most}{short}"

    def hosts(self, answer: dict[str, Any]) -> str:
        return "" if answer["hosts_known"] else "; it does not tell datacentres from private hosts, which cost less"

    def no_prices(self) -> str:
        return (
            f"no price list of {self.cloud} on this machine; `sky gpus list --infra {self.cloud}`, run once with "
            f"network access, puts it into ~/.sky; {self.worst()}"
        )

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


def reasons(refused: dict[str, str]) -> str:
    """`A100:1 costs $1.64/h or more; L4:1 not offered`, at most six."""
    shown = [f"{name} {reason}" for name, reason in sorted(refused.items())][:6]
    return "; ".join(shown) + (" ..." if len(refused) > 6 else "") + "; raise cloud.limits or change cloud.gpu.prefer"


def missing(note: str, details: dict[str, Any]) -> Quote:
    return Quote(offers=(), hours=None, usd=None, evidence="missing", note=note, details=details)
