"""What is left open at the end of a session, so that what passed does not speak for it."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bashgym.signals.calls import (
    EDIT_TOOLS,
    OPAQUE_TOOLS,
    WRITE_TOOLS,
    Called,
    argument,
    calls,
    command_line,
    exit_code,
)
from bashgym.signals.changes import git_words
from bashgym.signals.history import PROSE, History
from bashgym.signals.runners import runner
from bashgym.signals.shell import Command, split
from bashgym.signals.words import tone
from bashgym.trace import Trace

PLANS = frozenset({"todowrite", "update_plan", "todo_write", "write_todos", "updateplan"})
DONE = frozenset({"completed", "done", "cancelled", "complete"})
LOOKS = frozenset(
    """grep egrep rg ag ls diff cmp test [ [[ which command type find cat head tail git pgrep pkill kill lsof curl wget
    stat file ps jq sleep true false expr fuser killall read""".split()  # noqa: SIM905
)
# a result that no summary told: what an output shows of failure
BROKEN = re.compile(
    r"\b[1-9]\d*\s+(?:tests?\s+|checks?\s+|examples?\s+|of\s+\d+\s+)?(?:failed|failing|failures?|errors?|broken|did\s+not\s+pass|timed\s+out)\b"
    r"|\b(?:failed|failures?|errors?|broken)\s*[:=]\s*[1-9]|^\s*(?:not\s+ok\b|FAIL(?:ED|URE)?\b|✗|✘|✖|ERROR\b|E:\s)|\bTraceback\s\(most|\bpanicked\s+at\b"
    r"|\bSegmentation\s+fault|\bassertion\b[^\n]{0,60}\bfailed\b|\bcore\s+dumped\b",
    re.IGNORECASE | re.MULTILINE,
)
LEFT = re.compile(
    r"\b(?:follow-?ups?|for\s+now|not\s+(?:yet\s+)?(?:tested|verified|run|checked|migrated|converted|handled|supported|wired)"
    r"|(?:could|can|did|have|has|was|were|does|do)(?:\s*not|n['’]t)\s+(?:yet\s+)?(?:be\s+)?(?:able\s+to\s+)?"
    r"(?:run|tested?|verif\w+|check\w*|reproduc\w+|fix\w*|find|found|finish\w*|cover\w*|touch\w*\s+the\s+(?:other|rest|remaining)"
    r"|migrat\w+|convert\w*|implement\w*|start\w*|beg[iau]n\w*|attempt\w*|get\s+to|got\s+to|reach\w*)"
    r"|left\s+(?:open|undone|untouched|for|as\s+(?:it|they|a)|(?:that|it|this|them|those|these)\b)"
    r"|remain(?:s|ing)?\b[^.\n]{0,40}\b(?:open|to\s+do|undone|fail\w*|red|unconverted|todo)"
    r"|the\s+remaining\s+(?:\w+\s+){0,3}?(?:fail\w*|is|are|needs?|must|ha(?:s|ve)\s+to|can|will)\b|remaining\s+\d+\b(?!\s+\w*\s*pass)|out\s+of\s+(?:time|scope)|next\s+step\s+(?:would|is)"
    r"|still\s+(?:to\s+be|needs?\b|missing|open|outstanding|red|fail\w*(?!\s+(?:when|if|as|where|on)\b))"
    r"|still\s+(?:uses?|on\s+the|has|have|goes?|calls?|returns?|shows?|depends?|the\s+old)\b|placeholder|stub(?:bed)?"
    r"|partial(?:ly)?|only\s+(?:part|half|the\s+first|\d+\s+of)|would\s+(?:still\s+)?need|gave\s+up|unable\s+to|no\s+way\s+to"
    r"|the\s+(?:rest|others?(?:\s+\w+)?)\s+(?:still|will|can\s+(?:wait|follow)|needs?)\b|not\b[^.\n]{0,40}\byet\b"
    r"|stop(?:ped)?\s+here|(?:is|are)\s+(?:still\s+)?missing|(?:may|can)\s*not\s+deploy|cannot\s+be\b|untested|unverified|unproved"
    r"|(?:must|has\s+to|have\s+to)\s+(?:become|run|be\s+(?:done|run|set|added|deployed))\b|tell\s+me\s+(?:if|whether|which|how)"
    r"|on\s+your\s+(?:side|machine|end)|should\s+I\b|please\s+(?:run|check|test|try|verify|decide|have|look)"
    r"|noch\s+(?:offen|nicht)|nicht\s+(?:getestet|geprüft|geschafft)|vorerst|bleibt\s+offen|bitte\s+(?:\w+\s+){0,6}prüfen"
    r"|pas\s+(?:encore|pu|testé)|reste\s+à|pendiente|todavía\s+no|no\s+pude|尚未|还没|没有测试|暂时)"
    # what the agent says of itself that it did not, or could not
    r"|\bI\s+(?:\w+\s+)?(?:did\s+not|didn['’]?t|could\s+not|couldn['’]?t|can\s*not|can['’]?t|may\s+not|was\s+not|wasn['’]?t|have\s+not"
    r"|haven['’]?t|am\s+not|left|stop\w*|gave|skipped)\b|\bich\s+(?:\w+\s+){0,3}(?:nicht|kein\w*)\b|\bje\s+n['’e]\s*\w+\s+(?:pas|rien)\b",
    re.IGNORECASE,
)


INTO = re.compile(r"\s*cd\s+([\w.-]+/[\w./-]+)\s*&&")
NUMBER = r"(one|two|three|four|five|six|seven|eight|nine|ten|half|most|some|\d+)"
OF = re.compile(
    rf"\b{NUMBER}\s+(?:out\s+)?of\s+(?:the\s+|these\s+|those\s+)?{NUMBER}\b(?!\s+(?:fail|time|run|attempt))",
    re.IGNORECASE,
)
SHORT = 60  # characters of a word of consent
ACCEPTS = re.compile(
    r"\b(?:ok(?:ay)?|yes|yep|good|fine|merged?|ship|commit|push|done|cool|top|gut|super|passt|bien|vale|listo|d'accord|nice|works?"
    r"|approved?|agreed|great|sure|cheers|bye|later)\b|👍|✅|好|谢|可以|没问题|了解|OKです",
    re.IGNORECASE,
)


def loose_ends(trace: Trace, seen: History) -> Iterator[str]:
    """In the words a user reads; none where nothing is open."""
    called = list(calls(trace))
    yield from unread(called, trace, seen)
    yield from again(called, seen)
    yield from plan(called)
    yield from unanswered(called, trace)
    if seen.said.rstrip().endswith(("?", "？")):
        yield "the agent's last word is a question"
    yield from elsewhere(called, seen)
    if LEFT.search(seen.said[-4000:]) or part(seen.said[-4000:]):
        yield "the agent's last words leave something open"


def unanswered(called: Sequence[Called], trace: Trace) -> Iterator[str]:
    """The user said something after the work that is no praise, and nothing but looking was done any more."""
    turns = [at for at, step in enumerate(trace.steps) if step.info.kind == "human" and step.info.active]
    acts = [one.at[0] for one in called if not looks(one)]
    if not turns or not acts or not min(acts) < turns[-1] or max(acts) > turns[-1]:
        return
    text = trace.steps[turns[-1]].text.strip()
    if tone(text) != "praise" and not (len(text) < SHORT and ACCEPTS.search(text)):
        yield "nothing was done about the user's last words"


def part(said: str) -> bool:
    """Whether "three of the five" is said, and not "five of five"."""
    return any(found[1].lower() != found[2].lower() for found in OF.finditer(said))


def unread(called: Sequence[Called], trace: Trace, seen: History) -> Iterator[str]:
    """A run after the last edit that failed, or of which the result was not understood."""
    outputs = {one.call.tool_call_id: one.text for one in called}
    fresh = [run for run in seen.runs if run.at > seen.last_edit]
    if fresh and fresh[-1].result == "unknown":
        yield f"what came of the last test run was not understood: {fresh[-1].command[:120]}"
    last = fresh[-1] if fresh else None
    if last and last.basis == "exit_code" and BROKEN.search(outputs.get(last.call_id, "")):
        yield f"the last test run ended well and speaks of failures: {last.command[:120]}"
    passed = max((run.at for run in seen.known_runs if run.result == "passed"), default=None)
    for one in called:
        line = command_line(one)
        if line is None or one.result is None or (*one.at, 0) <= (passed or seen.last_edit):
            continue
        commands = [command for command in split(line) if command.program not in LOOKS and not runner(command)]
        if exit_code(one, trace) and commands and not made_good(one, called, trace):
            yield f"a command failed and was not run again: {line[:120]}"


def elsewhere(called: Sequence[Called], seen: History) -> Iterator[str]:
    """The last run went through the tests of one part of the repository, and the work is in another."""
    run = seen.tests.run
    line = next((command_line(one) for one in called if run and one.call.tool_call_id == run.call_id), None)
    into = INTO.match(line or "")
    paths = [edit.path for edit in seen.edits if not PROSE.search(edit.path)]
    if run and into and "/" in into[1] and paths and not any(into[1].strip("./") in path for path in paths):
        yield f"what was run is not where the work was done: {run.command[:120]}"


def made_good(one: Called, called: Sequence[Called], trace: Trace) -> bool:
    """Whether a later call of the same programs went well."""
    mine = programs(one)
    return any(then.at > one.at and programs(then) & mine and exit_code(then, trace) == 0 for then in called)


def programs(one: Called) -> frozenset[tuple[str, ...]]:
    """The programs of a call that do more than look, each with its first words."""
    found = split(command_line(one) or "")
    return frozenset(command.words[:2] for command in found if command.program not in LOOKS)


def again(called: Sequence[Called], seen: History) -> Iterator[str]:
    """What failed passed when it was run again, and nothing was done in between."""
    runs = [run for run in seen.known_runs if run.at > seen.last_edit]
    acts = [one.at for one in called if not looks(one)]
    for first, then in pairwise(runs):
        between = [at for at in acts if first.at[:2] < at < then.at[:2]]
        if (first.result, then.result) == ("failed", "passed") and first.command == then.command and not between:
            yield f"it failed and passed without a change in between: {then.command[:120]}"


def looks(one: Called) -> bool:
    """Whether a call only looks: a read, a search, a command that shows something."""
    line = command_line(one)
    if line is None:
        return one.tool not in WRITE_TOOLS | EDIT_TOOLS | OPAQUE_TOOLS
    return all(command.program in LOOKS and not git_moves(command) for command in split(line))


def git_moves(command: Command) -> bool:
    return bool(
        set(git_words(command)[:1]) & {"mv", "rm", "checkout", "restore", "stash", "reset", "apply", "pull", "merge"}
    )


def plan(called: Sequence[Called]) -> Iterator[str]:
    """The agent's last list of things to do holds some that are not done."""
    for one in reversed(called):
        if one.tool in PLANS:
            items = argument(one, "todos", "plan", "items")
            states = (
                [str(item.get("status", "")).lower() for item in items if isinstance(item, dict)]
                if isinstance(items, list)
                else []
            )
            if any(state and state not in DONE for state in states):
                yield "the agent's plan is not finished"
            return
