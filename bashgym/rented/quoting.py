"""What a job would cost on a cloud of SkyPilot's, and what would be sent there. Nothing is rented by asking."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec import structs

from bashgym import jsonl
from bashgym.errors import RecipeError
from bashgym.records import Job, Offer, Quote
from bashgym.rented import asking, catalogue, checkpoints
from bashgym.rented.caps import reasons
from bashgym.rented.gpus import fitting, hours, memory
from bashgym.rented.quotes import cheapest, costed, missing
from bashgym.rented.settings import SkyConfig
from bashgym.rented.task import Terms, cluster, inside, task, write


def quoted(config: SkyConfig, job: Job) -> Quote:
    """Writes `sky.yaml` into the job's folder and prices it from SkyPilot's price list on this disk.

    Raises RecipeError for a task SkyPilot refuses, MissingPackage without skypilot."""
    details: dict[str, Any] = {
        "limits": limits(config),
        "uploads": inside(checkpoints.along(job)),
        "credentials": credentials(config.cloud),
    }
    names = accelerators(config, job)
    if not names:
        return missing(too_much(config, job) if job.gpu else NEEDLESS, details)
    file = render(config, job, names)
    details["sky_yaml"] = str(file)
    prices = catalogue.prices(config.cloud)
    answer = asking.ask(
        config.cloud,
        file,
        quote=prices is not None,
        datacenter_only=config.cloud == "vast" and config.datacenter_only,
    )
    if answer["error"]:
        raise RecipeError(f"SkyPilot refuses {file}: {' '.join(answer['error'].split())[:300]}")
    if config.cloud in catalogue.OWN:
        return owned(config, names, details)
    if prices is None:
        return missing(no_prices(config), details)
    details |= {
        "prices": {"file": str(prices.source), "date": prices.date},
        "refused": dict(sorted(answer["refused"].items())),
    }
    found = unpriced_apart(answer["offers"])
    quote = priced(config, answer | {"offers": found}, prices, details, job.estimate.get("flops"))
    if quote.offers and quote.offers[0].usd_per_hour:
        render(config, job, tuple(dict.fromkeys(one["accelerators"] for one in found if one["usd_per_hour"])))
    return quote


def unpriced_apart(offers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The offers, without a price where any machine with the same card has none: a card is all that is asked for, and
    SkyPilot would take the machine that seems to cost nothing before any other."""
    unpriced = {one["accelerators"] for one in offers if not one["usd_per_hour"]}
    return [one | {"usd_per_hour": None} if one["accelerators"] in unpriced else one for one in offers]


def owned(config: SkyConfig, names: tuple[str, ...], details: dict[str, Any]) -> Quote:
    """The quote of machines their user has: no price, as nothing is rented."""
    note = f"infra={config.infra}: machines of your own; nothing is rented, and SkyPilot has no price for them"
    offer = Offer(
        cloud=config.cloud,
        instance=config.infra,
        region="",
        accelerators=names[0] if len(names) == 1 else f"{names[0]} or larger",
        usd_per_hour=0.0,
        evidence="estimated",
        note=note,
    )
    return Quote(offers=(offer,), hours=None, usd=None, evidence="missing", note=note, details=details | {"own": True})


def priced(
    config: SkyConfig,
    answer: dict[str, Any],
    prices: catalogue.Prices,
    details: dict[str, Any],
    flops: float | None,
) -> Quote:
    offers = [offered(config, one, prices, flops) for one in answer["offers"]]
    offers.sort(key=lambda offer: (offer.usd_per_hour is None, offer.usd_per_hour or 0.0, offer.instance))
    if not offers:
        return missing(f"no machine for this job within cloud.limits: {reasons(answer['refused'])}", details)
    live = f"price list of {prices.date} ({prices.source}), the live price may differ{hosts(answer)}"
    return cheapest(offers, f"{worst(config, offers[0].hours)}; {live}", details)


