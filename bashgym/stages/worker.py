"""What runs in a worker process: one session read, sanitized and judged; or the examples of one trace rendered."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bashgym import examples, paths, pseudonyms, registry, scan, tools
from bashgym.errors import PrivacyError
from bashgym.gate import canary, outgoing, vault
from bashgym.kinds import JudgeContext
from bashgym.records import (
    Drop,
    Example,
    PluginSpec,
    Record,
    SessionRef,
    SessionSummary,
    TraceSummary,
    Verdict,
)
from bashgym.settings import VerdictSettings
from bashgym.similar import prints
from bashgym.similar.requests import requested
from bashgym.stages.discreet import cleaning, discreet
from bashgym.store import Store
from bashgym.trace import Trace, from_builtins, to_builtins
from bashgym.verdict import classify

# rooms and files whose code has no part in what the store holds
NOT_DATA = frozenset(
    "cli.py run.py display.py show.py verbs capture history report rented plugins inside lock lineage".split()  # noqa: SIM905
)


CANARY = ""  # the label of no source


class SessionWork(Record, frozen=True, kw_only=True):
    """What every session of a run is put through."""

    sources: dict[str, PluginSpec]
    sanitizers: tuple[tuple[str, PluginSpec], ...]
    judges: tuple[tuple[str, PluginSpec], ...]
    synthesizers: tuple[tuple[str, PluginSpec], ...]
    verdict: dict[str, Any]
    style: scan.Style  # of what stands for a value
    fingerprint: str  # of all that, of the engines beneath, of this code, of the pseudonym key
    store: str


class SessionTask(Record, frozen=True, kw_only=True):
    """One session to be worked on; `label` is the source's."""

    work: SessionWork
    label: str
    ref: SessionRef

    @property
    def size(self) -> int:
        """Bytes of the session, as its source says."""
        return self.ref.size

    @property
    def key(self) -> str:
        return hashlib.sha256(
            f"{self.work.fingerprint} {self.label} {self.ref.id} {self.ref.sha256}".encode()
        ).hexdigest()


class Judged(NamedTuple):
    summary: TraceSummary
    examples: list[Example]


BUILT: dict[bytes, Any] = {}  # the plugins of this process, by spec (as JSON)


def build(spec: PluginSpec) -> Any:
    """The plugin of a spec, built once in this process."""
    name = msgspec.json.encode(spec)
    if name not in BUILT:
        plugin = registry.Plugin(spec.kind, spec.name, Path(spec.path), spec.origin, spec.sha256)
        BUILT[name] = registry.build(plugin, spec.config, spec.where)
    return BUILT[name]


def lend(plugins: Iterable[tuple[PluginSpec, Any]]) -> None:
    """The plugins of the run whose tasks this process works on itself, in place of those of an earlier run: what they
    know of this machine may have changed since."""
    BUILT.clear()
    BUILT.update((msgspec.json.encode(spec), plugin) for spec, plugin in plugins)


def process(task: SessionTask) -> str:
    """The key under which the store now holds the session's summary (first line) and examples (the others)."""
    store = Store(Path(task.work.store))
    if store.has(task.key):
        return task.key
    counts: Counter[str] = Counter()
    started = time.perf_counter()
    traces = traces_of(task)
    for trace in traces:
        count(trace, counts)
    replies = [tuple(examples.reply_key(step) for step in trace.steps if step.source == "agent") for trace in traces]
    read = time.perf_counter()
    clean, found = sanitized(traces, task)
    cleaned = time.perf_counter()
    root = clean[0].session_id if clean else hashlib.sha256(task.ref.id.encode()).hexdigest()[:16]
    clock = {"read": read - started, "sanitize": cleaned - read, "judge": 0.0, "synthesize": 0.0}
    judged = [
        judge(trace, raw, task, root, keys, found.removed, clock)
        for trace, raw, keys in zip(clean, traces, replies, strict=True)
    ]
    summary = SessionSummary(
        session=root,
        bytes=task.ref.size,
        lines=counts["lines"],
        malformed=counts["malformed"],
        events=counts["events"],
        redactions=dict(sorted(found.counts.items())),
        rules=dict(sorted(found.by_rule.items())),
        fields=dict(sorted(found.by_field.items())),
        known=tuple(sorted(pseudonyms.known(type, value) for value, type in found.machine.items())),
        traces=tuple(one.summary for one in judged),
        seconds=clock,
    )
    vault.put(store, task.key, found.removed)  # first, so that no result is ever without it
    lines = [msgspec.json.encode(summary)]
    lines += [msgspec.json.encode(example) for one in judged for example in one.examples]
    store.put(task.key, b"\n".join(lines))
    return task.key


def traces_of(task: SessionTask) -> list[Trace]:
    """The session's traces; the canaries' session (see bashgym/gate/canary.py) has no source."""
    if task.label == CANARY:
        return [canary.trace(task.ref.id)]
    return list(build(task.work.sources[task.label]).read(task.ref))


def count(trace: Trace, counts: Counter[str]) -> None:
    counts["lines"] += sum(file.lines for file in trace.info.source.files)
    counts["malformed"] += len(trace.info.malformed)
    counts["events"] += len(trace.info.events)


