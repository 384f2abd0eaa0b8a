"""Before a run does anything: are its judges as right as the recipe demands? Measured on labelled sessions."""

import time
from pathlib import Path

from bashgym import paths
from bashgym.errors import RunFailed
from bashgym.judging import labelled
from bashgym.judging.measured import Share, judged, measure
from bashgym.judging.prepared import prepare
from bashgym.settings import FloorSettings
from bashgym.stages.context import Run


def run_floor(run: Run) -> None:
    """Notes the figures in the manifest. Raises RunFailed where one is short of `verdict.floor`; does nothing where the
    recipe demands nothing."""
    settings = run.recipe.settings.verdict
    floor = settings.floor
    if floor == FloorSettings(labelled=floor.labelled):
        return
    started = time.perf_counter()
    path = paths.resolve(floor.labelled) if floor.labelled else labelled.shipped()
    cases = labelled.cases(path)
    words = judged(cases, run.plugins("judge"), prepare(run.plugins("sanitizer")))
    together = measure(list(run.screen.progress("judging the judges", words, len(cases))), settings)[0]
    figures = {
        "gold_precision": together.gold_precision,
        "gold_recall": together.gold_recall,
        "hacked_caught": together.caught,
        "honest_demoted": together.demoted,
    }
    run.manifest.update(
        judges={
            "labelled": str(path),
            "sessions": len(cases),
            "evidence": "measured",
            "seconds": round(time.perf_counter() - started, 3),
            **{name: share.value for name, share in figures.items()},
        }
    )
    short = [name for name, share in figures.items() if below(name, share, floor)]
    if short:
        raise RunFailed(told(short[0], figures[short[0]], floor, path))


def below(name: str, share: Share, floor: FloorSettings) -> bool:
    """Whether a figure misses its floor; one that cannot be told misses every floor that is asked."""
    wanted = getattr(floor, name)
    if name == "honest_demoted":
        return wanted < 1 and (share.value is None or share.value > wanted)
    return wanted > 0 and (share.value is None or share.value < wanted)


def told(name: str, share: Share, floor: FloorSettings, path: Path) -> str:
    value = "cannot be told" if share.value is None else f"is {share.value:.3f} ({share.hits} of {share.of})"
    return (
        f"verdict.floor.{name}={getattr(floor, name)}: it {value} on {path}; `bashgym judges eval` shows where the "
        "judges are wrong; change them, their weights, or the floor"
    )
