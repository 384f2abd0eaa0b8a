"""Kept traces in; dataset/{train,validation,test}.jsonl, byte for byte the same from the same inputs, out."""

import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import orjson

from bashgym import jsonl, tools
from bashgym.errors import RunFailed
from bashgym.records import Dataset
from bashgym.stages.context import Run, spec
from bashgym.stages.curate import Kept
from bashgym.stages.worker import RenderTask, code_digest, render

SPLITS = ("train", "validation", "test")
MAX_TOOLS = 24  # declared in every row; rarer ones (MCP servers) are declared where they are called


def run_dataset(run: Run, kept: list[Kept]) -> Dataset:
    """Renders and writes the rows; raises RunFailed, with the way out, when none are left to train on."""
    started = time.perf_counter()
    tasks = render_tasks(run, kept)
    todo = [task for task in tasks if not run.store.has(task.rows_key)]
    if todo:
        executor = run.plugin(run.recipe.one("executor"))
        for _ in run.screen.progress("render rows", executor.map(render, todo), len(todo)):
            pass
    folder = run.folder / "dataset"
    splits: dict[str, str] = {one.trace.session: one.split for one in kept}
    rows, dropped, digest = write(run, tasks, splits, folder)
    run.manifest.stage(
        "format",
        sum(one.trace.examples for one in kept),
        sum(rows.values()),
        dropped,
        time.perf_counter() - started,
        rows=rows,
    )
    if not rows["train"]:
        raise RunFailed(f"no rows to train on: {why_none(run, kept, dropped)}")
    format_plugin = run.plugin(run.recipe.one("format"))
    dataset = Dataset(
        folder=str(folder), sha256=digest, rows=rows, stanza=format_plugin.stanza(), schema=format_plugin.schema
    )
    run.manifest.update(dataset={"sha256": digest, "rows": rows, "schema": dataset.schema})
    return dataset


def why_none(run: Run, kept: list[Kept], dropped: dict[str, int]) -> str:
    """What left nothing over, and the way out."""
    found = ", ".join(f"{n} {label}" for label, n in run.manifest.content.get("verdicts", {}).items()) or "no session"
    if not kept:
        classes = ", ".join(run.recipe.settings.dataset.classes)
        widen = "'dataset.classes=[gold,silver,unverified]'"
        return f"the judges found {found}, and dataset.classes takes {classes}; add sessions, or widen it: {widen}"
    if dropped:
        reason = max(dropped, key=lambda one: dropped[one])
        length = run.recipe.settings.model.sequence_len
        return f"{dropped[reason]} x {reason}; raise model.sequence_len, which is {length}"
    return f"the split gave train nothing of {len(kept)} sessions; add sessions, or lower curator.split.test"


def render_tasks(run: Run, kept: list[Kept]) -> list[RenderTask]:
    """One task a session, in the order of the sessions' ids."""
    common = tools.definitions(tools.merge(one.trace.tools for one in kept), MAX_TOOLS)
    chosen = run.recipe.one("format")
    fingerprint = hashlib.sha256(
        orjson.dumps([spec(chosen).sha256, spec(chosen).config, code_digest()], option=orjson.OPT_SORT_KEYS)
    ).hexdigest()
    by_key: dict[str, dict[str, list[str]]] = {}
    for one in sorted(kept, key=lambda one: one.trace.session):
        by_key.setdefault(one.key, {})[one.trace.session] = one.copied
    return [
        RenderTask(
            key=key,
            traces=traces,
            tools=common,
            format=spec(chosen),
            fingerprint=fingerprint,
            store=str(run.store.folder),
        )
        for key, traces in by_key.items()
    ]


def write(
    run: Run, tasks: Iterable[RenderTask], splits: dict[str, str], folder: Path
) -> tuple[dict[str, int], dict[str, int], str]:
    """Rows by split, drops by reason, and the hash of the three files; the folder appears whole or not at all."""
    fresh = folder.with_name(f".{folder.name}")
    shutil.rmtree(fresh, ignore_errors=True)  # what a kill left
    fresh.mkdir(parents=True)
    rows: Counter[str] = Counter(dict.fromkeys(SPLITS, 0))
    dropped: Counter[str] = Counter()
    files = {split: (fresh / f"{split}.jsonl").open("wb") for split in SPLITS}
    try:
        for task in tasks:
            first, *lines = (run.store.get(task.rows_key) or b"{}").split(b"\n")
            dropped.update(orjson.loads(first))
            for line in lines:
                session, row = orjson.loads(line)
                files[splits[session]].write(jsonl.dumps(row) + b"\n")
                rows[splits[session]] += 1
    finally:
        for file in files.values():
            file.close()
    digest = hashlib.sha256(b"".join(hashed(fresh / f"{split}.jsonl") for split in SPLITS)).hexdigest()
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return dict(rows), dict(dropped), digest


def hashed(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
