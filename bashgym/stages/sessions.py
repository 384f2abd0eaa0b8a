"""Sessions in; one summary a session, with its judged examples in the store, out."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import orjson

from bashgym import pseudonyms
from bashgym.errors import InputError
from bashgym.reading import excluded
from bashgym.records import SessionRef, SessionSummary, TraceSummary
from bashgym.stages import agreement, ledger
from bashgym.stages.context import Run, carry_out, spec
from bashgym.stages.worker import CANARY, SessionTask, SessionWork, code_digest, lend, process
from bashgym.store import Store

WORKED = ("source", "sanitizer", "judge", "synthesizer", "format")  # kinds that see one session at a time


class Processed(NamedTuple):
    """Keys of sessions in the store, in the order listed, and the summaries of their traces."""

    keys: list[str]
    traces: list[tuple[str, TraceSummary]]  # (key of the session, trace)
    canary: str  # key of the canaries' session, which is in neither
    refs: list[tuple[str, SessionRef]]  # (label of the source, session) of each key


def run_sessions(run: Run) -> Processed:
    """Lists the sources, puts every session through the worker, notes the stages source, sanitize and judge."""
    started = time.perf_counter()
    refs, left_out = listed(run)
    listing = time.perf_counter() - started
    work = session_work(run)
    tasks = [SessionTask(work=work, label=label, ref=ref) for label, ref in refs]
    known = [ledger.Entry(id=one.ref.id, source=one.label, folders=one.ref.folders, key=one.key) for one in tasks]
    ledger.note([ledger.Entry(run=str(run.folder.resolve())), *known])
    planted = SessionTask(work=work, label=CANARY, ref=canary_ref(run))
    keys = worked(run, tasks, planted)
    totals = note(run, keys, [task.ref for task in tasks], left_out, listing)
    return Processed(keys, totals, planted.key, refs)


def canary_ref(run: Run) -> SessionRef:
    """The session that the leak gate plants (bashgym/gate/canary.py): there is no file of it."""
    seed = run.recipe.lock_hash()
    return SessionRef(source=CANARY, id=seed, path="", size=0, sha256=seed)


def listed(run: Run) -> tuple[list[tuple[str, SessionRef]], Counter[str]]:
    """(source label, reference) of every session, in a fixed order, and how many a source left out by reason.

    An id listed twice counts once."""
    found: dict[tuple[str, str], SessionRef] = {}
    left_out: Counter[str] = Counter()
    for label, source in run.plugins("source"):
        for ref in source.list():
            found.setdefault((label, f"{ref.id} {ref.path}"), ref)
        left_out.update(getattr(source, "left_out", {}))
    if left_out and not found:
        raise InputError(f"every session is left out: {', '.join(f'{n} {reason}' for reason, n in left_out.items())}")
    if not found:
        labels = ", ".join(choice.key for choice in run.recipe.all("source"))
        raise InputError(f"{labels}: no sessions found there; point {labels.split(', ')[0]}.path at some")
    ordered = sorted(found.items(), key=lambda item: (item[0][0], item[1].id, item[1].sha256))
    refs = [(label, ref) for (label, _), ref in ordered]
    if run.recipe.locked is None:
        return refs, left_out
    locked = {(one["source"], one["id_sha256"]) for one in run.recipe.locked["sessions"]["list"]}
    kept = [(label, ref) for label, ref in refs if (label, excluded.digest(ref.id)) in locked]
    left_out["not in the lock file"] += len(refs) - len(kept)
    return kept, +left_out


def session_work(run: Run) -> SessionWork:
    """What the workers need, with a fingerprint of all that can change their result."""
    engines = [plugin.engine() for _, plugin in run.plugins("sanitizer")]
    for kind in ("judge", "synthesizer"):
        engines += [plugin.engine() for _, plugin in run.plugins(kind) if hasattr(plugin, "engine")]
    work = SessionWork(
        sources={choice.label: spec(choice) for choice in run.recipe.all("source")},
        sanitizers=tuple((choice.label, spec(choice)) for choice in run.recipe.all("sanitizer")),
        judges=tuple((choice.label, spec(choice)) for choice in run.recipe.all("judge")),
        synthesizers=tuple((choice.label, spec(choice)) for choice in run.recipe.all("synthesizer")),
        verdict=run.recipe.settings.verdict.model_dump(mode="json"),
        style=run.recipe.settings.sanitize.style,
        fingerprint="",
        store=str(run.store.folder),
    )
    parts = [msgspec.to_builtins(work), engines, pseudonyms.key_id(pseudonyms.load_key()), code_digest()]
    digest = hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return msgspec.structs.replace(work, fingerprint=digest)


def worked(run: Run, tasks: list[SessionTask], planted: SessionTask) -> list[str]:
    """The store's keys in the order of `tasks`; only what the store lacks is worked on, the canaries among it."""
    todo = [task for task in tasks if not run.store.has(task.key)]
    if len(todo) < len(tasks):
        run.screen.say(f"{len(tasks) - len(todo)} of {len(tasks)} sessions unchanged since an earlier run: reused")
    run.built["fresh sessions"] = len(todo)
    todo += [] if run.store.has(planted.key) else [planted]
    if len(todo) > 1:  # one alone is worked on right here
        agreement.lent(run)
    lend((spec(choice), run.plugin(choice)) for kind in WORKED for choice in run.recipe.all(kind))
    carry_out(run, "read, sanitize, judge", process, todo)
    return [task.key for task in tasks]


