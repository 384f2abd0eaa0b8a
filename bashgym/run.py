"""The stages of a recipe in order: its folder, its lock, its end; going on after a kill."""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from bashgym import __version__, jsonl, overrides, paths, pseudonyms, recipe
from bashgym.choices import Recipe
from bashgym.display import Terminal
from bashgym.errors import BashGymError, RunFailed
from bashgym.lock import held, noted
from bashgym.manifest import Manifest, now
from bashgym.records import Dataset
from bashgym.rented.budget import Budget
from bashgym.stages import fit
from bashgym.stages.context import Run
from bashgym.stages.curate import run_curators
from bashgym.stages.dataset import run_dataset
from bashgym.stages.floor import run_floor
from bashgym.stages.lint import run_lint
from bashgym.stages.measure import run_benchmarks
from bashgym.stages.plan import plan_folder, run_plan
from bashgym.stages.reap import sweep as sweep_rented
from bashgym.stages.register import run_register
from bashgym.stages.report import run_report
from bashgym.stages.sessions import run_sessions
from bashgym.stages.train import ensure_environment, preflight, run_training
from bashgym.store import Store

FREE_BYTES = 500_000_000  # below this a run would end in a full disk halfway: a dataset, a checkpoint, logs
STEP = 1.0  # seconds between two looks at a run that another process is busy with


def run_recipe(
    argv: Sequence[str], fresh: bool, until: str | None, screen: Terminal, budget: Budget | None = None
) -> dict[str, Any]:
    """Runs a recipe to its end, or `until` its dataset is written, and returns the manifest's content.

    Goes on with the newest unfinished run of the same lock, or follows it. `budget` is a sweep's."""
    chosen = recipe.load(argv)
    for notice in chosen.notices:
        screen.say(f"notice: {notice}")
    return run_chosen(chosen, fresh, until, screen, budget)


def run_locked(lock: Path, argv: Sequence[str], fresh: bool, until: str | None, screen: Terminal) -> dict[str, Any]:
    """Runs what a lock file says, over the sessions that it names; raises RecipeError where anything differs here."""
    return run_chosen(held.recipe(lock, argv, screen), fresh, until, screen)


def run_chosen(
    chosen: Recipe, fresh: bool, until: str | None, screen: Terminal, budget: Budget | None = None
) -> dict[str, Any]:
    """Runs a recipe in a new folder, or in that of its newest unfinished run. What others left rented is ended first,
    whatever keeps this run from its beginning."""
    folder, new = run_folder(chosen, fresh)
    sweep_rented(folder, screen.say)
    fit.require(chosen, only_rows=until is not None)
    if until is None:
        with tempfile.TemporaryDirectory() as nowhere:
            preflight(bare(chosen, Path(nowhere), screen))
    if new and (folder / "manifest.json").exists():
        folder.rename(folder.with_name(f"{folder.name}.{now().replace(':', '')}"))
    while True:
        with locked(folder) as mine:
            if mine:
                run = opened(chosen, folder, screen)
                run.budget = budget
                return carried_out(run, new and not fresh, until)
        follow(folder, screen)
        content = Manifest(folder / "manifest.json").content
        if content.get("state") == "finished":
            return content
        if content.get("state") == "failed":
            raise RunFailed(f"the run that was followed failed: {content.get('error')}")
        new = False


def run_folder(chosen: Recipe, fresh: bool) -> tuple[Path, bool]:
    """The run's folder, and whether the run is a new one: what lies there then is another's, and is put aside."""
    if chosen.settings.run_dir:
        folder = paths.resolve(chosen.settings.run_dir)
        manifest = folder / "manifest.json"
        same = manifest.exists() and Manifest(manifest).content.get("lock_sha256") == chosen.lock_hash()
        return folder, fresh or not same
    if not fresh:
        for content, folder in past_runs(chosen):
            if content.get("state") != "finished":
                return folder, False
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return paths.home() / "runs" / f"{chosen.name}-{stamp}-{secrets.token_hex(2)}", True


def past_runs(chosen: Recipe) -> Iterator[tuple[dict[str, Any], Path]]:
    """Runs of the same lock, the newest first."""
    found, wanted = [], chosen.lock_hash()
    for file in (paths.home() / "runs").glob(f"{chosen.name}-*/manifest.json"):
        content = Manifest(file).content
        if content.get("lock_sha256") == wanted and content.get("held_to") == held_to(chosen):
            found.append((content, file.parent))
    yield from sorted(found, key=lambda one: str(one[0].get("started")), reverse=True)


