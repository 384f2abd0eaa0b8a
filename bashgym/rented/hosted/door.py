"""What is asked of the Hub by huggingface_hub's own client: who we are, prices, jobs by the mark they were given."""

import datetime
import importlib.util
import os
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, paths
from bashgym.errors import MissingPackage, RunFailed
from bashgym.rented.hosted.flavors import Priced
from bashgym.rented.pushed import patiently, status

LABEL = "bashgym"
TIMEOUT = 120.0  # seconds without a byte; the client's own default is to wait for ever
CONNECT = 4.0
ENDED = ("COMPLETED", "CANCELED", "ERROR", "DELETED")
PER_HOUR = {"minute": 60.0, "hour": 1.0, "second": 3600.0}


def client() -> Any:
    """A huggingface_hub.HfApi. Raises MissingPackage."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingPackage("huggingface_hub", "hub")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import httpx
    from huggingface_hub import HfApi
    from huggingface_hub.utils import get_session

    get_session().timeout = httpx.Timeout(TIMEOUT, connect=CONNECT)
    return HfApi()


def token() -> str | None:
    """The user's token: $HF_TOKEN, or the one that `hf auth login` saved."""
    from huggingface_hub import get_token

    return get_token()


def user(api: Any) -> dict[str, Any]:
    """The Hub's word on who the token is of; raises RunFailed without an answer."""
    return dict(asked(lambda: api.whoami(), "who you are"))


def asked(call: Any, what: str, none: int = 0) -> Any:
    """An answer of the Hub, None where it is the status `none`; raises RunFailed with one line where there is none."""
    import httpx
    from huggingface_hub.errors import LocalTokenNotFoundError

    try:
        return patiently(call)
    except LocalTokenNotFoundError:
        raise RunFailed("hf_jobs: no token of the Hub; set HF_TOKEN or run `hf auth login`") from None
    except httpx.HTTPError as error:
        if none and status(error) == none:
            return None
        raise RunFailed(f"hf_jobs: the Hub does not say {what} ({told(error)}); try again later") from None


def may_run(api: Any, namespace: str) -> bool:
    """Whether the token may see, and so start, the jobs of a user or organisation."""
    import httpx

    try:
        patiently(lambda: api.list_jobs(namespace=namespace, timeout=TIMEOUT))
    except httpx.HTTPError as error:
        if status(error) in (401, 403, 404):
            return False
        raise RunFailed(f"hf_jobs: the Hub does not list the jobs of {namespace} ({told(error)})") from None
    return True


def told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".rstrip(": ")


class PriceList(NamedTuple):
    """Prices and the day they were read; `source` says where."""

    offers: list[Priced]
    date: str
    source: str


def prices(api: Any, live: bool = False) -> PriceList | None:
    """The Hub's price list as of now; where it does not answer, the last one seen unless `live`; else None."""
    import httpx

    kept = paths.home() / "rented" / "hardware" / "hf_jobs.json"
    try:
        found = [Priced(one.name, hourly(one)) for one in api.list_jobs_hardware()]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return None if live else saved(kept)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    jsonl.replace(kept, jsonl.dumps({"date": date, "offers": [list(one) for one in found]}))
    return PriceList(found, date, "the Hub's price list")


def hourly(hardware: Any) -> float | None:
    """Dollars an hour; a price of nought or less is none."""
    price = hardware.unit_cost_usd * PER_HOUR.get(hardware.unit_label, 0.0)
    return round(price, 4) if price > 0 else None


def saved(file: Path) -> PriceList | None:
    try:
        content = jsonl.parse(file.read_bytes())
        return PriceList([Priced(*one) for one in content["offers"]], content["date"], f"the Hub's price list ({file})")
    except (OSError, ValueError, KeyError, TypeError):
        return None


def marked(api: Any, namespace: str, mark: str) -> list[Any]:
    """Jobs that were submitted under a mark, the newest first."""
    import httpx

    def listed() -> list[Any]:
        jobs = api.list_jobs(namespace=namespace, timeout=TIMEOUT)
        return [one for one in jobs if (one.labels or {}).get(LABEL) == mark]

    try:
        found = patiently(listed)
    except httpx.HTTPError as error:
        raise RunFailed(f"hf_jobs: the Hub does not list the jobs of {namespace} ({told(error)})") from None
    return sorted(found, key=lambda one: str(one.created_at), reverse=True)


def ended(info: Any) -> bool:
    return stage(info) in ENDED


def stage(info: Any) -> str:
    return str(getattr(info.status.stage, "value", info.status.stage))
