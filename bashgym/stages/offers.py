"""What a training would cost on every cloud that rents, side by side. Nothing is rented by asking."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import structs

from bashgym import recipe, yamls
from bashgym.choices import Choice, Recipe
from bashgym.errors import BashGymError
from bashgym.places import presets
from bashgym.records import Job, Quote
from bashgym.rented.caps import beyond
from bashgym.rented.settings import limits_of

# what is typed of the chosen cloud and means the same on any other: how large a machine, and what it may cost
ALIKE = ("cloud.limits.", "cloud.gpu.min_vram_gb=", "cloud.gpu.count=")


class Answer(NamedTuple):
    """A cloud's word: a quote, or why there is none; `beyond` says why it would be refused."""

    cloud: str
    quote: Quote | None
    beyond: str
    limits: dict[str, Any]


def renting() -> list[str]:
    """The presets of clouds that cost money, by name."""
    return [label for label, file in sorted(presets("cloud").items()) if costs(file)]


def costs(file: Path) -> bool:
    content = yamls.load(file.read_text(encoding="utf-8"))
    return isinstance(content, dict) and "max_usd" in (content.get("limits") or {})


def elsewhere(argv: Sequence[str], label: str) -> list[str]:
    """The same command line on another cloud."""
    kept = [text for text in argv if not text.lstrip("+~").startswith(("cloud=", "cloud.")) or text.startswith(ALIKE)]
    return [*kept, f"cloud={label}"]


def side_by_side(argv: Sequence[str], chosen: Recipe, job: Job, quote: Quote | None = None) -> list[Answer]:
    """Every renting cloud's answer for a job, the recipe's own cloud as it was typed; `quote` is that one's if known.

    `sky.yaml` and the like of each are written into a folder of its own in the job's folder."""
    mine = chosen.one("cloud").label
    with ThreadPoolExecutor(max_workers=4) as pool:
        asked = []
        for label in renting():
            if label == mine and quote is not None:
                asked.append(pool.submit(answer, chosen.one("cloud"), job, quote))
                continue
            try:
                choice = recipe.load(argv if label == mine else elsewhere(argv, label)).one("cloud")
            except BashGymError as error:
                asked.append(pool.submit(Answer, label, None, str(error), {}))
                continue
            asked.append(pool.submit(answer, choice, moved(job, Path(job.folder) / label), None))
        return [one.result() for one in asked]


def answer(choice: Choice, job: Job, quote: Quote | None) -> Answer:
    limits = limits_of(choice.config)
    told = limits.model_dump(mode="json")
    try:
        quote = quote or choice.build().quote(job)
    except BashGymError as error:
        return Answer(choice.label, None, str(error), told)
    return Answer(choice.label, quote, beyond(quote, limits), told)


def moved(job: Job, folder: Path) -> Job:
    """The job as it would be in another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    here = job.folder.rstrip("/")
    command = tuple(part.replace(here, str(folder)) for part in job.command)
    env = {name: value.replace(here, str(folder)) for name, value in job.env.items()}
    return structs.replace(job, folder=str(folder), command=command, env=env)


def as_data(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """The answers as a plan and a script have them."""
    return [
        {
            "cloud": one.cloud,
            "quote": priced(one.quote) if one.quote else None,
            "refused": one.beyond,
            "limits": one.limits,
        }
        for one in answers
    ]


def priced(quote: Quote) -> dict[str, Any]:
    offers = [{name: getattr(offer, name) for name in offer.__struct_fields__} for offer in quote.offers]
    values = {name: getattr(quote, name) for name in ("hours", "usd", "evidence", "note", "details")}
    return {"offers": offers, **values}
