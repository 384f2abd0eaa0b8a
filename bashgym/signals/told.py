"""What is told of how a session turned out: one signal for each observation, with its source and how sure it is."""

from collections.abc import Iterator

from bashgym.records import Signal
from bashgym.signals.history import History, history
from bashgym.trace import Trace

SEEN = 1.0  # the trace itself says so
WORDS = 0.3  # a lexicon of plain English understands no irony
COMMAND = 0.9  # a command's effect, told from its words and its output
LONGEST_VALUE = 200


def of(trace: Trace) -> list[Signal]:
    """The signals of a trace; nothing is judged."""
    return list(signals(history(trace), trace))


def signals(seen: History, trace: Trace) -> Iterator[Signal]:
    """Everything a verdict may rest on, each with its place: what `history` saw, then what the trace itself notes."""
    for run in seen.runs:
        value = f"{run.result}: {run.command}"[:LONGEST_VALUE]
        yield Signal(name="test_run", value=value, source="test_run", confidence=run.confidence, step_id=run.step_id)
    yield from suite_signals(seen)
    for error in seen.errors:
        name = "tool_error_recovered" if error.recovered else "tool_error"
        yield Signal(name=name, value=error.tool, source="tool_result", confidence=SEEN, step_id=error.step_id)
    for name, changes in (("commit", seen.commits), ("revert", seen.reverts)):
        for change in changes:
            path = change.path[:LONGEST_VALUE]
            yield Signal(name=name, value=path, source="git", confidence=COMMAND, step_id=change.step_id)
    for name, places in (("rejection", seen.rejections), ("interrupt", seen.interrupts)):
        for place in places:
            yield Signal(name=name, value=True, source="user", confidence=SEEN, step_id=place)
    for place in seen.api_errors:
        yield Signal(name="api_error", value=True, source="api", confidence=SEEN, step_id=place)
    yield Signal(name="ended", value=seen.ended, source="trace", confidence=SEEN)
    if seen.words:
        tone, place = seen.words.tone, seen.words.step_id
        yield Signal(name="last_words", value=tone, source="user", confidence=WORDS, step_id=place)
    yield from noted(trace)


def noted(trace: Trace) -> Iterator[Signal]:
    """What the agent or a hook wrote down: pull requests, calls that were forbidden or cut short, why it ended."""
    outcome = trace.info.outcome
    for url in outcome.pr_urls:
        yield Signal(name="pull_request", value=url[:LONGEST_VALUE], source="git", confidence=SEEN)
    for step in trace.steps:
        for call in step.tool_calls or () if step.info.active else ():
            info, place = call.extra.bashgym, step.step_id
            if info.denied not in (None, "user"):
                yield Signal(name="denied", value=info.denied, source="permission", confidence=SEEN, step_id=place)
            if info.interrupted:
                value = call.function_name[:LONGEST_VALUE]
                yield Signal(name="call_interrupted", value=value, source="hook", confidence=SEEN, step_id=place)
    for switch in trace.info.model_switches:
        value = f"{switch.from_model} -> {switch.to_model}"[:LONGEST_VALUE]
        yield Signal(name="model_switch", value=value, source="hook", confidence=SEEN)
    if outcome.api_errors:  # requests that were tried again, too: they leave no step
        yield Signal(name="api_errors", value=outcome.api_errors, source="api", confidence=SEEN)
    if outcome.end_reason:
        yield Signal(name="end_reason", value=outcome.end_reason[:LONGEST_VALUE], source="hook", confidence=SEEN)


def suite_signals(seen: History) -> Iterator[Signal]:
    """The last state of the tests, whether it is later than the last edit, and where it turned."""
    tests = seen.tests
    sure, place = (tests.run.confidence, tests.run.step_id) if tests.run else (SEEN, None)
    yield Signal(name="last_tests", value=tests.state, source="test_run", confidence=sure, step_id=place)
    if tests.run:
        yield Signal(name="tests_after_edit", value=tests.fresh, source="test_run", confidence=COMMAND, step_id=place)
    for name, before, after in (("fail_to_pass", "failed", "passed"), ("pass_to_fail", "passed", "failed")):
        for run in seen.turns(before, after):
            sure = run.confidence
            yield Signal(name=name, value=run.runner.program, source="test_run", confidence=sure, step_id=run.step_id)
