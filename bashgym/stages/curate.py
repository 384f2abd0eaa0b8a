"""Judged traces in; those that make the dataset, each with its split, out."""

import time
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from msgspec import structs

from bashgym.errors import PluginError, RecipeError
from bashgym.records import Decision, SessionKey, Split, TraceSummary
from bashgym.stages.context import Run


class Kept(NamedTuple):
    """A trace of the dataset: the store's key of its session, its split, and the replies others already teach."""

    key: str
    trace: TraceSummary
    split: Split
    copied: list[str]


def run_curators(run: Run, traces: list[tuple[str, TraceSummary]]) -> list[Kept]:
    """Drops the classes the recipe does not train on, asks every curator in turn, notes the stage."""
    started = time.perf_counter()
    dropped: Counter[str] = Counter()
    classes = run.recipe.settings.dataset.classes
    families = family_of([trace for _, trace in traces])
    index, by_session = [], {}
    for key, trace in traces:
        if trace.session in by_session:
            dropped["listed twice"] += 1
        elif reason := unfit(trace, classes):
            dropped[reason] += 1
            run.told.dropped[trace.session] = reason
        else:
            index.append(compact(trace, families[trace.session]))
            by_session[trace.session] = (key, trace)
            run.told.dropped.pop(trace.session, None)
    index, splits, how = decided(run, index, dropped)
    kept = [
        Kept(key, trace, splits[trace.session], copied)
        for (key, trace), copied in first_come([by_session[one.session] for one in index])
    ]
    sizes = Counter(one.split for one in kept)
    public = licences(one.trace for one in kept)
    more: dict[str, Any] = {"licenses": public} if public else {}
    seconds = time.perf_counter() - started
    run.manifest.stage("curate", len(traces), len(kept), dict(dropped), seconds, splits=dict(sizes), how=how, **more)
    return kept


def unfit(trace: TraceSummary, classes: Collection[str]) -> str:
    """Why no curator is asked about a trace; empty where they are."""
    if trace.label not in classes:
        return f"class {trace.label}"
    return "" if trace.examples else "nothing to learn from"


def compact(trace: TraceSummary, family: str) -> SessionKey:
    return SessionKey(
        session=trace.session,
        source=trace.source,
        family=family,
        repo=trace.repo,
        started=trace.started,
        label=trace.label,
        score=trace.score,
        rows=trace.examples,
        messages=trace.messages,
        dataset=trace.dataset,
        license=trace.license,
        digest=trace.digest,
        prints=trace.prints,
        requests=trace.requests,
    )


def decided(
    run: Run, index: list[SessionKey], dropped: Counter[str]
) -> tuple[list[SessionKey], dict[str, Split], list[str]]:
    """What all curators keep, the split of each, and the reasons they gave for keeping."""
    splits: dict[str, Split] = {key.session: "train" for key in index}
    how: dict[str, None] = {}
    for label, curator in run.plugins("curator"):
        if hasattr(curator, "beware"):
            curator.beware(questions(run))
        decisions: dict[str, Decision] = {one.session: one for one in curator.curate(index)}
        missing = next((key.session for key in index if key.session not in decisions), None)
        if missing:
            raise PluginError(f"curator '{label}' gave no decision on session {missing}; see bashgym/kinds.py")
        for one in decisions.values():
            if not one.keep:
                reason = one.reason or f"dropped by {label}"
                dropped[reason] += 1
                run.told.dropped[one.session] = f"curator {label}: {reason}"
            elif one.reason:
                how[one.reason] = None
            if one.split:
                splits[one.session] = one.split
        index = [
            structs.replace(key, split=decisions[key.session].split or key.split)
            for key in index
            if decisions[key.session].keep
        ]
    return index, splits, list(how)


def questions(run: Run) -> dict[str, Iterable[str] | None]:
    """Label of a benchmark -> its questions; None where they are made of the test rows. Raises RecipeError for a
    benchmark that tells neither."""
    found: dict[str, Iterable[str] | None] = {}
    for label, benchmark in run.plugins("benchmark"):
        if not hasattr(benchmark, "texts"):
            raise RecipeError(
                f"benchmark.{label}: it does not tell what it asks, so nothing can be kept apart from it; give its "
                "plugin a method texts() (bashgym/kinds.py), or leave out curator decontaminate"
            )
        found[label] = benchmark.texts()
    return found


def licences(kept: Iterable[TraceSummary]) -> dict[str, dict[str, str | int]]:
    """Published data set -> its licence, and how many of its sessions are kept."""
    found: dict[str, dict[str, str | int]] = {}
    for trace in kept:
        if trace.dataset:
            one = found.setdefault(trace.dataset, {"license": trace.license, "sessions": 0})
            one["sessions"] = int(one["sessions"]) + 1
    return dict(sorted(found.items()))


def family_of(traces: list[TraceSummary]) -> dict[str, str]:
    """trace -> the smallest session id among those it shares replies with, directly or not; sub-agents follow
    their session. Union-find over 64-bit hashes of reply ids."""
    parent: dict[str, str] = {}
    owner: dict[int, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for trace in traces:
        mine = root(trace.root)
        for reply in trace.replies:
            other = root(owner.setdefault(reply, trace.root))
            small, large = sorted((mine, other))
            parent[large] = small
            mine = small
    return {trace.session: root(trace.root) for trace in traces}


def first_come(
    traces: list[tuple[str, TraceSummary]],
) -> list[tuple[tuple[str, TraceSummary], list[str]]]:
    """Each trace with the replies that an earlier one (by start, then id) of the dataset already teaches."""
    seen: set[int] = set()
    found = []
    for key, trace in sorted(traces, key=lambda one: (one[1].started, one[1].session)):
        copied = [f"{reply:016x}" for reply in trace.replies if reply in seen]
        seen.update(trace.replies)
        found.append(((key, trace), copied))
    return found
