"""Traces to one ATIF v1.8 document: the session, its sub-agents embedded where they were started.

Strict means what Harbor's models check: no key beside ATIF's but in `extra`, steps numbered from 1, what only a model
does only on steps of the agent, results that name a call of their own step, times in ISO 8601."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from bashgym.atif import parts
from bashgym.trace import SCHEMA_VERSION, Trace, to_builtins

Plain = dict[str, Any]
OF_AGENT = ("model_name", "reasoning_effort", "reasoning_content", "tool_calls", "metrics")
OF_MODEL = ("metrics", "reasoning_content")  # absent on a step of the agent for which no model was asked
SUMS = {
    "total_prompt_tokens": "prompt_tokens",
    "total_completion_tokens": "completion_tokens",
    "total_cached_tokens": "cached_tokens",
}
EMBEDDED = "subagent_trajectories"
REFERENCE = frozenset({"trajectory_id", "session_id", "trajectory_path", "extra"})


def document(traces: Sequence[Trace]) -> Plain:
    """The first trace as an ATIF document, the others embedded under the trace that started them."""
    made = [trajectory(trace) for trace in traces]
    names = trajectory_ids(traces, {one["trajectory_id"] for each in made for one in each.get(EMBEDDED) or ()})
    for at in range(1, len(traces)):
        info = made[at]["extra"]["bashgym"]
        info["place"] = at
        if names[at] != traces[at].trajectory_id:
            info.setdefault("was", {})["trajectory_id"] = traces[at].trajectory_id
            made[at]["trajectory_id"] = names[at]
    for at, above in enumerate(parents(traces), 1):
        if EMBEDDED not in made[above]:
            changed(made[above], EMBEDDED, None)
            made[above][EMBEDDED] = []
        made[above][EMBEDDED].append(made[at])
        refer(made[above], traces[at], names[at])
    return made[0]


def trajectory_ids(traces: Sequence[Trace], taken: Collection[str] = ()) -> list[str]:
    """An id for each trace that no other has and that is not among `taken`."""
    found: list[str] = []
    for at, trace in enumerate(traces):
        wanted = trace.trajectory_id or f"trace-{at}"
        while wanted in taken or wanted in found:
            wanted += f"#{at}"
        found.append(wanted)
    return found


def parents(traces: Sequence[Trace]) -> list[int]:
    """For each trace but the first, which one started it; the first where that is not known or leads round."""
    by_name = {name(trace): at for at, trace in reversed(list(enumerate(traces)))}
    above = {at: by_name.get(trace.info.lineage.parent_trace or "", 0) for at, trace in enumerate(traces) if at}
    for at in above:
        seen = {at}
        here = above[at]
        while here and here not in seen:
            seen.add(here)
            here = above[here]
        if here:
            above[at] = 0
    return list(above.values())


def name(trace: Trace) -> str:
    """What a trace is called in the lineage of another."""
    return f"{trace.session_id}/{trace.trajectory_id}" if trace.trajectory_id else trace.session_id


def refer(above: Plain, child: Trace, child_id: str) -> None:
    """The reference to `child` on the result of the call that started it, where none is there yet."""
    call_id = child.info.lineage.parent_call_id
    for result in results(above) if call_id else ():
        if result.get("source_call_id") == call_id:
            was = result.get("subagent_trajectory_ref")
            if not any(one.get("trajectory_id") == child_id for one in was or ()):
                changed(result, "subagent_trajectory_ref", was)
                one = {"trajectory_id": child_id, "session_id": child.session_id}
                result["subagent_trajectory_ref"] = [*(was or ()), one]
            return


def results(trajectory: Plain) -> Iterator[Plain]:
    for one in trajectory["steps"]:
        yield from (one.get("observation") or {}).get("results", ())


def changed(holder: Plain, key: str, was: Any) -> None:
    """Notes in `holder`'s extra what `key` was; the first note stays."""
    info = holder.setdefault("extra", {}).setdefault("bashgym", {})
    info.setdefault("was", {}).setdefault(key, was)


def trajectory(trace: Trace) -> Plain:
    """One trace by ATIF's rules; the way back is in `extra`."""
    plain = to_builtins(trace)
    made = {**plain, "schema_version": SCHEMA_VERSION}
    made["extra"] = extra(plain["extra"])
    if trace.schema_version != SCHEMA_VERSION:
        changed(made, "schema_version", trace.schema_version)
    if trace.agent.version is None:
        made["agent"] = {**plain["agent"], "version": "unknown"}
        changed(made, "version", None)
    made["steps"] = [step(one, at) for at, one in enumerate(plain["steps"], 1)]
    if not made["steps"]:
        blank = {"bashgym": {"blank": True}}
        made["steps"] = [{"step_id": 1, "source": "system", "message": "", "extra": blank}]
    made["final_metrics"] = sums(plain["steps"])
    changed(made, "final_metrics", trace.final_metrics)
    if trace.subagent_trajectories:
        made[EMBEDDED] = embedded(trace.subagent_trajectories)
    return made


