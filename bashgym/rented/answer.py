"""The process in which SkyPilot answers: questions on stdin, answers on stdout, a line of JSON each. HOME is set by
who asks (bashgym/rented/asking.py).

Question: {task: path of sky.yaml, prices: path of vms.csv, quote: bool, datacenter_only: bool}.
Answer: {error: str | null, offers: [{instance, region, accelerators, usd_per_hour}], refused: {accelerators: reason},
hosts_known: false where only datacentres are wanted and the price list does not tell them apart}.

Offers come from the calls SkyPilot's optimizer makes itself (`Cloud.get_feasible_launchable_resources`,
`Resources.get_cost`), less its check of credentials, which a quote has no need of."""

import csv
import json
import math
import os
import select
import sys
from pathlib import Path
from typing import Any

IDLE = 30  # seconds without a question, after which the process ends: it is large


def main() -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what sky prints must not get between us and who asks
    while select.select([sys.stdin], [], [], IDLE)[0]:  # who asks waits for an answer before the next question
        line = sys.stdin.readline()
        if not line:
            return
        out.write(json.dumps(answer(json.loads(line))) + "\n")
        out.flush()


def answer(question: dict[str, Any]) -> dict[str, Any]:
    import sky
    import yaml

    config = yaml.safe_load(Path(question["task"]).read_text(encoding="utf-8"))
    try:
        task = sky.Task.from_yaml_config(config)
    except (ValueError, TypeError) as error:  # what SkyPilot raises for a task it cannot read
        return {"error": f"{type(error).__name__}: {error}", "offers": [], "refused": {}, "hosts_known": True}
    found: dict[str, Any] = {"error": None, "offers": [], "refused": {}, "hosts_known": True}
    if not question["quote"]:
        return found
    hosts = datacentres(Path(question["prices"])) if question["datacenter_only"] else None
    found["hosts_known"] = hosts is not None or not question["datacenter_only"]
    listed = listing(Path(question["prices"]))
    for wanted in task.resources:
        offers = offered(wanted, hosts, task.num_nodes)
        found["offers"] += offers
        if not offers:
            found["refused"][asked(wanted)] = why(wanted, hosts, listed, task.num_nodes)
    return found


def asked(wanted: Any) -> str:
    return ",".join(f"{name}:{count:g}" for name, count in (wanted.accelerators or {}).items())


def offered(wanted: Any, hosts: dict[tuple[str, str], float] | None, nodes: int) -> list[dict[str, Any]]:
    """Every machine with this GPU within the price limit, each in its cheapest region."""
    offers = []
    for machine in wanted.cloud.get_feasible_launchable_resources(wanted, nodes).resources_list:
        regions = machine.get_valid_regions_for_launchable()
        places = [priced(machine.copy(region=region.name), hosts) for region in regions]
        allowed = [offer for offer in places if within(offer, wanted.max_hourly_cost)]
        if allowed:
            offers.append(min(allowed, key=lambda offer: (offer["usd_per_hour"] or math.inf, offer["region"])))
    return offers


def priced(machine: Any, hosts: dict[tuple[str, str], float] | None) -> dict[str, Any]:
    """One machine in one region; a price of nought or less is a hole in the catalogue, not a gift."""
    place = (machine.instance_type, machine.region)
    price = machine.get_cost(3600) if hosts is None else hosts.get(place, math.nan)
    known = math.isfinite(price) and price > 0
    return {
        "instance": machine.instance_type,
        "region": machine.region,
        "accelerators": asked(machine),
        "usd_per_hour": round(price, 4) if known else None,
        "offered": hosts is None or place in hosts,
    }


def within(offer: dict[str, Any], limit: float | None) -> bool:
    price = offer["usd_per_hour"]
    return offer.pop("offered") and (price is None or limit is None or price <= limit)


def why(wanted: Any, hosts: dict[tuple[str, str], float] | None, listed: set[str], nodes: int) -> str:
    """Why there is no offer: too dear, not in a datacentre, or not there at all."""
    dearer = offered(wanted.copy(max_hourly_cost=None), hosts, nodes)
    prices = [offer["usd_per_hour"] for offer in dearer if offer["usd_per_hour"]]
    if prices:
        return f"costs ${min(prices):.2f}/h or more"
    if asked(wanted) in listed:  # but SkyPilot finds none: of all its filters only the one for hosts is left
        return "only on hosts outside datacentres" if hosts is not None else "not offered on these terms"
    near = sorted(wanted.cloud.get_feasible_launchable_resources(wanted, nodes).fuzzy_candidate_list)
    return f"not offered; there is {', '.join(near)}" if near else "not offered"


def listing(prices: Path) -> set[str]:
    """`L4:1` and so on, whatever the price list has."""
    with prices.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["AcceleratorName"]]
    return {f"{row['AcceleratorName']}:{float(row['AcceleratorCount']):g}" for row in rows}


def datacentres(prices: Path) -> dict[tuple[str, str], float] | None:
    """Lowest price by (instance, region) over hosts in datacentres (HostingType 1); None without that column.

    SkyPilot's own price is the lowest of all hosts of a region, private ones included."""
    with prices.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if "HostingType" not in (rows.fieldnames or []):
            return None
        found: dict[tuple[str, str], float] = {}
        for row in rows:
            if float(row["HostingType"] or 0) >= 1:
                place = (row["InstanceType"], row["Region"])
                found[place] = min(float(row["Price"] or math.inf), found.get(place, math.inf))
    return found


if __name__ == "__main__":
    main()
