"""What a job would cost on a cloud of SkyPilot's, and what would be sent there. Nothing is rented by asking."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bashgym import jsonl
from bashgym.errors import RecipeError
from bashgym.records import Job, Offer, Quote
from bashgym.rented import catalogue
from bashgym.rented.gpus import MEMORY, fitting, hours
from bashgym.rented.settings import SkyConfig
from bashgym.rented.task import Terms, cluster, inside, task, write

SHOWN = 12  # offers kept, cheapest first


def quoted(config: SkyConfig, job: Job) -> Quote:
    """Writes `sky.yaml` into the job's folder and prices it from SkyPilot's price list on this disk.

    Raises RecipeError for a task SkyPilot refuses, MissingPackage without skypilot."""
    details: dict[str, Any] = {
        "limits": limits(config),
        "uploads": inside(job),
        "credentials": credentials(config.cloud),
    }
    names = accelerators(config, job)
    if not names:
        return missing(too_much(config.cloud, job) if job.gpu else NEEDLESS, details)
    file = render(config, job, names)
    details["sky_yaml"] = str(file)
    prices = catalogue.prices(config.cloud)
    answer = catalogue.ask(
        config.cloud,
        file,
        quote=prices is not None,
        datacenter_only=config.cloud == "vast" and config.datacenter_only,
    )
    if answer["error"]:
        raise RecipeError(f"SkyPilot refuses {file}: {' '.join(answer['error'].split())[:300]}")
    if prices is None:
        return missing(no_prices(config), details)
    details |= {
        "prices": {"file": str(prices.source), "date": prices.date},
        "refused": dict(sorted(answer["refused"].items())),
    }
    return priced(config, answer, prices, details, job.estimate.get("flops"))


def priced(
    config: SkyConfig,
    answer: dict[str, Any],
    prices: catalogue.Prices,
    details: dict[str, Any],
    flops: float | None,
) -> Quote:
    offers = [offered(config.cloud, one, prices, flops) for one in answer["offers"]]
    offers.sort(key=lambda offer: (offer.usd_per_hour is None, offer.usd_per_hour or 0.0, offer.instance))
    if not offers:
        return missing(f"no machine for this job within cloud.limits: {reasons(answer['refused'])}", details)
    first = offers[0]
    live = f"price list of {prices.date} ({prices.source}), the live price may differ{hosts(answer)}"
    return Quote(
        offers=tuple(offers[:SHOWN]),
        hours=first.hours,
        usd=first.usd,
        evidence="estimated" if first.usd_per_hour else "missing",
        note=f"{worst(config, first.hours)}; {live}",
        details=details,
    )


def offered(cloud: str, found: dict[str, Any], prices: catalogue.Prices, flops: float | None) -> Offer:
    """One machine of SkyPilot's answer."""
    price = found["usd_per_hour"]
    taken = hours(flops, found["accelerators"])
    source = f"price list of {prices.date}"
    return Offer(
        cloud=cloud,
        instance=found["instance"],
        region=found["region"],
        accelerators=found["accelerators"],
        usd_per_hour=price,
        evidence="missing" if price is None else "estimated",
        note=f"no price in the {source}" if price is None else source,
        hours=None if taken is None else round(taken, 2),
        usd=None if taken is None or price is None else round(taken * price, 2),
    )


def render(config: SkyConfig, job: Job, names: tuple[str, ...]) -> Path:
    """`sky.yaml` in the job's folder: what would be launched."""
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
    jsonl.replace(file, write(task(job, terms), notes(config, job)))
    return file


def notes(config: SkyConfig, job: Job) -> Iterable[str]:
    """What someone who launches the file by hand has to know."""
    home, name = catalogue.place(config.cloud), cluster(job)
    secrets = "".join(f" --secret {secret}" for secret in config.secrets)
    yield f"launch: HOME={home} sky launch --down -c {name}{secrets} sky.yaml"
    yield f"That HOME must hold {catalogue.KEYS[config.cloud]} and no other key: SkyPilot may copy every cloud's key"
    yield "it finds in HOME to the machine it rents."
    yield f"{config.teardown.idle_minutes} minutes after the job the machine deletes itself. Before that:"
    yield f"rsync -Pavz -e 'ssh -F {home}/.sky/generated/ssh/{name}' {name}:bashgym-job/{job.output} ."


def accelerators(config: SkyConfig, job: Job) -> tuple[str, ...]:
    """`L4:1` and so on: any of them will do; none where the job needs no GPU or none is large enough."""
    if not job.gpu:
        return ()
    names = fitting(config.cloud, job.gpu, config.gpu.prefer)
    return tuple(f"{name}:{job.gpu.get('count', 1)}" for name in names)


def limits(config: SkyConfig) -> dict[str, Any]:
    idle = config.teardown.idle_minutes
    return config.limits.model_dump() | {"idle_minutes": idle, "train_seconds": config.limits.seconds(idle)}


def credentials(cloud: str) -> list[str]:
    """The only key file SkyPilot can see, and so the only one it could copy to the machine."""
    return [str(catalogue.place(cloud) / catalogue.KEYS[cloud])]


NEEDLESS = "this job needs no GPU (training.device=cpu); train it with cloud=local, or set training.device=cuda"


def too_much(cloud: str, job: Job) -> str:
    need, largest = job.gpu.get("min_vram_gb"), max(MEMORY[cloud].values())
    return f"the job needs {need} GB a GPU and the largest of this cloud has {largest}; take a smaller model"


def worst(config: SkyConfig, taken: float | None = None) -> str:
    """What it costs at most, and whether the time it is estimated to take is allowed for."""
    most = f"at most ${config.limits.max_usd:.2f} (cloud.limits.max_usd)"
    if taken is None:
        return f"hours are not estimated; {most}"
    allowed = config.limits.seconds(config.teardown.idle_minutes) / 3600
    short = f"; the limits allow {allowed:.1f} hours of training: raise them, or train less" if taken > allowed else ""
    return f"on the cheapest machine; {most}{short}"


def hosts(answer: dict[str, Any]) -> str:
    return "" if answer["hosts_known"] else "; it does not tell datacentres from private hosts, which cost less"


def no_prices(config: SkyConfig) -> str:
    return (
        f"no price list of {config.cloud} on this machine; `sky gpus list --infra {config.cloud}`, run once with "
        f"network access, puts it into ~/.sky; {worst(config)}"
    )


def reasons(refused: dict[str, str]) -> str:
    """`A100:1 costs $1.64/h or more; L4:1 not offered`, at most six."""
    shown = [f"{name} {reason}" for name, reason in sorted(refused.items())][:6]
    return "; ".join(shown) + (" ..." if len(refused) > 6 else "") + "; raise cloud.limits or change cloud.gpu.prefer"


def missing(note: str, details: dict[str, Any]) -> Quote:
    return Quote(offers=(), hours=None, usd=None, evidence="missing", note=note, details=details)