def sanitized(traces: list[Trace], task: SessionTask) -> tuple[list[Trace], scan.Sanitized]:
    """The traces of one session with every secret and person replaced, all at once: a name that is learnt in one
    place is found in all; and what was replaced. Raises PrivacyError where that is not certain."""
    sanitizers = [(label, build(spec)) for label, spec in task.work.sanitizers]
    plain = [to_builtins(trace) for trace in traces]
    result = scan.sanitize(plain, sanitizers, pseudonyms.load_key(), task.ref.id, task.work.style)
    try:
        return [from_builtins(value) for value in result.value], result
    except msgspec.ValidationError as error:
        raise PrivacyError(f"session {task.ref.id}: a sanitizer damaged the trace's structure ({error})") from error


def spoken(label: str, trace: Trace, raw: Trace, task: SessionTask, removed: dict[str, str]) -> Verdict:
    """One judge's verdict. Only a judge that asks for the raw trace can have it, and what it says is sanitized."""
    plugin = build(dict(task.work.judges)[label])
    sanitizers = [(name, build(spec)) for name, spec in task.work.sanitizers]
    if not getattr(plugin, "reads_raw", False):  # the canaries leave by no gate
        gate = None if task.label == CANARY else outgoing.gate(removed, sanitizers)
        return msgspec.structs.replace(plugin.judge(trace, JudgeContext(gate=gate)), judge=label)
    verdict = plugin.judge(trace, JudgeContext(raw=lambda: raw))
    return msgspec.structs.replace(discreet(verdict, sanitizers, task.ref.id, removed, task.work.style), judge=label)


def judge(
    trace: Trace,
    raw: Trace,
    task: SessionTask,
    root: str,
    replies: tuple[int, ...],
    removed: dict[str, str],
    clock: dict[str, float],
) -> Judged:
    """The verdicts on a sanitized trace of the session `root`, its class, and the examples it would give; `removed`
    are the values that were replaced in it. The seconds are added to `clock`."""
    started = time.perf_counter()
    verdicts = tuple(spoken(label, trace, raw, task, removed) for label, _ in task.work.judges)
    label, score = classify(verdicts, VerdictSettings.model_validate(task.work.verdict))
    name = examples.name_of(trace)
    spoke = time.perf_counter()
    made, dropped = split_drops([*examples.examples(trace, name), *synthetic(trace, raw, task, verdicts, removed)])
    known = tools.transcribed(trace.agent.tool_definitions)
    if known:
        made = [example if example.tools else msgspec.structs.replace(example, tools=known) for example in made]
    said = list(prints.said(example for example in made if example.origin == "trace"))
    totals = trace.info.totals
    summary = TraceSummary(
        session=name,
        root=root,
        source=task.label,
        repo=trace.info.project.cwd or "",
        started=next((step.timestamp for step in trace.steps if step.timestamp), ""),
        label=label,
        score=score,
        verdicts=verdicts,
        examples=len(made),
        messages=sum(len(example.messages) for example in made),
        replies=replies,
        tools=tools.usage(trace),
        dropped=dict(dropped),
        tokens={field: value for field, value in msgspec.structs.asdict(totals).items() if type(value) is int},
        dataset=trace.info.source.dataset or "",
        license=trace.info.source.license or "",
        digest=prints.digest(said),
        prints=prints.prints(said),
        requests=tuple(requested(example for example in made if example.origin == "trace")),
    )
    clock["judge"] += spoke - started
    clock["synthesize"] += time.perf_counter() - spoke
    return Judged(summary, made)


def synthetic(
    trace: Trace, raw: Trace, task: SessionTask, verdicts: tuple[Verdict, ...], removed: dict[str, str]
) -> Iterator[Example | Drop]:
    """What the synthesizers make of a trace. The canaries are shown to none that sends text away."""
    for _, spec in task.work.synthesizers:
        synthesizer = build(spec)
        sanitizers = [(label, build(one)) for label, one in task.work.sanitizers]
        if hasattr(synthesizer, "outgoing"):
            if task.label == CANARY:
                continue
            synthesizer.outgoing = outgoing.gate(removed, sanitizers)
        if getattr(synthesizer, "reads_raw", False):
            synthesizer.raw = lambda: raw
            synthesizer.clean = cleaning(sanitizers, task.ref.id, removed, task.work.style)
        yield from synthesizer.synthesize(trace, verdicts)


def split_drops(found: list[Any]) -> tuple[list[Any], Counter[str]]:
    """What was made, and the drops by reason."""
    dropped: Counter[str] = Counter()
    for one in found:
        if isinstance(one, Drop):
            dropped[one.reason] += one.n
    return [one for one in found if not isinstance(one, Drop)], dropped


def stored_examples(store: Store, key: str) -> Iterator[Example]:
    blob = store.get(key)
    for line in (blob or b"").split(b"\n")[1:]:
        yield msgspec.json.decode(line, type=Example)


def code_digest() -> str:
    """A hash of the code that makes the data, so that a cached result never outlives the code that made it."""
    digest = hashlib.sha256()
    for path in sorted(paths.HERE.rglob("*.py")):
        if path.relative_to(paths.HERE).parts[0] not in NOT_DATA:
            digest.update(path.read_bytes())
    return digest.hexdigest()
