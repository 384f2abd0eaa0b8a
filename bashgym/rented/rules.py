"""What each cloud cannot do, or does otherwise than its users expect, told before anything is rented: the reason, and
the way out. What may be chosen only for some clouds (spot, machines that train together) is in settings.py.

Sources: SkyPilot 0.14.1's own tables (`_CLOUD_UNSUPPORTED_FEATURES` of each cloud, which a test compares with ours),
its list of files that go to a machine, and the clouds' pages on what they charge for."""

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path

from bashgym import jsonl
from bashgym.errors import RecipeError
from bashgym.records import Finding, Job
from bashgym.rented import catalogue, quoting
from bashgym.rented.settings import SkyConfig
from bashgym.rented.task import inside
from bashgym.training.rewards import ORDER

TESTED = "docker:axolotlai/axolotl-uv:0.19.0"
CHARGES_DISK = ("runpod", "vast")  # beside the price of the machine; on Lambda the disk is part of it
CONTAINERS = ("runpod", "vast")  # what is rented is itself a container: no user namespaces in it, as a rule


def findings(config: SkyConfig, job: Job) -> Iterator[Finding]:
    """In the order in which a user should read them."""
    for error in impossible(config, job):
        yield Finding(level="error", message=f"cloud={config.cloud}: {error}")
    for warning in risky(config, job):
        yield Finding(level="warning", message=warning)
    for line in told(config, job):
        yield Finding(level="info", message=line)


def impossible(config: SkyConfig, job: Job) -> Iterator[str]:
    if not job.gpu:
        yield quoting.NEEDLESS
    elif not quoting.accelerators(config, job):
        yield quoting.too_much(config, job)
    try:
        inside(job)
    except RecipeError as error:
        yield str(error)
    name = config.image.removeprefix("docker:")
    if ":" not in name or name.endswith("latest"):
        yield f"cloud.image={config.image} may be another one tomorrow; name one by a fixed tag, such as {TESTED}"
    elif "axolotl-cloud" in name:
        yield f"cloud.image={config.image} opens a terminal of its own and ends the job with it; take {TESTED}"
    if config.cloud == "vast" and importlib.util.find_spec("vastai_sdk") is None:
        yield (
            "Vast's SDK is not installed: pip install 'bashgym[vast]'. It is an extra of its own because it needs "
            "borb, whose licence is AGPL (or a commercial one); cloud=runpod and cloud=lambda do not"
        )
    yield from boxes(config, job)


def boxes(config: SkyConfig, job: Job) -> Iterator[str]:
    """A reward that runs answers needs a box over there, and not every box works inside a rented container."""
    for one in rewards(job):
        box, key = one["config"].get("box"), f"reward.{one['label']}.box"
        if box == "docker" and config.image.startswith("docker:"):
            yield f"{key}=docker: the job runs in a container, in which there is no Docker; leave it empty"
        if box == "bubblewrap" and config.cloud in CONTAINERS:
            yield (
                f"{key}=bubblewrap: a container of {config.cloud} lets no program make a namespace of its own; "
                "leave it empty (Landlock is tried too), or take cloud=lambda"
            )


def rewards(job: Job) -> list[dict[str, dict[str, str]]]:
    """The rewards that travel with the job; none where it does not learn from rewards."""
    file = Path(job.folder) / ORDER
    found: list[dict[str, dict[str, str]]] = jsonl.parse(file.read_bytes())["rewards"] if file.exists() else []
    return found


def risky(config: SkyConfig, job: Job) -> Iterator[str]:
    least, peak = quoting.needed(config, job), job.estimate.get("memory_gb") or 0.0
    if job.gpu and peak > least:
        yield (
            f"the training is estimated to need {peak:.0f} GB at its peak, and cards from {least:g} GB on are taken; "
            f"if it runs out of memory set cloud.gpu.min_vram_gb={math.ceil(peak)}"
        )
    if config.image != TESTED and "axolotl-cloud" not in config.image:
        yield f"cloud.image={config.image} is not the one this version is tested with ({TESTED})"
    if config.cloud == "vast" and not config.datacenter_only:
        yield "cloud.datacenter_only=false lets private computers have your rows, and your key of Vast"
    if config.cloud not in catalogue.KEYS:
        folder = catalogue.place(config.cloud)
        yield f"SkyPilot runs with HOME={folder}: put what {config.cloud} needs to know you there, and nothing else"


def told(config: SkyConfig, job: Job) -> Iterator[str]:
    if config.cloud not in catalogue.OWN:
        key = catalogue.KEYS.get(config.cloud, f"{config.cloud}'s key")
        yield (
            f"{key} goes to the rented machine, which deletes itself with it when nobody else does; "
            "use a key you can revoke"
        )
        prices = catalogue.prices(config.cloud)
        if prices and prices.age() > catalogue.OLD:
            way = f"`sky gpus list --infra {config.cloud}` brings it up to date"
            yield f"the price list of {config.cloud} is {prices.age()} days old; {way}"
    if config.cloud in CHARGES_DISK:
        yield f"{config.cloud} charges for the disk (cloud.disk_gb={config.disk_gb}) beside the machine's price"
    if any(one["config"].get("box") is not None for one in rewards(job)):
        yield "rewards run answers in a box over there, tried first; where none works the training does not begin"
