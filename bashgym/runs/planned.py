"""What `bashgym run --plan` prints, for a person who decides whether to pay for it."""

from typing import Any

from bashgym.display import printable
from bashgym.runs import offered
from bashgym.runs.offered import money
from bashgym.show import as_json, number, written


def shown(content: dict[str, Any], json: bool) -> None:
    """What a run would do (see stages/plan.py)."""
    if json:
        as_json(content)
        return
    print(f"plan of {content['recipe']} on cloud={content['cloud']} (nothing is run, nothing is rented)")
    for source in content["sources"]:
        if source["evidence"] == "missing":
            print(printable(f"  source         {source['source']}: sessions missing: {source['note']}"))
        else:
            found = f"{source['sessions']:,} sessions, {source['bytes'] / 1e6:,.1f} MB"
            print(f"  source         {source['source']}: {found} (measured)")
    for kind in ("sanitizer", "judge", "curator", "format", "training", "benchmark", "model_registry"):
        print(f"  {kind:<15}{', '.join(content['stages'].get(kind, [])) or 'none'}")
    print(f"  model          {content['base']}")
    gpu = content["training"]["gpu"]
    print(f"  gpu            {cards(gpu) if gpu else 'none: runs on the CPU'}")
    estimated(content["estimate"])
    quote = content["quote"]
    offered.shown(content["clouds"], content["dataset"] is not None)
    print(f"  hours          {number(quote['hours'])}")
    cost = "missing:" if quote["usd"] is None else f"{money(quote['usd'])} ({quote['evidence']})"
    print(printable(f"  cost           {cost} {quote['note']}"))
    for key, value in quote["details"].items():
        if key not in offered.LEAVING:
            print(printable(f"  {key:<15}{caps(value) if key == 'limits' else written(value)}"))
    for finding in content["preflight"]:
        print(printable(f"  {finding['level']}: {finding['message']}"))
    for file in content["files"]:
        print(f"  written        {file}")


def refused(content: dict[str, Any]) -> str:
    """Why a run on these terms would be refused by its own cloud; empty where it would not."""
    return next((str(one["refused"]) for one in content["clouds"] if one["cloud"] == content["cloud"]), "")


def estimated(told: dict[str, Any]) -> None:
    """Size, memory and work of the training; what is only known with the dataset says so."""
    if not told:
        return
    measures = f"{short(told['parameters'])} parameters ({told['measures_from']})"
    print(f"  estimate       {measures}, {told['memory_gb']:g} GB at its peak (estimated)")
    if told["tokens"] is None:
        way = "run with --until dataset (nothing is rented), then plan again"
        print(f"  work           missing until the dataset is written; {way}")
    else:
        print(f"  work           {told['steps']:,} steps, {short(told['tokens'])} tokens (estimated)")


def cards(gpu: dict[str, Any]) -> str:
    """{min_vram_gb: 24, count: 1} -> `1 of 24 GB or more`."""
    return f"{gpu.get('count', 1)} of {gpu.get('min_vram_gb', 0):g} GB or more"


def caps(limits: dict[str, Any]) -> str:
    """`max_hours 4, max_usd 4 ...`: the keys of cloud.limits as they are set."""
    return ", ".join(f"{key} {value:g}" for key, value in limits.items())


def short(value: float) -> str:
    """1310000 -> `1.3 million`."""
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= size:
            return f"{value / size:.3g} {word}"
    return f"{value:.0f}"
