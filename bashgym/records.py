"""What travels between stages and processes: frozen data, nothing else."""

from typing import Any, Literal

import msgspec

Evidence = Literal["measured", "replayed", "estimated", "simulated", "missing"]
Class = Literal["gold", "silver", "failed", "unverified"]
Group = Literal["secret", "person", "place"]  # of what sanitizers remove
Split = Literal["train", "validation", "test"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all records."""


class SessionRef(Record, frozen=True, kw_only=True):
    """A session as a source lists it, unread: `path` is the main file, `files` its sub-agents' files."""

    source: str
    id: str
    path: str
    size: int  # bytes, all files together
    sha256: str  # over the bytes of all files
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()  # where the session worked, as far as its source tells
    row: int | None = None  # which one it is in a file of many: an index from 0, or the byte where its line begins


class Span(Record, frozen=True, kw_only=True):
    """Characters [start, end) of string `index` of a batch are a value of `type` (EMAIL, API_KEY, USER ...)."""

    index: int
    start: int
    end: int
    type: str
    rule: str = ""


class Signal(Record, frozen=True, kw_only=True):
    """One observation a judge rests on: where it was seen and how sure it is (0 to 1)."""

    name: str
    value: str | int | float | bool
    source: str  # test_run, tool_result, user, git, parser, ...
    confidence: float
    step_id: int | None = None


class Verdict(Record, frozen=True, kw_only=True):
    """A judge's word on one trace; score 0 to 1, or None when it abstains and says why in `reason`."""

    judge: str
    score: float | None
    confidence: float = 0.0
    reason: str = ""
    verified: bool = False  # rests on something that ran (a test, a parser), not on the absence of complaints
    fatal: bool = False  # seen to have failed, whatever other judges say
    cap: float | None = None  # the session's score is at most this, whatever other judges say
    signals: tuple[Signal, ...] = ()


class Example(Record, frozen=True, kw_only=True):
    """One context window of one trace, in OpenAI's messages shape; tool arguments are objects.

    A synthesizer may say which of the messages are only read (`given`: the prompt of a pair, of a task, of a teacher's
    answer); a pair has in `rejected` what should not have followed them, where `messages[given:]` should."""

    id: str
    session: str
    window: int
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]]
    keys: list[str] = []  # per message: the reply it came from, so that copies in forks are known
    steps: list[int] = []  # per message: the step it came from
    origin: str = "trace"  # or the synthesizer that made it
    given: int = 0  # so many first messages are there to be read, and nothing in them is learnt
    rejected: list[dict[str, Any]] = []
    label: bool | None = None  # whether messages[given:] was good, where nothing worse or better is known
    verifier: dict[str, Any] = {}  # how an answer to the given messages is checked: columns of a row for a reward
    meta: dict[str, Any] = {}  # more on where it came from (rejected_steps, teacher ...), written into the row's meta


class Row(Record, frozen=True, kw_only=True):
    """One line of the dataset."""

    id: str
    data: dict[str, Any]
    keys: list[str] = []


class Drop(Record, frozen=True, kw_only=True):
    """Something left out of the dataset, `n` of them, and why: counted, never silent."""

    reason: str
    n: int = 1


class PluginSpec(Record, frozen=True, kw_only=True):
    """A plugin with its settings as plain data, for another process: it checks the hash and builds it anew."""

    kind: str
    name: str
    path: str
    origin: str
    sha256: str
    where: str  # the recipe key, for error messages
    config: dict[str, Any]


class TraceSummary(Record, frozen=True, kw_only=True):
    """What is kept in memory of one judged trace; everything in it is sanitized."""

    session: str  # the session id; a sub-agent's has its own id after a slash
    root: str  # the session it belongs to, equal to `session` except for sub-agents
    source: str
    repo: str
    started: str
    label: Class
    score: float | None
    verdicts: tuple[Verdict, ...]
    examples: int
    messages: int
    replies: tuple[int, ...]  # 64-bit hashes of the ids of its model replies
    tools: dict[str, dict[str, Any]]  # how its tools were called, see bashgym/tools.py
    dropped: dict[str, int]
    tokens: dict[str, int]
    dataset: str = ""  # where the session was published, if it was, and under what licence
    license: str = ""
    digest: str = ""  # of all that was said and called, see bashgym/similar/prints.py
    prints: bytes = b""
    requests: tuple[str, ...] = ()  # what the user said that the agent then acted on


class SessionSummary(Record, frozen=True, kw_only=True):
    """One session after reading, sanitizing and judging."""

    session: str
    bytes: int
    lines: int
    malformed: int
    events: int
    redactions: dict[str, int]  # places by type
    rules: dict[str, int]  # by label/rule
    fields: dict[str, int]  # by the key they stood under
    known: tuple[str, ...] = ()  # `TYPE digest`, keyed, of what was replaced only because this machine knows it
    traces: tuple[TraceSummary, ...]
    seconds: dict[str, float]


