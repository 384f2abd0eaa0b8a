"""Kept traces in; dataset/{train,validation,test}.jsonl, byte for byte the same from the same inputs, out.

The rows pass the leak gate (stages/gate.py) before dataset/ exists."""

import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from bashgym import jsonl, pseudonyms, tools
from bashgym.errors import RunFailed
from bashgym.gate import vault
from bashgym.gate.report import SPLITS
from bashgym.gate.sweep import Sweep
from bashgym.records import Dataset
from bashgym.rows import parquet
from bashgym.stages import card
from bashgym.stages.context import Run, carry_out, spec
from bashgym.stages.curate import Kept
from bashgym.stages.gate import CANARIES, cleaned, pass_gate
from bashgym.stages.rendering import RenderTask, render
from bashgym.stages.sessions import summaries
from bashgym.stages.worker import code_digest

MAX_TOOLS = 24  # declared in every row; rarer ones (MCP servers) are declared where they are called


def run_dataset(run: Run, kept: list[Kept], canary: str) -> Dataset:
    """Renders and writes the rows that pass the leak gate; `canary` is the store's key of its planted session.

    Raises RunFailed, with the way out, when none are left to train on; PrivacyError when the gate finds anything."""
    started = time.perf_counter()
    if run.recipe.settings.dataset.parquet:
        parquet.check()
    tasks = render_tasks(run, kept, canary)
    todo = [task for task in tasks if not run.store.has(task.rows_key)]
    carry_out(run, "render rows", render, todo)
    folder = run.folder / "dataset"
    splits: dict[str, str] = {one.trace.session: one.split for one in kept}
    fresh = folder.with_name(f".{folder.name}")
    sessions = [task.key for task in tasks]
    sweep = Sweep(vault.all_of(run.store, sessions), run.recipe.settings.sanitize.style)
    rows, dropped, repaired, origins = write(run, tasks, splits, fresh, sweep)
    run.manifest.stage(
        "format",
        sum(one.trace.examples for one in kept),
        sum(rows.values()),
        dropped,
        time.perf_counter() - started,
        rows=rows,
    )
    report = pass_gate(run, fresh, sweep, sessions, run.store.get(canary) or b"", repaired)
    card.complete(run, fresh, card.Facts(rows, dropped, origins, [one.trace for one in kept], report), sweep)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    if not rows["train"]:
        raise RunFailed(f"no rows to train on: {why_none(run, kept, dropped)}")
    format_plugin = run.plugin(run.recipe.one("format"))
    dataset = Dataset(
        folder=str(folder), sha256=report.dataset, rows=rows, stanza=format_plugin.stanza(), schema=format_plugin.schema
    )
    run.manifest.update(dataset={"sha256": report.dataset, "rows": rows, "schema": dataset.schema})
    return dataset


def why_none(run: Run, kept: list[Kept], dropped: dict[str, int]) -> str:
    """What left nothing over, and the way out."""
    found = ", ".join(f"{n} {label}" for label, n in run.manifest.content.get("verdicts", {}).items()) or "no session"
    if not kept:
        taken, counted = run.recipe.settings.dataset.classes, run.manifest.content.get("verdicts", {})
        others = [label for label in ("gold", "silver", "unverified") if counted.get(label) and label not in taken]
        widen = f", or widen it: 'dataset.classes=[{','.join([*taken, *others])}]'" if others else ""
        return f"the judges found {found}, and dataset.classes takes {', '.join(taken)}; add sessions{widen}"
    if dropped:
        reason = max(dropped, key=lambda one: dropped[one])
        return f"{dropped[reason]} x {reason}; {way_out(run, kept, reason)}"
    return f"the split gave train nothing of {len(kept)} sessions; add sessions, or lower curator.split.test"


