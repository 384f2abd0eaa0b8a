"""The trace of a session: the names and rules of ATIF v1.8, everything of ours under `extra.bashgym`.

msgspec structs, not pydantic models: a history holds hundreds of megabytes of them (docs/architecture.md).
Numbers of tokens are counts; times are ISO 8601 strings as the agent wrote them; `ts` of two files may disagree."""

from typing import Any, Literal

import msgspec

SCHEMA_VERSION = "ATIF-v1.8"

Origin = Literal["system", "user", "agent"]
StepKind = Literal[
    "human", "agent", "command", "bash", "meta", "hook_feedback", "compact_summary",
    "task_notification", "interrupt", "synthetic", "api_error", "tool_result", "system",
]  # fmt: skip
Ending = Literal["completed", "interrupted", "error", "unknown"]
Relation = Literal["subagent", "fork", "resume", "compaction", "branch"]


class Struct(msgspec.Struct, omit_defaults=True, kw_only=True, gc=False):
    """Base: defaults are left out of the JSON. Traces hold no circles, so the garbage collector passes them over."""


class ResultInfo(Struct):
    """What Claude Code and its peers know of a tool result beyond its text."""

    is_error: bool = False
    exit_code: int | None = None
    raw: Any = None  # the structured result (toolUseResult), verbatim
    ts: str | None = None
    uuid: str | None = None
    line_no: int | None = None
    truncated: bool = False
    foreign: dict[str, Any] = {}  # keys of another tool's `extra`, kept (so in all that follow)


class ResultExtra(Struct):
    bashgym: ResultInfo = msgspec.field(default_factory=ResultInfo)


class ObservationResult(Struct):
    """The answer to one tool call; `content` is text or a list of parts (text, image reference)."""

    source_call_id: str | None = None
    content: str | list[dict[str, Any]] | None = None
    subagent_trajectory_ref: list[dict[str, Any]] | None = None
    extra: ResultExtra = msgspec.field(default_factory=ResultExtra)


class Observation(Struct):
    results: list[ObservationResult] = []


class CallInfo(Struct):
    mcp_server: str | None = None
    denied: Literal["user", "rule", "hook", "classifier"] | None = None
    asked: bool = False  # the user was asked whether it may run
    permission: Literal["allowed", "denied"] | None = None  # where the agent wrote it down
    permission_by: str | None = None  # as the agent calls it: user_permanent, config, hook ...
    reason: str | None = None  # of a denial
    error: str | None = None  # what a hook was told of a failed call, also where no result was ever written
    interrupted: bool = False  # the user cut it short
    duration_ms: int | None = None
    started_at: str | None = None
    foreign: dict[str, Any] = {}


class CallExtra(Struct):
    bashgym: CallInfo = msgspec.field(default_factory=CallInfo)


class ToolCall(Struct):
    """One call of one tool; `arguments` is always an object."""

    tool_call_id: str
    function_name: str
    arguments: dict[str, Any] = {}
    extra: CallExtra = msgspec.field(default_factory=CallExtra)


class UsageInfo(Struct):
    """Cache tiers, which ATIF has no names for, and what else a price depends on."""

    input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    ephemeral_5m_input_tokens: int = 0  # of the tokens written to the cache: those kept for five minutes
    ephemeral_1h_input_tokens: int = 0  # and for an hour; 0 in both where the agent did not say
    reasoning_tokens: int | None = None  # of the tokens of the reply: the thinking, where the server said
    web_search_requests: int = 0
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    foreign: dict[str, Any] = {}


class UsageExtra(Struct):
    bashgym: UsageInfo = msgspec.field(default_factory=UsageInfo)


class Metrics(Struct):
    """Tokens of one model reply; `prompt_tokens` includes what came from or went to the cache (ATIF)."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    cost_usd: float | None = None
    prompt_token_ids: list[int] | None = None
    completion_token_ids: list[int] | None = None
    logprobs: list[float] | None = None
    extra: UsageExtra = msgspec.field(default_factory=UsageExtra)


class StepInfo(Struct):
    """Where a step came from: the lines, ids and order of blocks of the agent's own file."""

    kind: StepKind = "agent"
    uuids: list[str] = []
    parent: str | None = None
    message_id: str | None = None
    request_id: str | None = None
    blocks: list[str] = []  # the order of blocks in the reply, as the agent wrote them
    signatures: list[str] = []
    stop_reason: str | None = None
    origin: str | None = None
    permission_mode: str | None = None
    active: bool = True  # on the branch that the session ended on
    line_nos: list[int] = []
    foreign: dict[str, Any] = {}


class StepExtra(Struct):
    bashgym: StepInfo = msgspec.field(default_factory=StepInfo)


class Step(Struct):
    """One turn of user or system, or one model reply with its parallel calls and their results."""

    step_id: int
    source: Origin
    message: str | list[dict[str, Any]] = ""
    timestamp: str | None = None
    model_name: str | None = None
    reasoning_effort: str | float | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    observation: Observation | None = None
    metrics: Metrics | None = None
    is_copied_context: bool = False
    llm_call_count: int | None = None
    extra: StepExtra = msgspec.field(default_factory=StepExtra)

    @property
    def info(self) -> StepInfo:
        return self.extra.bashgym

    @property
    def text(self) -> str:
        """The words of the message; parts that are not text are left out."""
        return plain(self.message)

    def results(self) -> dict[str, ObservationResult]:
        """The results of this step's calls by call id."""
        found = self.observation.results if self.observation else []
        return {result.source_call_id: result for result in found if result.source_call_id}