class SessionKey(Record, frozen=True, kw_only=True):
    """What curators see of a session: compact, so that all of them fit in memory."""

    session: str
    source: str
    family: str  # the same for a session, its sub-agents, and sessions that share replies (forks, resumes)
    repo: str
    started: str
    label: Class
    score: float | None
    rows: int
    messages: int
    dataset: str = ""  # where it was published; empty: it is one's own
    license: str = ""
    digest: str = ""  # equal where all that was said and called is
    prints: bytes = b""  # of what was said and called (bashgym/similar/prints.py): 4 bytes each, sorted
    requests: tuple[str, ...] = ()  # what the user said that the agent then acted on
    split: Split | None = None  # what an earlier curator of the recipe decided


class Decision(Record, frozen=True, kw_only=True):
    """A curator's word: keep in a split, or drop with a reason."""

    session: str
    keep: bool
    reason: str = ""
    split: Split | None = None


class Dataset(Record, frozen=True, kw_only=True):
    """The written dataset: folder with train/validation/test.jsonl; rows by split; `stanza` is how Axolotl reads it."""

    folder: str
    sha256: str
    rows: dict[str, int]
    stanza: dict[str, Any]
    schema: str  # what a training plugin checks: "chat", "preference", ...


class Model(Record, frozen=True, kw_only=True):
    """A model to start from: a hub id or folder, or `scratch` settings to make one from the data."""

    base: str  # hub id or local folder; "scratch" to make one
    chat_template: str  # tokenizer_default, or a name under bashgym/inside/templates/
    sequence_len: int
    parameters: int | None = None  # where known
    revision: str | None = None
    measures: tuple[int, int, int] | None = None  # width, layers, vocabulary of a model that is made from the data


class Job(Record, frozen=True, kw_only=True):
    """A training to be run somewhere: everything lies in `folder`, the command runs there."""

    name: str
    folder: str
    command: tuple[str, ...]  # argv inside the training environment
    env: dict[str, str]
    output: str  # where the checkpoint will be, relative to folder
    config: dict[str, Any]  # the Axolotl configuration as written
    gpu: dict[str, Any]  # what it needs: {min_vram_gb, count}; empty for CPU
    uploads: tuple[str, ...] = ()  # paths, relative to folder, that a remote machine needs
    estimate: dict[str, Any] = {}  # see bashgym/training/estimate.py


class Offer(Record, frozen=True, kw_only=True):
    """What one machine would cost; `evidence` is estimated for a catalogue price, missing where there is none.

    `hours` and `usd` are estimates of the whole job on this machine; None where they are missing."""

    cloud: str
    instance: str
    region: str
    accelerators: str
    usd_per_hour: float | None
    evidence: Evidence
    note: str = ""
    hours: float | None = None
    usd: float | None = None


class Quote(Record, frozen=True, kw_only=True):
    """Offers, cheapest first, and what the run would cost: hours and dollars are estimates or None (missing)."""

    offers: tuple[Offer, ...]
    hours: float | None
    usd: float | None
    evidence: Evidence
    note: str = ""
    details: dict[str, Any] = {}  # rendered files, credentials and files that would leave this machine


class Submission(Record, frozen=True, kw_only=True):
    """A job that was started: enough to follow or cancel it from another process."""

    job: str
    folder: str
    id: str


class Progress(Record, frozen=True, kw_only=True):
    """One event of a running job: a metric line, a log line, or a change of state."""

    kind: Literal["metric", "log", "state"]
    data: dict[str, Any]


class Checkpoint(Record, frozen=True, kw_only=True):
    """A trained model on this disk."""

    path: str
    steps: int
    first_loss: float | None
    last_loss: float | None
    seconds: float
    evidence: Evidence


class Subject(Record, frozen=True, kw_only=True):
    """A model under test: `role` is base, trained, or the name of a control."""

    role: str
    path: str
    dataset: str  # the dataset's folder
    folder: str  # where the benchmark may write
    chat_template: str
    sequence_len: int


class Score(Record, frozen=True, kw_only=True):
    """One number of one benchmark, or the honest lack of it (value None, evidence missing)."""

    benchmark: str
    metric: str
    role: str
    value: float | None
    evidence: Evidence
    n: int = 0
    stderr: float | None = None
    higher_is_better: bool = True
    note: str = ""


class Axis(Record, frozen=True, kw_only=True):
    """The values one key may take in a search: `choices`, or whatever lies between `low` and `high`."""

    low: float | int = 0
    high: float | int = 0
    log: bool = False  # spread over powers of ten
    choices: tuple[str | int | float | bool | None, ...] = ()


class Trial(Record, frozen=True, kw_only=True):
    """One try of a search: the values of its keys, and the figure it came to; None where it failed."""

    number: int
    values: dict[str, Any]
    figure: float | None
    best: bool = False


class ModelVersion(Record, frozen=True, kw_only=True):
    """A model in the registry with where it came from."""

    name: str
    path: str
    version: str = ""
    aliases: tuple[str, ...] = ()
    lineage: dict[str, str] = {}
    scores: tuple[Score, ...] = ()
    created: str = ""


class Finding(Record, frozen=True, kw_only=True):
    """Something a guardrail or a preflight check found."""

    level: Literal["error", "warning", "info"]
    message: str


class Route(Record, frozen=True, kw_only=True):
    """Where a request goes and why."""

    target: str
    reason: str
    confidence: float | None = None
