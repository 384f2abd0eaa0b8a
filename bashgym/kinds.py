"""The contract of every kind of plugin, on one page.

A plugin is a module `plugins/<kind>/<name>.py` whose class bears its kind's name in CamelCase (`class Judge`,
`class ModelRegistry`), with an inner pydantic `Config` (see bashgym/config.py) and `__init__(self, config)`.
Its docstring's first line is what `bashgym plugins list` shows. Heavy imports belong inside the methods."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from bashgym.records import (
    Axis,
    Dataset,
    Decision,
    Drop,
    Example,
    Finding,
    Job,
    Model,
    ModelVersion,
    Progress,
    Quote,
    Route,
    Row,
    Score,
    SessionKey,
    SessionRef,
    Span,
    Subject,
    Submission,
    Trial,
    Verdict,
)
from bashgym.trace import Trace


@dataclass
class ScanContext:
    """What a sanitizer may know beside the batch: the session it is of, and a memory of its own for that session.

    `strings` are all distinct strings of the session, so that values (a user's name, a host) can be learnt
    from one place and found in another; `keys` says, for each string of the batch, which key it is the value of
    where that may say what it is (`password`, `user`), else ""; `memory` is empty at the session's first batch;
    `shared` is empty at every batch and the same for all sanitizers: what one worked out the next need not."""

    session: str
    strings: Sequence[str] = ()
    keys: Sequence[str] = ()
    memory: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Prepared:
    """What a training strategy fetched: rows that have it, rows that have not by reason, and more for the manifest."""

    rows: int
    dropped: dict[str, int] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgeContext:
    """What a judge may use beside the trace: a folder to write in, which is removed afterwards.

    `raw` gives the same trace as its source read it, nothing taken out; only for a judge whose class says
    `reads_raw = True`. Its verdict may hold ids of tests, counts and exit codes of it and nothing else, and goes
    through the sanitizers before it is kept. `gate` is given the very bytes that would leave this machine and raises
    PrivacyError where they may not (bashgym/gate/outgoing.py); where there is none, nothing leaves."""

    folder: Path | None = None
    raw: Callable[[], Trace] | None = None
    gate: Callable[[bytes], None] | None = None


@runtime_checkable
class Source(Protocol):
    """Sessions from the outside world.

    A source whose settings, left as they are, read what an agent keeps on this machine says which agent that is in a
    class attribute `agent` ("Codex CLI"): `bashgym collect` asks all of these. A source that leaves out what its user
    excluded or forgot (bashgym/reading/excluded.py) counts it by reason in an attribute `left_out`, a Counter that
    holds the last listing's."""

    def list(self) -> Iterable[SessionRef]:
        """Every session there is, unread; raises InputError when the place itself is not there."""

    def read(self, ref: SessionRef) -> Iterable[Trace]:
        """The traces of `ref`: the session first, then its sub-agents. Every line of its files is in one of them."""


@runtime_checkable
class Sanitizer(Protocol):
    """Finds what must not stay; what it finds is replaced by bashgym/scan.py.

    One that looks for what only this machine knows (its user's login, its tokens) says so: such spans have the rule
    `machine`, the values it knows beforehand are in an attribute `known` (value -> type), and `engine()` ends with
    ` known ` and a keyed digest of them. A run's lock tells by these whether another machine gives the same."""

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        """Spans in a batch of strings (64 KB together); character offsets. Raises when it cannot be sure."""

    def engine(self) -> str:
        """What it rests on (versions, rule digests, keyed digest of known values): part of the cache key."""


@runtime_checkable
class Judge(Protocol):
    """Says how good one sanitized trace is.

    One that rests on more than its code and settings (a program of this machine) says so in a method `engine() -> str`,
    as a sanitizer does; one that needs the raw trace, in a class attribute `reads_raw`."""

    def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
        """A verdict with its signals, or an abstention with its reason."""


@runtime_checkable
class Curator(Protocol):
    """Chooses among all sessions.

    A curator that must know what the recipe's benchmarks ask has a method `beware(texts)`, called before `curate` with
    label -> what that benchmark's `texts()` gives (None: its questions are made of the test rows)."""

    def curate(self, index: Sequence[SessionKey]) -> Iterable[Decision]:
        """A decision for every session of `index`, in any order; a later curator sees only what was kept."""


@runtime_checkable
class Synthesizer(Protocol):
    """Makes more examples out of one trace.

    One that sends text to another machine has an attribute `outgoing`, which the worker sets for each session to a
    check of the very bytes that would leave (bashgym/gate/outgoing.py); with None in it, it sends nothing. One that
    says `reads_raw = True` is given, for each session, `raw` (the trace as its source read it, nothing taken out) and
    `clean` (plain data back through the sanitizers and the leak gate): what is not clean goes into no example. One
    that rests on more than its code and settings says so in a method `engine() -> str`, as a judge does. An
    example whose meta holds `train_only` is never measured on: none of its rows is of the validation or test split."""

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]: ...


