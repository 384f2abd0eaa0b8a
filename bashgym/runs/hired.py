"""What `bashgym clouds ps` prints: the ledger, without asking any cloud."""

import time
from collections.abc import Sequence
from typing import Any

from bashgym.display import table
from bashgym.rented import ledger
from bashgym.show import as_json


def listing(open: Sequence[ledger.Rented], json: bool) -> None:
    rows = [row(entry, time.time()) for entry in open]
    if json:
        as_json(rows)
        return
    if not rows:
        print("nothing is rented")
        return
    headers = ["machine", "cloud", "state", "up", "$/h", "spent", "at most", "ends by", "followed by"]
    table(headers, [cells(one) for one in rows])
    for one in rows:
        print(f"  by hand: {one['by_hand']}")


def row(entry: ledger.Rented, now: float) -> dict[str, Any]:
    """Dollars are estimates: hours since it was asked for, times the price; what it cost before is added."""
    hours = (now - entry.began) / 3600
    price = entry.usd_per_hour
    return {
        "id": entry.id,
        "machine": entry.name,
        "cloud": entry.cloud,
        "state": entry.state,
        "hours": round(hours, 2),
        "usd_per_hour": price,
        "usd": None if price is None else round(hours * price, 2),
        "evidence": "missing" if price is None else "estimated",
        "max_usd": entry.max_usd,
        "ends_by": time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.deadline)),
        "followed_by": entry.pid if ledger.alive(entry) else None,
        "folder": entry.submission.folder,
        "by_hand": entry.by_hand,
    }


def cells(one: dict[str, Any]) -> list[str]:
    price = "?" if one["usd_per_hour"] is None else f"{one['usd_per_hour']:.2f}"
    spent = "?" if one["usd"] is None else f"${one['usd']:.2f}"
    up = f"{one['hours']:.1f} h"
    by = "nobody" if one["followed_by"] is None else f"process {one['followed_by']}"
    return [one["machine"], one["cloud"], one["state"], up, price, spent, f"${one['max_usd']:.2f}", one["ends_by"], by]