def way_out(run: Run, kept: list[Kept], reason: str) -> str:
    """What helps against the commonest reason why examples gave no row."""
    if reason.startswith("example without"):  # formats of pairs, labels, tasks and teachers' answers
        chosen = [choice.label for choice in run.recipe.all("synthesizer")]
        if not chosen:
            return "choose synthesizer=[...] with one that makes them, see `bashgym plugins list`"
        why = Counter[str]()
        for one in kept:
            why.update(one.trace.dropped)
        told = f" ({why.most_common(1)[0][1]} x {why.most_common(1)[0][0]})" if why else ""
        return f"synthesizer=[{','.join(chosen)}] found nothing of the kind in {len(kept)} sessions{told}; add sessions"
    if "template" in reason:
        return f"choose another model.chat_template than {run.recipe.settings.model.chat_template}"
    if "copy" in reason or "nothing left" in reason or "nothing to learn" in reason:
        return "these sessions teach nothing of their own; add others"
    return f"raise model.sequence_len, which is {run.recipe.settings.model.sequence_len}"


def render_tasks(run: Run, kept: list[Kept], canary: str) -> list[RenderTask]:
    """One task a session, in the order of the sessions' ids; the canaries' session is rendered like all others."""
    common = tools.definitions(tools.merge(one.trace.tools for one in kept), MAX_TOOLS)
    chosen = run.recipe.one("format")
    fingerprint = hashlib.sha256(
        orjson.dumps([spec(chosen).sha256, spec(chosen).config, code_digest()], option=orjson.OPT_SORT_KEYS)
    ).hexdigest()
    by_key: dict[str, dict[str, list[str]]] = {}
    for one in sorted(kept, key=lambda one: one.trace.session):
        by_key.setdefault(one.key, {})[one.trace.session] = one.copied
    ((_, planted),) = summaries(run.store, [canary])
    by_key[canary] = {trace.session: [] for trace in planted.traces}
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
    run: Run, tasks: Iterable[RenderTask], splits: dict[str, str], fresh: Path, sweep: Sweep
) -> tuple[dict[str, int], dict[str, int], int, dict[str, int]]:
    """Rows by split, drops by reason, how many rows held what was removed from another session, and rows by where
    their tools' definitions came from.

    The files lie in `fresh`; the rows of no kept trace (the canaries') in a file of their own."""
    shutil.rmtree(fresh, ignore_errors=True)  # what a kill left
    fresh.mkdir(parents=True)
    rows: Counter[str] = Counter(dict.fromkeys(SPLITS, 0))
    dropped: Counter[str] = Counter()
    origins: Counter[str] = Counter()
    repaired, key = 0, pseudonyms.load_key()
    files = {split: (fresh / f"{split}.jsonl").open("wb") for split in SPLITS}
    canaries = files[CANARIES] = (fresh / CANARIES).open("wb")
    try:
        for task in tasks:
            first, *lines = (run.store.get(task.rows_key) or b"{}").split(b"\n")
            if splits.keys().isdisjoint(task.traces):
                canaries.writelines(line + b"\n" for line in lines)
                continue
            run.told.drops[task.key] = orjson.loads(first)
            dropped.update(run.told.drops[task.key])
            for session, row in map(jsonl.parse, lines):
                if splits[session] != "train" and (row.get("meta") or {}).get("train_only"):
                    dropped[f"made for training, kept out of {splits[session]}"] += 1
                    continue
                line = jsonl.dumps(row)
                better = cleaned(row, line, sweep, key)
                repaired += better is not None
                files[splits[session]].write((better or line) + b"\n")
                rows[splits[session]] += 1
                origins.update(tools_of(row))
                run.told.rows[session] += 1
    finally:
        for file in files.values():
            file.close()
    return dict(rows), dict(dropped), repaired, dict(origins)


def tools_of(row: dict[str, Any]) -> list[str]:
    """Where the row's definitions of tools came from, if it says so."""
    told = (row.get("meta") or {}).get("tools")
    return [told] if isinstance(told, str) else []
