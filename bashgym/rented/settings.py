"""The keys that presets of conf/cloud/ share: which GPU, what may be spent, when a machine is deleted."""

from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from bashgym.config import Config as Settings
from bashgym.errors import did_you_mean
from bashgym.rented.catalogue import NAMES
from bashgym.rented.checkpoints import CheckpointSettings
from bashgym.rented.gpus import MEMORY

NO_SPOT = {
    "lambda": "Lambda rents no spot machines",
    "vast": "SkyPilot would rent an on-demand machine on Vast and call it free",
}
NO_NODES = {
    "runpod": "SkyPilot rents no machines on RunPod that are connected to each other",
    "vast": "the machines of Vast are different people's and not connected to each other",
}


class Gpu(Settings):
    min_vram_gb: int = Field(default=0, ge=0)
    """GB of memory a card; 0: what the training is estimated to need."""
    count: int = Field(default=1, ge=1)
    """Cards a machine; with more than one, the rows of each step are divided among them."""
    prefer: tuple[str, ...] = ()
    """GPU names as SkyPilot spells them; the cheapest is taken. Where none is large enough, or empty: any that is."""


class Limits(Settings):
    max_hourly_usd: float = Field(default=1.0, gt=0)
    """Dollars an hour that the machines of a run may cost together."""
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


def limits_of(config: object) -> Any:
    """The limits of a cloud that costs money, None of one that does not."""
    limits = getattr(config, "limits", None)
    return limits if hasattr(limits, "max_usd") else None


class SkyConfig(Settings):
    """A preset of the plugin skypilot."""

    infra: str
    """A cloud of SkyPilot's, with a region if it matters: `runpod`, `lambda/us-east-1`, `aws`, `k8s/CONTEXT`."""
    num_nodes: int = Field(default=1, ge=1)
    """Machines that train together, each with `gpu.count` cards; where the cloud connects them."""
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
    checkpoint: CheckpointSettings = CheckpointSettings()
    """Where checkpoints go while it trains, so that a lost machine loses little."""
    secrets: tuple[str, ...] = ()
    """Names of environment variables the job needs there; their values are written nowhere."""
    datacenter_only: bool = True
    """On Vast: no machines in private homes. RunPod and Lambda rent out only datacentres here."""

    @property
    def cloud(self) -> str:
        """The name without a region."""
        return self.infra.split("/")[0]

    @field_validator("infra")
    @classmethod
    def known(cls, infra: str) -> str:
        name = infra.split("/")[0]
        if name not in NAMES:
            raise ValueError(f"no such cloud{did_you_mean(name, NAMES)}")
        return infra

    @field_validator("spot")
    @classmethod
    def taken_back(cls, spot: bool, info: ValidationInfo) -> bool:
        reason = NO_SPOT.get(cloud_of(info))
        if spot and reason:
            raise ValueError(f"{reason}; set cloud.spot=false or take cloud=runpod")
        return spot

    @field_validator("num_nodes")
    @classmethod
    def connected(cls, num_nodes: int, info: ValidationInfo) -> int:
        reason = NO_NODES.get(cloud_of(info))
        if num_nodes > 1 and reason:
            raise ValueError(f"{reason}; take more cards on one (cloud.gpu.count=2), or cloud=lambda")
        return num_nodes

    @field_validator("gpu")
    @classmethod
    def spelled(cls, gpu: Gpu, info: ValidationInfo) -> Gpu:
        known = MEMORY.get(cloud_of(info), {})
        for name in gpu.prefer:
            if known and name not in known:
                raise ValueError(f"{cloud_of(info)} has no GPU '{name}'{did_you_mean(name, known)}")
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


def cloud_of(info: ValidationInfo) -> str:
    """The cloud of settings that are being checked; `infra` comes first among them."""
    return str(info.data.get("infra", "")).split("/")[0]
