"""What `bashgym clouds quote` and `bashgym run --plan` print of offers: all clouds in one table."""

from collections.abc import Sequence
from typing import Any

from bashgym.display import printable, table
from bashgym.show import as_json, number

LEAVING = ("uploads", "credentials")  # the details that say what leaves this machine
EACH = 3  # offers shown of a cloud, cheapest first


def shown(answers: Sequence[dict[str, Any]], written: bool, json: bool = False) -> None:
    """`answers` are of stages/offers.py; `written` says whether the dataset is, and so among the uploads."""
    if json:
        as_json(answers)
        return
    rows = [row(one, offer) for one in answers for offer in offers(one)[:EACH]]
    if rows:
        table(["cloud", "instance", "region", "gpu", "per hour", "hours", "total", "at most", "price"], rows)
    for one in answers:
        if one["refused"]:
            print(printable(f"  {one['cloud']:<15}would be refused: {one['refused']}"))
    for name, more in (
        ("uploads", "" if written else ", the rows once they are past the leak gate"),
        ("credentials", ""),
    ):
        for line in leaving(answers, name):
            print(printable(f"  {name:<15}{line}{more}"))


def leaving(answers: Sequence[dict[str, Any]], name: str) -> list[str]:
    """What leaves this machine; one line for clouds where it is the same: `runpod, vast: axolotl.yaml, inside`."""
    found: dict[str, list[str]] = {}
    for one in answers:
        listed = one["quote"]["details"].get(name) if one["quote"] else None
        if listed:
            found.setdefault(", ".join(listed), []).append(one["cloud"])
    return [f"{', '.join(clouds)}: {what}" for what, clouds in found.items()]


def offers(one: dict[str, Any]) -> list[dict[str, Any]]:
    return one["quote"]["offers"] if one["quote"] else []


def row(one: dict[str, Any], offer: dict[str, Any]) -> list[str]:
    """What the job costs at most stands beside what it is estimated to cost."""
    return [
        one["cloud"],
        offer["instance"],
        offer["region"],
        offer["accelerators"],
        money(offer["usd_per_hour"]),
        number(offer["hours"]),
        money(offer["usd"]),
        money(one["limits"].get("max_usd")),
        f"{offer['evidence']}: {offer['note']}",
    ]


def money(value: float | None) -> str:
    return "missing" if value is None else f"${value:,.2f}"