def embedded(traces: Sequence[Trace]) -> list[Plain]:
    """What a trace embeds itself, each with an id of its own."""
    made = [trajectory(trace) for trace in traces]
    for one, trace, unique in zip(made, traces, trajectory_ids(traces), strict=True):
        if unique != trace.trajectory_id:
            changed(one, "trajectory_id", trace.trajectory_id)
            one["trajectory_id"] = unique
    return made


def sums(steps: Sequence[Plain]) -> Plain:
    """The totals as ATIF names them, of this trace alone. A cost is given where every reply has one."""
    counted = [one["metrics"] for one in steps if one.get("metrics")]
    made: Plain = {key: sum(one.get(part) or 0 for one in counted) for key, part in SUMS.items()}
    costs = [one.get("cost_usd") for one in counted]
    if costs and None not in costs:
        made["total_cost_usd"] = sum(costs)
    return {**made, "total_steps": len(steps) or 1}


def extra(held: Plain) -> Plain:
    """`extra` as it is written: ours under `bashgym`, what is another tool's beside it."""
    info = dict(held.get("bashgym") or {})
    foreign = info.pop("foreign", {})
    beside = {key: value for key, value in foreign.items() if key != "bashgym"}
    if len(beside) < len(foreign):
        info["foreign"] = {"bashgym": foreign["bashgym"]}
    return {**beside, "bashgym": info}


def tidy(made: Plain) -> Plain:
    """Without an `extra` that says nothing."""
    if made.get("extra") == {"bashgym": {}}:
        del made["extra"]
    return made


def step(plain: Plain, number: int) -> Plain:
    """One step by the rules."""
    made = {"message": "", **plain, "extra": extra(plain["extra"])}
    for key, fine in (("step_id", number), ("llm_call_count", None)):
        value = plain.get(key)
        if (key == "step_id" and value != fine) or (key == "llm_call_count" and (value or 0) < 0):
            changed(made, key, value)
            made[key] = fine
    for key in unfit(plain):
        changed(made, key, made.pop(key))
    made["message"], back = parts.strict(made["message"])
    if back:
        changed(made, "parts", back)
    if "metrics" in made:
        made["metrics"] = tidy({**made["metrics"], "extra": extra(made["metrics"]["extra"])})
    if made.get("tool_calls"):
        made["tool_calls"] = [call(one) for one in made["tool_calls"]]
    if made.get("observation") is not None:
        calls = {one["tool_call_id"] for one in made.get("tool_calls") or ()}
        made["observation"] = {"results": [result(one, calls) for one in made["observation"].get("results", ())]}
    return tidy({key: value for key, value in made.items() if value is not None})


def unfit(plain: Plain) -> Iterator[str]:
    """The keys that a step of its kind may not have, or not with this value."""
    held = [key for key in OF_AGENT if plain.get(key) is not None]
    if plain["source"] != "agent":
        yield from held
    elif plain.get("llm_call_count") == 0:
        yield from (key for key in held if key in OF_MODEL)
    if plain.get("timestamp") is not None and not is_time(plain["timestamp"]):
        yield "timestamp"


def is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True


def call(plain: Plain) -> Plain:
    return tidy({"arguments": {}, **plain, "extra": extra(plain["extra"])})


def result(plain: Plain, calls: set[str]) -> Plain:
    """One result; `calls` are the ids of its step's calls."""
    made = {**plain, "extra": extra(plain["extra"])}
    if made.get("source_call_id") is not None and made["source_call_id"] not in calls:
        changed(made, "source_call_id", made.pop("source_call_id"))
    content, back = parts.strict(made.get("content"))
    if back:
        made["content"] = content
        changed(made, "parts", back)
    references = made.get("subagent_trajectory_ref")
    if references is not None and not all(resolvable(one) for one in references):
        changed(made, "subagent_trajectory_ref", references)
        made["subagent_trajectory_ref"] = [one for one in references if resolvable(one)]
    return tidy(made)


def resolvable(reference: Plain) -> bool:
    """Whether a reference to a sub-agent's trajectory is one by the rules."""
    texts = {key: reference.get(key) for key in REFERENCE - {"extra"}}
    fine = all(value is None or isinstance(value, str) for value in texts.values())
    return (
        fine
        and set(reference) <= REFERENCE
        and isinstance(reference.get("extra"), dict | None)
        and not (texts["trajectory_id"] is None and texts["trajectory_path"] is None)
    )
