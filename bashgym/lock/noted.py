"""A run's lock file completed while the run goes on: who did the work, on what, and what came of it."""

import hashlib
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from bashgym import pseudonyms
from bashgym.choices import Choice
from bashgym.gate.report import SPLITS
from bashgym.lock import file
from bashgym.lock.file import LockedSession, LockedTrace
from bashgym.reading import excluded
from bashgym.records import Dataset, SessionSummary, TraceSummary
from bashgym.stages.context import Run
from bashgym.stages.curate import Kept
from bashgym.stages.sessions import Processed
from bashgym.stages.worker import code_digest
from bashgym.store import Store

BEGINNING = 1 << 16  # bytes of a result that usually hold its summary
KNOWN = " known "  # what follows in an engine's words is a keyed digest of what this machine knows
LIBRARIES = ("msgspec", "orjson", "pydantic", "kingfisher-secret-scanner", "ahocorasick-rs", "numpy")


def begin(run: Run) -> None:
    """Before any work: the code, the engines, the model."""
    model = run.recipe.settings.model
    file.add(
        run.folder,
        code=code_digest(),
        python=platform.python_version(),
        libraries=libraries(),
        origins=origins(run.recipe.choices),
        engines=engines(run),
        model={"base": model.base, "revision": model.revision, "chat_template": model.chat_template},
    )


def libraries() -> dict[str, str]:
    """Versions of what the data goes through; what is not installed is missing."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def origins(choices: tuple[Choice, ...]) -> dict[str, list[str]]:
    """Pack, package or project -> the plugins that are its own; what ships is left out."""
    found: dict[str, list[str]] = {}
    for choice in choices:
        if choice.plugin.origin != "shipped":
            found.setdefault(choice.plugin.origin, []).append(f"{choice.kind}/{choice.plugin.name}")
    return {name: sorted(set(plugins)) for name, plugins in sorted(found.items())}


def engines(run: Run) -> dict[str, dict[str, str]]:
    """What each plugin rests on (versions, digests of rules), for those that say so, apart from what it knows of this
    machine."""
    found = {}
    for kind in ("sanitizer", "judge"):
        for choice in run.recipe.all(kind):
            plugin = run.plugin(choice)
            if hasattr(plugin, "engine"):
                found[choice.key] = engine(plugin)
    return found


def engine(plugin: Any) -> dict[str, str]:
    rests_on, _, known = plugin.engine().partition(KNOWN)
    return {"rests_on": rests_on, **({"known": known} if known else {})}


def known_here(run: Run) -> dict[str, str]:
    """Digest -> type of every value that this machine knows beforehand."""
    values = {}
    for _, plugin in run.plugins("sanitizer"):
        for value, type in getattr(plugin, "known", {}).items():
            values[pseudonyms.known(type, value)] = type
    return values


def note_sessions(run: Run, processed: Processed) -> list[SessionSummary]:
    """After the sessions were worked on: what of this machine's knowledge made a difference. Returns the summaries."""
    found = [head(run.store, key) for key in processed.keys]
    here = known_here(run)
    mattered = sorted({one for summary in found for one in summary.known})
    told = [{"type": one.split(" ")[0], "digest": one.split(" ")[1], "beforehand": one in here} for one in mattered]
    file.add(run.folder, known_values=told)
    return found


def head(store: Store, key: str) -> SessionSummary:
    """The first line of a session's result."""
    size = BEGINNING
    text = store.begin(key, size) or b""
    while b"\n" not in text and len(text) == size:
        size *= 4
        text = store.begin(key, size) or b""
    return msgspec.json.decode(text.partition(b"\n")[0], type=SessionSummary)


def note_split(run: Run, processed: Processed, summaries: list[SessionSummary], kept: list[Kept]) -> None:
    """Which session is where, and why it is nowhere: after the curators, and once more after its rows were written."""
    splits = {(one.key, one.trace.session): one for one in kept}
    sessions = [
        LockedSession(
            session=summary.session,
            id_sha256=excluded.digest(ref.id),
            source=label,
            sha256=ref.sha256,
            bytes=ref.size,
            result=key,
            traces=tuple(traces(run, key, summary.traces, splits)),
            drops=run.told.drops.get(key, {}),
        )
        for (label, ref), key, summary in zip(processed.refs, processed.keys, summaries, strict=True)
    ]
    file.add_sessions(run.folder, sessions)


def traces(
    run: Run, key: str, found: tuple[TraceSummary, ...], splits: dict[tuple[str, str], Kept]
) -> Iterator[LockedTrace]:
    for trace in found:
        kept = splits.get((key, trace.session))
        yield LockedTrace(
            name=trace.session,
            label=trace.label,
            split=kept.split if kept else None,
            dropped="" if kept else run.told.dropped.get(trace.session, "listed twice"),
            rows=run.told.rows[trace.session] if kept else 0,
            copied=len(kept.copied) if kept else 0,
        )


def note_dataset(run: Run, dataset: Dataset) -> None:
    """The dataset's hashes, and what every figure of the data stages rests on."""
    hashes = file_hashes(run)
    noted = {"sha256": dataset.sha256, "rows": dict(dataset.rows), "schema": dataset.schema, "files": hashes}
    file.add(run.folder, dataset=noted, numbers=numbers(run))


def file_hashes(run: Run) -> dict[str, str]:
    found = {}
    for split in SPLITS:
        with (run.folder / "dataset" / f"{split}.jsonl").open("rb") as rows:
            found[f"{split}.jsonl"] = hashlib.file_digest(rows, "sha256").hexdigest()
    return found


def finish(run: Run) -> None:
    """The model that was registered, and the evidence of its scores."""
    model = run.manifest.content.get("model", {})
    made = {name: model[name] for name in ("name", "version") if name in model}
    lineage = model.get("lineage", {})
    file.add(
        run.folder, registered={**made, "checkpoint_sha256": lineage.get("checkpoint_sha256")}, numbers=numbers(run)
    )


def numbers(run: Run) -> list[dict[str, Any]]:
    """Every figure of the manifest with its evidence."""
    content = run.manifest.content
    found = [
        {"figure": f"{stage['name']}.{name}", "value": stage[name], "evidence": stage["evidence"]}
        for stage in content["stages"]
        for name in ("in", "out")
        if stage.get(name) is not None
    ]
    for score in content.get("scores", []):
        figure = ".".join(part for part in ("score", score["benchmark"], score["metric"], score["role"]) if part)
        found.append({"figure": figure, "value": score["value"], "evidence": score["evidence"]})
    return found
