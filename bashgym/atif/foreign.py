"""ATIF documents of other tools to traces. A step that is not what ATIF promises is kept aside with the reason."""

from typing import Any

import msgspec

from bashgym import jsonl
from bashgym.reading import blobs, facts
from bashgym.trace import (
    Agent,
    ContextWindow,
    Lineage,
    Malformed,
    SourceInfo,
    Step,
    StepKind,
    Trace,
    TraceExtra,
    TraceInfo,
)

Plain = dict[str, Any]
TRAJECTORY = frozenset(Trace.__struct_fields__)
STEP = frozenset(Step.__struct_fields__)
AGENT = frozenset(Agent.__struct_fields__)
TOLD = ("prompt_tokens", "completion_tokens", "cached_tokens", "cost_usd", "prompt_token_ids", "completion_token_ids",
        "logprobs")  # fmt: skip
WRITTEN = ("cache_creation_input_tokens", "cache_write_tokens")  # what tools call tokens written to the cache


def traces(document: Plain, source: SourceInfo, session_id: str) -> list[Trace]:
    """The trajectory, then those embedded in it, each tied to the call whose result names it.

    Raises blobs.TooDeep, which is a ValueError."""
    blobs.lift_long(document)
    found: list[Trace] = []
    gather(document, source, session_id, Lineage(), found)
    return found


def broken(source: SourceInfo, session_id: str, reason: str, raw: str) -> Trace:
    """An embedded trajectory that is none: a trace without steps, which says why."""
    info = TraceInfo(source=source, malformed=[Malformed(file=0, line_no=1, reason=reason, raw=raw)])
    return Trace(session_id=session_id, agent=Agent(name="unknown"), steps=[], extra=TraceExtra(bashgym=info))


def gather(document: Any, source: SourceInfo, session_id: str, lineage: Lineage, found: list[Trace]) -> None:
    """Adds the trace of `document` and those of its sub-agents to `found`."""
    if not isinstance(document, dict):
        raw = jsonl.dumps(document).decode()
        found.append(broken(source, session_id, "an embedded trajectory is not an object", raw))
        return
    trace = trajectory(document, source, session_id, lineage)
    found.append(trace)
    subs = document.get("subagent_trajectories")
    calls = {
        one.get("trajectory_id"): result.source_call_id
        for step in trace.steps
        for result in (step.observation.results if step.observation else ())
        for one in result.subagent_trajectory_ref or ()
        if result.source_call_id
    }
    above = f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id
    for sub in subs if isinstance(subs, list) else ():
        call_id = calls.get(sub.get("trajectory_id")) if isinstance(sub, dict) else None
        below = Lineage(
            parent_trace=above, parent_call_id=call_id, relation="subagent", depth=trace.info.lineage.depth + 1
        )
        gather(sub, source, trace.session_id, below, found)


def trajectory(document: Plain, source: SourceInfo, session_id: str, lineage: Lineage) -> Trace:
    """One trajectory without those embedded in it."""
    steps: list[Step] = []
    malformed: list[Malformed] = []
    listed = document.get("steps")
    for number, raw in enumerate(listed if isinstance(listed, list) else [], 1):
        try:
            steps.append(step(raw, len(steps) + 1))
        except (ValueError, msgspec.ValidationError) as error:
            malformed.append(Malformed(file=0, line_no=number, reason=f"step: {error}", raw=jsonl.dumps(raw).decode()))
    if not isinstance(listed, list):
        malformed.append(Malformed(file=0, line_no=1, reason="steps is not a list", raw=jsonl.dumps(listed).decode()))
    outcome = facts.outcome(steps, [])
    outcome.ended = facts.ended(steps)
    info = TraceInfo(
        source=source,
        lineage=lineage,
        context_windows=[ContextWindow(first_step=1, last_step=len(steps))] if steps else [],
        totals=facts.totals(steps),
        outcome=outcome,
        malformed=malformed,
        foreign=beyond(document, TRAJECTORY),
    )
    named = document.get("session_id")
    return Trace(
        schema_version=text(document, "schema_version") or "ATIF-v1.8",
        session_id=named if isinstance(named, str) and named else session_id,
        trajectory_id=text(document, "trajectory_id"),
        agent=agent(document.get("agent"), info),
        steps=steps,
        notes=text(document, "notes"),
        final_metrics=document["final_metrics"] if isinstance(document.get("final_metrics"), dict) else None,
        continued_trajectory_ref=text(document, "continued_trajectory_ref"),
        extra=TraceExtra(bashgym=info),
    )


def text(value: Plain, key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) else None