@runtime_checkable
class Format(Protocol):
    """Turns an example into rows of a dataset.

    A row says in `meta.session` (`extra.meta.session` in a document of others' making) whose it is, so that
    `bashgym forget` finds it. A format may also have `document(data) -> bytes` and `suffix`: a row as a file of its
    own, for viewers that read one session a file; such files are written beside the rows."""

    schema: str  # the shape of its rows, which a training plugin checks

    def render(self, example: Example) -> Iterable[Row | Drop]:
        """Rows, and what had to be left out of them."""

    def stanza(self) -> dict[str, Any]:
        """Axolotl's `datasets:` entry for these rows, without the path."""


@runtime_checkable
class Training(Protocol):
    """Turns a dataset and a model into a job.

    A strategy that must fetch something before its job runs (a teacher's word over a network) has a method
    `prepare(job, check, say) -> Prepared | None`, called right before the job is submitted: `check` is the leak gate
    for the bytes that would leave, `say` tells the user a line. One that learns from rewards has a method
    `rewarded(chosen)`, called before `plan` with those of the recipe (bashgym/training/rewards.py)."""

    schema: str  # the dataset schema it needs

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Writes `axolotl.yaml` into `folder` and returns the job that would train it."""


@runtime_checkable
class Reward(Protocol):
    """Scores one completion; importable inside the training environment: standard library, pydantic, and of ours
    `config`, `errors`, `sandbox` and `tasks`, which travel with the job.

    Its Config has a `weight`. Class attributes say more: `verifies` (it says 1 or 0 by something that ran; the
    self-test holds it to that before every training, and one such reward must be there), `control` (it means nothing,
    and nothing must come of it), `repeatable = False` (the same answer may score otherwise). A verifying one may have
    `score_folder(folder, row) -> float`, for answers in several turns."""

    def score(self, completion: str, row: dict[str, Any]) -> float: ...


@runtime_checkable
class Cloud(Protocol):
    """A place where a job can run.

    One that rents has `limits` in its Config (bashgym/rented/settings.py): its user is shown the quote and asked, and
    a quote without a price, or above the limits, is refused. A place that costs nothing has none."""

    def preflight(self, job: Job) -> Iterable[Finding]:
        """What stands in the way, before anything is spent."""

    def quote(self, job: Job) -> Quote: ...

    def submit(self, job: Job) -> Submission: ...

    def follow(self, submission: Submission) -> Iterator[Progress]:
        """Metrics and states until the job ends; the last one is a state: succeeded, failed or cancelled."""

    def fetch(self, submission: Submission) -> Path:
        """The folder of the checkpoint, on this disk."""

    def cancel(self, submission: Submission) -> None: ...

    def down(self, submission: Submission) -> None:
        """Nothing that costs is left behind."""


@runtime_checkable
class Benchmark(Protocol):
    """Measures a model.

    One whose questions exist before the run tells them in a method `texts() -> Iterable[str]`, a question with its
    answer a text, so that nobody trains on them; one whose questions are the dataset's own test rows returns None.
    One that needs test rows and a model alone, nothing that another model left, says so with `repeats = True`."""

    def run(self, model: Subject) -> Iterable[Score]: ...

    def controls(self, model: Subject) -> Iterable[Score]:
        """What needs no model to be beaten: the most frequent answer, chance."""


@runtime_checkable
class ModelRegistry(Protocol):
    """Keeps models with their lineage."""

    def add(self, version: ModelVersion, curves: Sequence[dict[str, Any]] = ()) -> ModelVersion: ...

    def alias(self, name: str, version: str, alias: str) -> None: ...

    def get(self, name: str, version: str | None = None) -> ModelVersion | None:
        """`version` is a number or an alias; None is the newest."""

    def list(self) -> Iterable[ModelVersion]: ...

    def lineage(self, name: str, version: str) -> dict[str, str]: ...


@runtime_checkable
class Router(Protocol):
    """Decides where one request goes."""

    def decide(self, request: dict[str, Any], state: dict[str, Any]) -> Route: ...


@runtime_checkable
class Guardrail(Protocol):
    """Checks one request or answer."""

    def check(self, message: str) -> Iterable[Finding]: ...


@runtime_checkable
class Executor(Protocol):
    """Runs one function over many references, here or elsewhere."""

    def map(self, function: Callable[[Any], Any], refs: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of `refs`; holds only a few of either at a time."""


@runtime_checkable
class Search(Protocol):
    """Looks for the values under which a recipe comes out best."""

    def explore(
        self, space: Mapping[str, Axis], folder: Path, measure: Callable[[dict[str, Any]], float | None]
    ) -> Iterator[Trial]:
        """Every try as it ends, those of an earlier call in `folder` first; `measure` runs the recipe with values."""


KINDS: dict[str, type] = {
    "source": Source,
    "sanitizer": Sanitizer,
    "judge": Judge,
    "curator": Curator,
    "synthesizer": Synthesizer,
    "format": Format,
    "training": Training,
    "reward": Reward,
    "cloud": Cloud,
    "benchmark": Benchmark,
    "model_registry": ModelRegistry,
    "router": Router,
    "guardrail": Guardrail,
    "executor": Executor,
    "search": Search,
}
LISTS = frozenset({"source", "sanitizer", "judge", "curator", "synthesizer", "reward", "benchmark", "guardrail"})
AT_LEAST_ONE = frozenset({"source", "sanitizer"})


def class_name(kind: str) -> str:
    """`model_registry` -> `ModelRegistry`."""
    return "".join(part.capitalize() for part in kind.split("_"))
