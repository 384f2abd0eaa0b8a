"""The recipe's rewards: handed to its training, and held to their word before anything is spent on them."""

import hashlib
import time
from pathlib import Path
from typing import Any

import orjson

from bashgym import jsonl, sandbox
from bashgym.errors import RecipeError
from bashgym.records import Dataset
from bashgym.sandbox import NoBox
from bashgym.stages.context import Run, spec
from bashgym.tasks import BadTask
from bashgym.tasks.selftest import Report, selftest
from bashgym.training.rewards import ORDER, Chosen, is_control, place, verifying

NOTE = "selftest.json"
BOOT = Path("/proc/sys/kernel/random/boot_id")


def chosen(run: Run) -> list[Chosen]:
    return [Chosen(spec(choice), run.plugin(choice)) for choice in run.recipe.all("reward")]


def hand_over(run: Run, training: Any) -> None:
    """Gives a training that learns from rewards those of the recipe. Raises RecipeError where one has no use for the
    other."""
    found = chosen(run)
    if hasattr(training, "rewarded"):
        training.rewarded(found)
    elif found:
        label = run.recipe.one("training").label
        raise RecipeError(f"reward=[{found[0].label}]: training={label} learns from no rewards; take grpo or rlvr")


def preflight(run: Run) -> None:
    """Raises RecipeError where a reward needs a box and none holds here, before any work is done."""
    for one in verifying(chosen(run)):
        try:
            used = sandbox.choose(one.spec.config.get("box", ""), one.spec.config.get("image", ""))
        except NoBox as error:
            raise RecipeError(f"reward.{one.label}: {error}") from None
        run.screen.say(f"reward {one.label}: answers run in the box {used.name}, which holds on this machine")


def tested(run: Run, dataset: Dataset) -> None:
    """The self-test over the training rows; noted, and not repeated for the same rows, rewards and machine.

    Raises RecipeError with the first answer that scored what it must not."""
    found = chosen(run)
    if is_control(found):
        run.manifest.update(control=found[0].label)
        run.screen.say(f"reward {found[0].label} is a control: what comes of this run must not be better than its base")
    sure = verifying(found)
    if not sure:
        return
    rows = [line.value for line in jsonl.read_lines(Path(dataset.folder) / "train.jsonl")]
    key = digest(dataset, found)
    note = run.folder / NOTE
    if not note.exists() or orjson.loads(note.read_bytes())["key"] != key:
        started = time.perf_counter()
        config = run.recipe.one("training").config
        report = asked({one.label: one.plugin for one in sure}, rows, config)
        accept(report)
        told = {"tried": report.tried, "untried": report.untried, "tasks": report.tasks, "seconds": report.seconds}
        jsonl.replace(note, orjson.dumps({"key": key, **told}))
        run.manifest.update(selftest={**told, "rewards": [one.label for one in sure], "evidence": "measured"})
        run.manifest.stage("selftest", report.tasks, sum(report.tried.values()), {}, time.perf_counter() - started)
        cheats = sum(count for what, count in report.tried.items() if what not in ("good", "bad"))
        missing = f"; no task lets us try: {', '.join(report.untried)}" if report.untried else ""
        run.screen.say(
            f"self-test of the rewards: {report.tried.get('good', 0)} good answers scored 1, "
            f"{report.tried.get('bad', 0)} bad ones and {cheats} cheats 0{missing}"
        )


def asked(rewards: dict[str, Any], rows: list[dict[str, Any]], config: Any) -> Report:
    try:
        return selftest(rewards, rows, getattr(config, "selftest_tasks", 0), getattr(config, "seed", 0))
    except BadTask as error:
        raise RecipeError(f"reward: {error}; take synthesizers that make tasks with tests") from None
    except NoBox as error:
        raise RecipeError(f"reward: {error}") from None


def accept(report: Report) -> None:
    if report.faults:
        more = f" (and {len(report.faults) - 1} more)" if len(report.faults) > 1 else ""
        raise RecipeError(f"the self-test refuses these rewards: {report.faults[0]}{more}")


def machine() -> str:
    """This machine since it was started, as inside/rewards.py tells it too."""
    return BOOT.read_text(encoding="ascii").strip() if BOOT.exists() else ""


def digest(dataset: Dataset, found: list[Chosen]) -> str:
    plain = [[one.label, one.spec.sha256, one.spec.config] for one in found]
    return hashlib.sha256(orjson.dumps([dataset.sha256, plain, machine()])).hexdigest()


def placed(run: Run) -> None:
    """Tells the other side that the self-test was done on this machine, so that it is not done twice here."""
    found = chosen(run)
    if verifying(found):
        config = run.recipe.one("training").config
        told = orjson.loads((run.folder / ORDER).read_bytes()).get("episode")
        place(run.folder, found, getattr(config, "selftest_tasks", 0), getattr(config, "seed", 0), machine(), told)