def offered(config: SkyConfig, found: dict[str, Any], prices: catalogue.Prices, flops: float | None) -> Offer:
    """One machine of SkyPilot's answer, or so many of it as the job wants; the price is of all."""
    nodes = config.num_nodes
    price = None if found["usd_per_hour"] is None else round(found["usd_per_hour"] * nodes, 4)
    taken = hours(flops, found["accelerators"], nodes)
    source = f"price list of {prices.date}"
    return costed(
        price,
        taken,
        cloud=config.cloud,
        instance=found["instance"] if nodes == 1 else f"{nodes} x {found['instance']}",
        region=found["region"],
        accelerators=found["accelerators"],
        note=f"no price in the {source}" if price is None else source,
    )


def render(config: SkyConfig, job: Job, names: tuple[str, ...]) -> Path:
    """`sky.yaml` in the job's folder: what would be launched."""
    terms = Terms(
        infra=config.infra,
        accelerators=names,
        spot=config.spot,
        disk_gb=config.disk_gb,
        image=config.image,
        max_hourly_usd=round(config.limits.max_hourly_usd / config.num_nodes, 4),
        seconds=config.limits.seconds(config.teardown.idle_minutes),
        idle_minutes=config.teardown.idle_minutes,
        secrets=tuple(dict.fromkeys([*config.secrets, *checkpoints.secrets(config.checkpoint)])),
        push=bool(config.checkpoint.to),
        datacenter_only=config.datacenter_only,
        nodes=config.num_nodes,
        cards=config.gpu.count,
    )
    file = Path(job.folder) / "sky.yaml"
    job = checkpoints.along(structs.replace(job, env={**job.env, **checkpoints.variables(job, config.checkpoint)}))
    jsonl.replace(file, write(task(job, terms), notes(config, job)))
    return file


def notes(config: SkyConfig, job: Job) -> Iterable[str]:
    """What someone who launches the file by hand has to know."""
    home, name = catalogue.place(config.cloud), cluster(job)
    secrets = "".join(f" --secret {secret}" for secret in config.secrets)
    yield f"launch: HOME={home} sky launch --down -c {name}{secrets} sky.yaml"
    yield f"That HOME must hold {catalogue.KEYS.get(config.cloud, 'its key')} and no other key: SkyPilot may copy"
    yield "every cloud's key that it finds in HOME to the machine it rents."
    yield f"{config.teardown.idle_minutes} minutes after the job the machine deletes itself. Before that:"
    yield f"rsync -Pavz -e 'ssh -F {home}/.sky/generated/ssh/{name}' {name}:bashgym-job/{job.output} ."


def accelerators(config: SkyConfig, job: Job) -> tuple[str, ...]:
    """`L4:1` and so on: any of them will do; none where the job needs no GPU or none is large enough."""
    if not job.gpu:
        return ()
    return tuple(f"{name}:{config.gpu.count}" for name in fitting(config.cloud, needed(config, job), config.gpu.prefer))


def needed(config: SkyConfig, job: Job) -> float:
    """GB a card: what the recipe says, else what the training is estimated to need."""
    return float(config.gpu.min_vram_gb or job.gpu.get("min_vram_gb", 0))


def limits(config: SkyConfig) -> dict[str, Any]:
    idle = config.teardown.idle_minutes
    return config.limits.model_dump() | {"idle_minutes": idle, "train_seconds": config.limits.seconds(idle)}


def credentials(cloud: str) -> list[str]:
    """The only key file SkyPilot can see, and so the only one it could copy to the machine."""
    key = catalogue.KEYS.get(cloud)
    return [str(catalogue.place(cloud) / key)] if key else [f"whatever of {cloud}'s is in {catalogue.place(cloud)}"]


NEEDLESS = "this job needs no GPU (training.device=cpu); train it with cloud=local, or set training.device=cuda"


def too_much(config: SkyConfig, job: Job) -> str:
    need, largest = needed(config, job), max(memory(config.cloud).values())
    return f"the job needs {need:g} GB a GPU and the largest of this cloud has {largest}; take a smaller model"


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