def summaries(store: Store, keys: list[str]) -> Iterator[tuple[str, SessionSummary]]:
    for key in keys:
        blob = store.get(key)
        if blob is None:
            raise InputError(f"the store lost {key}; run again, it is made anew")
        yield key, msgspec.json.decode(blob.split(b"\n", 1)[0], type=SessionSummary)


def note(
    run: Run, keys: list[str], refs: list[SessionRef], left_out: Counter[str], listing: float
) -> list[tuple[str, TraceSummary]]:
    """Notes counts of the stages that ran inside the workers; seconds are the workers' own, cached ones included."""
    seconds: Counter[str] = Counter()
    redactions: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    by_source: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    facts: Counter[str] = Counter()
    traces = []
    for key, summary in summaries(run.store, keys):
        seconds.update(summary.seconds)
        redactions.update(summary.redactions)
        rules.update(summary.rules)
        fields.update(summary.fields)
        by_source.update({trace.source: sum(summary.redactions.values()) for trace in summary.traces[:1]})
        facts.update(bytes=summary.bytes, lines=summary.lines, malformed=summary.malformed, events=summary.events)
        for trace in summary.traces:
            labels[trace.label] += 1
            tokens.update(trace.tokens)
            traces.append((key, trace))
    digest = hashlib.sha256("\n".join(ref.sha256 for ref in refs).encode()).hexdigest()
    facts.update(reused=len(keys) - run.built["fresh sessions"])
    dropped = {"malformed line, kept aside": facts["malformed"]} if facts["malformed"] else {}
    dropped.update(left_out)
    run.manifest.update(
        sessions={**facts, "sha256": digest, "tokens": dict(tokens)},
        redactions=dict(sorted(redactions.items())),
        sanitization={
            "by_rule": dict(sorted(rules.items())),
            "by_field": dict(sorted(fields.items())),
            "by_source": dict(sorted(by_source.items())),
        },
        verdicts=dict(sorted(labels.items())),
    )
    run.manifest.stage("source", len(keys) + left_out.total(), len(traces), dropped, listing + seconds["read"])
    run.manifest.stage("sanitize", len(traces), len(traces), {}, seconds["sanitize"], replaced=redactions.total())
    run.manifest.stage("judge", len(traces), len(traces), {}, seconds["judge"], classes=dict(sorted(labels.items())))
    made = sum(trace.examples for _, trace in traces)
    run.manifest.stage("synthesize", len(traces), made, {}, seconds["synthesize"], unit="examples")
    return traces