def held_to(chosen: Recipe) -> str | None:
    """The list of sessions that a run is held to, by its hash; None for a run over all there are."""
    return chosen.locked["sessions"]["sha256"] if chosen.locked else None


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Whether this process now owns the run; the lock goes with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file: IO[str] = (folder / "run.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        yield False
        return
    try:
        yield True
    finally:
        file.close()


def follow(folder: Path, screen: Terminal) -> None:
    """Shows what another process's run does until that process is gone."""
    screen.say(f"this run is already under way in another process; following it ({folder})")
    seen = 0
    while True:
        with locked(folder) as free:
            if free:
                screen.close()
                return
        path = folder / "metrics.jsonl"
        events = (
            [line.value for line in jsonl.read_lines(path) if isinstance(line.value, dict)] if path.exists() else []
        )
        for event in events[seen:]:
            screen.training(event)
        seen = len(events)
        time.sleep(STEP)


def carried_out(run: Run, may_reuse: bool, until: str | None) -> dict[str, Any]:
    """Runs in a folder this process owns, noting how it ends."""
    try:
        with run.store.used():
            return stages(run, may_reuse, until)
    except BashGymError as error:
        run.manifest.update(state="failed", error=str(error), folder=str(run.folder))
        run_report(run)
        raise
    finally:
        run.screen.close()


def opened(chosen: Recipe, folder: Path, screen: Terminal) -> Run:
    """The run with its lock file and manifest written."""
    taken_up = (folder / "manifest.json").exists()
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES:
        raise RunFailed(
            f"{folder}: {free / 1e9:.1f} GB free, {FREE_BYTES / 1e9:.1f} GB needed; make room or set BASHGYM_HOME"
        )
    for torn in folder.glob(".*.*"):  # what a kill left between writing a file and moving it into place
        torn.unlink() if torn.is_file() else shutil.rmtree(torn)
    jsonl.replace(folder / "recipe.lock.yaml", chosen.lock_text(pseudonyms.key_id(pseudonyms.load_key())).encode())
    run = bare(chosen, folder, screen)
    run.manifest.content.setdefault("run", folder.name)
    run.manifest.content.setdefault("started", now())
    run.manifest.update(
        recipe=chosen.name,
        description=chosen.settings.description,
        overrides=list(chosen.overrides),
        lock_sha256=chosen.lock_hash(),
        held_to=held_to(chosen),
        bashgym=__version__,
        state="running",
        error=None,
        pid=os.getpid(),
    )
    screen.say(f"{'going on with run' if taken_up else 'run'} {folder.name}: {folder}")
    return run


def stages(run: Run, may_reuse: bool, until: str | None) -> dict[str, Any]:
    """Every stage in order; where nothing changed since a finished run, that run's manifest."""
    run_floor(run)
    dataset = data_stages(run)
    if until == "dataset":
        run.manifest.update(state="dataset written", folder=str(run.folder))
        run_report(run)
        return run.manifest.content
    earlier = same_as(run, dataset) if may_reuse else None
    if earlier:
        shutil.rmtree(run.folder)
        run.screen.say(
            "nothing changed since then: sessions, dataset, model and scores are reused; --fresh trains anew"
        )
        return earlier
    run_lint(run, dataset)
    ensure_environment(run)
    trained = run_training(run, dataset)
    scores = run_benchmarks(run, dataset, trained)
    run_register(run, dataset, trained, scores)
    noted.finish(run)
    run.manifest.update(state="finished", finished=now(), folder=str(run.folder))
    run_report(run)
    return run.manifest.content


def data_stages(run: Run) -> Dataset:
    """The dataset, with what went into it in the lock file; a run that is held to another lock must make the same."""
    noted.begin(run)
    processed = run_sessions(run)
    summaries = noted.note_sessions(run, processed)
    held.check_known(run)
    kept = run_curators(run, processed.traces)
    noted.note_split(run, processed, summaries, kept)
    dataset = run_dataset(run, kept, processed.canary)
    noted.note_split(run, processed, summaries, kept)
    noted.note_dataset(run, dataset)
    run.screen.say(told(run, dataset))
    held.check_dataset(run)
    return dataset


def told(run: Run, dataset: Dataset) -> str:
    """How many traces something that ran has verified, and what became of those that are kept."""
    found = run.manifest.content.get("verdicts", {})
    good = {label: found.get(label, 0) for label in ("gold", "silver")}
    rows = ", ".join(f"{n:,} {split}" for split, n in dataset.rows.items())
    counts = " + ".join(f"{n:,} {label}" for label, n in good.items() if n) or "none gold or silver"
    unseen = "" if dataset.rows.get("validation") else "; no validation row tells when it learns too much"
    return f"verified traces: {sum(good.values()):,} of {sum(found.values()):,} ({counts}); rows: {rows}{unseen}"


def same_as(run: Run, dataset: Dataset) -> dict[str, Any] | None:
    """The manifest of a finished run of the same lock over the same rows whose model is still there."""
    for content, folder in past_runs(run.recipe):
        same = content.get("state") == "finished" and content.get("dataset", {}).get("sha256") == dataset.sha256
        if same and folder != run.folder and Path(content["model"]["path"]).is_dir():
            run.screen.say(f"the same recipe over the same sessions ran before: {folder}")
            return {**content, "reused": True}
    return None


def plan_recipe(argv: Sequence[str], multirun: bool, screen: Terminal) -> Iterator[dict[str, Any]]:
    """What a run (or each run of a sweep) would do; see stages/plan.py."""
    for one in overrides.expand(argv, multirun):
        chosen = recipe.load(one)
        for notice in chosen.notices:
            screen.say(f"notice: {notice}")
        fit.require(chosen)
        yield run_plan(prospective(chosen, plan_folder(chosen.name), screen))


def prospective(chosen: Recipe, elsewhere: Path, screen: Terminal) -> Run:
    """The run a plan speaks of: the newest of this lock that has its dataset, else an empty one in `elsewhere`."""
    written = (folder for content, folder in past_runs(chosen) if "dataset" in content)
    return bare(chosen, next(written, elsewhere), screen)


def bare(chosen: Recipe, folder: Path, screen: Terminal) -> Run:
    """A run as it lies in `folder`, nothing written."""
    return Run(chosen, folder, Manifest(folder / "manifest.json"), Store(paths.home() / "store"), screen)