def beyond(value: Plain, known: frozenset[str]) -> Plain:
    """What another tool keeps: the keys of its `extra`, and keys that ATIF does not know."""
    held = value.get("extra")
    unknown = {key: item for key, item in value.items() if key not in known}
    return {**unknown, **(held if isinstance(held, dict) else {} if held is None else {"extra": held})}


def agent(value: Any, info: TraceInfo) -> Agent:
    """The agent; what of it cannot be used is kept among what is foreign to the trace."""
    value = value if isinstance(value, dict) else {"name": None, "was": value}
    tools = value.get("tool_definitions")
    fine = isinstance(tools, list) and all(isinstance(one, dict) for one in tools)
    odd = {key: item for key, item in value.items() if key not in AGENT}
    if tools is not None and not fine:
        odd["tool_definitions"] = tools
    if odd:
        info.foreign["agent"] = odd
    held = value.get("extra")
    info.source.client_version = info.source.client_version or text(value, "version")
    return Agent(
        name=text(value, "name") or "unknown",
        version=text(value, "version"),
        model_name=text(value, "model_name"),
        tool_definitions=tools if fine else None,
        extra=held if isinstance(held, dict) else {},
    )


def step(raw: Any, number: int) -> Step:
    """Raises ValueError or msgspec.ValidationError where `raw` is no step."""
    if not isinstance(raw, dict):
        raise ValueError("not an object")
    if raw.get("source") not in ("system", "user", "agent"):
        raise ValueError("source is none of system, user and agent")
    info: Plain = {"foreign": beyond(raw, STEP), "kind": kind(raw)}
    if raw.get("step_id") != number:
        info["foreign"] = {**info["foreign"], "step_id": raw.get("step_id")}
    plain = {key: value for key, value in raw.items() if key in STEP and value is not None and key != "extra"}
    plain |= {"step_id": number, "message": raw.get("message") or "", "extra": {"bashgym": info}}
    if plain.get("tool_calls"):
        plain["tool_calls"] = [call(one) for one in objects(plain["tool_calls"], "tool_calls")]
    if "observation" in plain:
        listed = objects([plain["observation"]], "observation")[0].get("results") or []
        plain["observation"] = {"results": [result(one) for one in objects(listed, "results")]}
    if "metrics" in plain:
        plain["metrics"] = metrics(objects([plain["metrics"]], "metrics")[0])
    return msgspec.convert(plain, Step)


def kind(raw: Plain) -> StepKind:
    """What a step is to training: a step of the agent that no model was asked for is not its words."""
    if raw["source"] == "agent":
        return "synthetic" if raw.get("llm_call_count") == 0 else "agent"
    if raw.get("observation") and not raw.get("message"):
        return "tool_result"
    return "human" if raw["source"] == "user" else "system"


def objects(listed: Any, what: str) -> list[Plain]:
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ValueError(f"{what} is not what it should be")
    return listed


def call(raw: Plain) -> Plain:
    """A call; arguments that are no object are kept under `input`."""
    given = raw.get("arguments")
    arguments = given if isinstance(given, dict) else {} if given is None else {"input": given}
    known = frozenset({"tool_call_id", "function_name", "arguments", "extra"})
    return {
        "tool_call_id": raw.get("tool_call_id"),
        "function_name": raw.get("function_name"),
        "arguments": arguments,
        "extra": {"bashgym": {"foreign": beyond(raw, known)}},
    }


def result(raw: Plain) -> Plain:
    """A result; that it failed is taken from `is_error` and `exit_code` in its extra, where tools keep it."""
    known = frozenset({"source_call_id", "content", "subagent_trajectory_ref", "extra"})
    foreign = beyond(raw, known)
    info: Plain = {"foreign": foreign}
    code = foreign.get("exit_code")
    if type(code) is int:
        info["exit_code"] = code
    if foreign.get("is_error") is True or (type(code) is int and code != 0):
        info["is_error"] = True
    return {**{key: raw.get(key) for key in known}, "extra": {"bashgym": info}}


def metrics(raw: Plain) -> Plain:
    """Tokens of a step, with the cache's share taken out of the prompt's."""
    foreign = beyond(raw, frozenset({*TOLD, "extra"}))
    told = {key: raw[key] for key in TOLD if raw.get(key) is not None}
    cached = count(raw, "cached_tokens")
    written = next((found for key in WRITTEN if (found := count(foreign, key))), 0)
    tiers = {
        "input_tokens": max(0, count(raw, "prompt_tokens") - cached - written),
        "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
        "foreign": foreign,
    }
    return {**told, "extra": {"bashgym": tiers}}


def count(value: Plain, key: str) -> int:
    found = value.get(key)
    return found if type(found) is int and found > 0 else 0