class Agent(Struct):
    name: str
    version: str | None = None
    model_name: str | None = None
    tool_definitions: list[dict[str, Any]] | None = None  # OpenAI shape; None where the agent kept none
    extra: dict[str, Any] = {}


class SourceFile(Struct):
    path: str
    sha256: str
    bytes: int
    lines: int = 0
    malformed: int = 0


class SourceInfo(Struct):
    kind: str
    client_version: str | None = None
    entrypoint: str | None = None
    files: list[SourceFile] = []
    captured_by: Literal["hook", "scan", "proxy", "import"] = "scan"
    dataset: str | None = None  # where the session was published: a name, with @ and the revision where one is known
    license: str | None = None  # of that data set; "missing" where it says none


class ProjectInfo(Struct):
    cwd: str | None = None
    repo_remote_hash: str | None = None
    git_branch: str | None = None
    git_commit: str | None = None
    worktree: str | None = None


class Lineage(Struct):
    parent_trace: str | None = None
    parent_call_id: str | None = None
    relation: Relation | None = None
    depth: int = 0


class ContextWindow(Struct):
    """Steps one model call could see together: from one compaction to the next. Step ids, both inclusive."""

    first_step: int
    last_step: int
    reason: Literal["start", "compact_auto", "compact_manual", "micro"] = "start"
    summary_step: int | None = None


class Branch(Struct):
    leaf: str
    step_ids: list[int] = []
    active: bool = False


class Event(Struct):
    """A line that is no message (unknown types included), verbatim."""

    type: str
    raw: Any
    ts: str | None = None
    line_no: int | None = None
    file: int = 0  # index into source.files


class Malformed(Struct):
    """A line that is not JSON, or not what its type promises: kept aside with the reason."""

    file: int
    line_no: int
    reason: str
    raw: str


class Totals(Struct):
    """Tokens of the session, each model reply counted once; sub-agents excluded (they are traces of their own), and
    steps that are known to be copies of another session's (`is_copied_context`).

    Copies that an old resume made bear no such mark: over many sessions, count each (message_id, request_id) once,
    or each message_id where one of two lacks the request's."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    replies: int = 0
    copied_replies: int = 0  # left out of all of the above
    cost_usd: float | None = None  # what the agent itself says the session cost, its sub-agents included


class Thinking(Struct):
    """How much of the model's thinking the files hold: newer servers send summaries of it, or nothing."""

    blocks: int = 0  # all, the redacted ones included
    empty: int = 0  # without a word, only a signature
    redacted: int = 0
    characters: int = 0
    display: dict[str, int] = {}  # blocks by what the client says of them: `updates` are summaries, `omitted` nothing


class ModelSwitch(Struct):
    """The user, or the client, went on with another model."""

    ts: str | None = None
    from_model: str | None = None
    to_model: str | None = None
    source: str | None = None


class Outcome(Struct):
    """Plain facts a reader can see without judging. What can be told from them, with its source and how sure it is:
    bashgym/signals/told.py."""

    tool_errors: int = 0
    rejections: int = 0
    interrupts: int = 0
    api_errors: int = 0
    pr_urls: list[str] = []  # pull requests that the agent says it made
    end_reason: str | None = None  # as a hook was told: clear, logout, prompt_input_exit, other ...
    ended: Ending = "unknown"


class TraceInfo(Struct, kw_only=True):
    schema: int = 1
    source: SourceInfo
    project: ProjectInfo = msgspec.field(default_factory=ProjectInfo)
    lineage: Lineage = msgspec.field(default_factory=Lineage)
    context_windows: list[ContextWindow] = []
    branches: list[Branch] = []
    usage_reliable: bool = True
    totals: Totals = msgspec.field(default_factory=Totals)
    thinking: Thinking = msgspec.field(default_factory=Thinking)
    model_switches: list[ModelSwitch] = []
    outcome: Outcome = msgspec.field(default_factory=Outcome)
    events: list[Event] = []
    malformed: list[Malformed] = []
    foreign: dict[str, Any] = {}


class TraceExtra(Struct):
    bashgym: TraceInfo


class Trace(Struct):
    """One session (or one sub-agent of it): ATIF's Trajectory."""

    session_id: str
    agent: Agent
    steps: list[Step]
    extra: TraceExtra
    schema_version: str = SCHEMA_VERSION
    trajectory_id: str | None = None
    notes: str | None = None
    final_metrics: dict[str, Any] | None = None
    continued_trajectory_ref: str | None = None
    subagent_trajectories: list["Trace"] | None = None

    @property
    def info(self) -> TraceInfo:
        return self.extra.bashgym


def plain(message: str | list[dict[str, Any]] | None) -> str:
    """The text of a message or of a tool result, parts joined by newlines."""
    if isinstance(message, str):
        return message
    return "\n".join(part["text"] for part in message or [] if isinstance(part.get("text"), str))


def to_builtins(trace: Trace) -> dict[str, Any]:
    """Plain dicts and lists, as sanitizers walk them; `schema_version` is always written."""
    return {**msgspec.to_builtins(trace), "schema_version": trace.schema_version}


def from_builtins(value: dict[str, Any]) -> Trace:
    """Raises msgspec.ValidationError, which names the path, when `value` is not a trace."""
    return msgspec.convert(value, Trace)
