"""What happened in a session, in order: test runs, changes, errors, words. Facts only; a judge weighs them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

from bashgym.signals.calls import EDIT_TOOLS, WRITE_TOOLS, Called, calls, command_line, path_of
from bashgym.signals.changes import EVERYTHING, Change, changes
from bashgym.signals.files import same
from bashgym.signals.fitting import about
from bashgym.signals.lately import lately
from bashgym.signals.older import owned_by_others
from bashgym.signals.proofs import Proof, operates, proofs
from bashgym.signals.runners import covers
from bashgym.signals.shell import split
from bashgym.signals.suite_runs import SuiteRun, suite_runs
from bashgym.signals.words import Tone, tone
from bashgym.trace import Ending, Step, Trace

TestState = Literal["passed", "failed", "mixed", "none"]


PROSE = re.compile(r"\.(?:md|rst|adoc)$|(?:^|/)(?:CHANGELOG|CHANGES|NEWS|HISTORY|AUTHORS)[\w.]*$", re.IGNORECASE)
NAMED = re.compile(r"(?<![\w.])\d[\d.,:]*\d%?|(?<=[`'\"«「])[^`'\"»」\n]{3,60}(?=[`'\"»」])")


class ToolError(NamedTuple):
    """A call that failed and was no test run; recovered: the like of it worked later."""

    step_id: int
    tool: str
    recovered: bool


class Words(NamedTuple):
    """The last human turn after the agent began to act. of_work: an edit came before it; answered: an edit or a

    passing test came after it."""

    step_id: int
    tone: Tone
    of_work: bool
    answered: bool


class Tests(NamedTuple):
    """Where the tests stood at the end. fresh: they ran after the last edit, on a tree that held the work."""

    state: TestState
    fresh: bool
    run: SuiteRun | None  # the run that decides


@dataclass(frozen=True)
class History:
    """The facts of one session. Step ids where only the place matters."""

    calls: int
    runs: tuple[SuiteRun, ...]
    changes: tuple[Change, ...]
    errors: tuple[ToolError, ...]
    rejections: tuple[int, ...]
    refused_edit: int | None  # an edit that the user refused, with nothing done after it
    interrupts: tuple[int, ...]
    api_errors: tuple[int, ...]
    words: Words | None
    ended: Ending
    proofs: tuple[Proof, ...] = ()  # builds, checks and the project's own programs
    operated: bool = False  # a command changed something that is no file of the work
    said: str = ""  # the agent's last words
    named: frozenset[str] = frozenset()  # numbers and quoted values in the user's words
    corrected: bool = False  # the user rejected work in some turn, and an edit came after it

    @cached_property
    def edits(self) -> list[Change]:
        """Changes that are seen to have been made."""
        return [change for change in self.changes if change.kind == "edit" and change.known]

    @property
    def commits(self) -> list[Change]:
        return [change for change in self.changes if change.kind == "commit"]

    @property
    def reverts(self) -> list[Change]:
        """Own work taken back: files that were edited before."""
        taken = [change for change in self.changes if change.kind == "revert"]
        return [change for change in taken if any(undoes(change, edit) for edit in self.edits)]

    @property
    def taken_back(self) -> bool:
        """Whether nothing is left of what was edited, nor was anything committed."""
        left = [edit for edit in self.edits if not any(undoes(revert, edit) for revert in self.reverts)]
        return bool(self.reverts) and not left and not self.commits

    @cached_property
    def known_runs(self) -> list[SuiteRun]:
        """Runs of which the result is known, those made while the work was put aside (stash, other branch) left out."""
        left = put_aside(self.changes)
        return [run for run in self.runs if run.result != "unknown" and not any(a < run.at < b for a, b in left)]

    def turns(self, before: str, after: str) -> list[SuiteRun]:
        """The runs at which the result turned from `before` to `after`."""
        runs = self.known_runs
        return [run for last, run in pairwise(runs) if (last.result, run.result) == (before, after)]

    @cached_property
    def last_edit(self) -> tuple[int, int, int]:
        """Where files were last changed; before everything where they were not. What only tells of the work (a line of
        the changelog) counts where nothing else was changed."""
        made = [change for change in self.changes if change.kind in ("edit", "revert")]
        work = [change.at for change in made if not PROSE.search(change.path)]
        return max(work or [change.at for change in made], default=(-1, 0, 0))

    @property
    def last_proofs(self) -> list[Proof]:
        """The last run of each check and program since the last edit, as far as it says something of the work: what it
        said before was a failure or something else, it shows a value the user named, a command was the work, several
        checks agree, the user praised the work, or the files that were edited are of a kind the check is all about."""
        last = {proof.command: proof for proof in self.proofs if proof.at > self.last_edit}
        before = {proof.command: proof for proof in self.proofs if proof.at < self.last_edit}
        praised = self.words is not None and self.words.tone == "praise" and self.words.of_work
        several = len({proof.command.split()[0] for proof in last.values() if proof.kind == "check"}) > 1
        return [
            proof
            for command, proof in last.items()
            if (not self.edits and self.operated)
            or several
            or praised
            or about(command, [edit.path for edit in self.edits])
            or any(value in proof.output for value in self.named)
            or (command in before and (before[command].passed, before[command].output) != (proof.passed, proof.output))
        ]

    def older(self, mending: bool) -> bool:
        """Whether all that fails at the end is not the session's doing (see bashgym/signals/older.py)."""
        first = min((change.at for change in self.changes if change.kind == "edit"), default=None)
        left = put_aside(self.changes)
        without = [run for run in self.runs if first is None or run.at < first or any(a < run.at < b for a, b in left)]
        fresh = standing([run for run in self.known_runs if run.at > self.last_edit])
        return bool(fresh) and all(owned_by_others(run, without, self.said, mending) for run in fresh)

    @property
    def tests(self) -> Tests:
        """The last state: failures since the last edit stand until a run that covers them passes."""
        runs = self.known_runs
        if not runs:
            return Tests("none", False, None)
        fresh = [run for run in runs if run.at > self.last_edit]
        if not fresh:
            return Tests("passed" if runs[-1].result == "passed" else "failed", False, runs[-1])
        if not standing(fresh):
            return Tests("passed", True, fresh[-1])
        return Tests("failed" if fresh[-1].result == "failed" else "mixed", True, fresh[-1])


def undoes(change: Change, edit: Change) -> bool:
    """Whether a revert comes after an edit and may be of the same file."""
    return edit.at < change.at and (EVERYTHING in (edit.path, change.path) or same(change.path, edit.path))


def standing(runs: Sequence[SuiteRun]) -> list[SuiteRun]:
    """Failed runs that no later run has made good."""
    return [
        run
        for number, run in enumerate(runs)
        if run.result == "failed"
        and not any(later.result == "passed" and covers(later.runner, run.runner) for later in runs[number + 1 :])
    ]


def put_aside(found: Sequence[Change]) -> list[tuple[tuple[int, int, int], tuple[int, int, int]]]:
    """Spans in which the tree did not hold the work: from a stash or another branch until it is brought back or

    edited anew."""
    spans, since = [], None
    for change in found:
        if change.kind == "away":
            since = since or change.at
        elif since and change.kind in ("back", "edit"):
            spans.append((since, change.at))
            since = None
    return [*spans, (since, (2**62, 0, 0))] if since else spans


@lately
def history(trace: Trace) -> History:
    """Reads the active branch once."""
    called = list(calls(trace))
    runs = tuple(run for one in called for run in suite_runs(one, trace))
    made = tuple(change for one in called for change in changes(one, trace))
    active = [step for step in trace.steps if step.info.active]
    return History(
        calls=len(called),
        runs=runs,
        changes=made,
        errors=tuple(errors(called, {run.call_id for run in runs})),
        rejections=tuple(one.step.step_id for one in called if one.call.extra.bashgym.denied == "user"),
        refused_edit=refused_edit(called),
        interrupts=tuple(step.step_id for step in active if step.info.kind == "interrupt"),
        api_errors=tuple(step.step_id for step in active if step.info.kind == "api_error"),
        words=last_words(trace.steps, called, runs, made),
        ended=trace.info.outcome.ended,
        proofs=tuple(proof for one in called for proof in proofs(one, trace)),
        operated=any(map(operates, called)),
        named=frozenset(
            value for step in active if step.info.kind == "human" for value in NAMED.findall(step.text[:20_000])
        ),
        corrected=corrected(trace.steps, made) or turned(trace.steps, made),
        said=next((step.text for step in reversed(active) if step.info.kind == "agent" and step.text.strip()), ""),
    )


def errors(called: Sequence[Called], tests: set[str]) -> list[ToolError]:
    """Failed calls, oldest first; a denied call is no error, a failed test run is a result."""
    found: list[ToolError] = []
    worked: set[tuple[str, str]] = set()
    for one in reversed(called):
        if one.took_effect:
            worked.add(likeness(one))
        elif one.failed and one.call.extra.bashgym.denied is None and one.call.tool_call_id not in tests:
            found.append(ToolError(one.step.step_id, one.call.function_name, likeness(one) in worked))
    return found[::-1]


def likeness(called: Called) -> tuple[str, str]:
    """What makes two calls the like of each other: the tool, and the file or the program it is about."""
    line = command_line(called)
    if line is not None:
        commands = split(line)
        return called.tool, next((one.program for one in commands if one.program != "cd"), "")
    return called.tool, path_of(called) or ""


def refused_edit(called: Sequence[Called]) -> int | None:
    """The step of an edit that the user refused, when no later call took effect."""
    for one in reversed(called):
        if one.took_effect:
            return None
        if one.call.extra.bashgym.denied == "user" and one.tool in WRITE_TOOLS | EDIT_TOOLS:
            return one.step.step_id
    return None


def last_words(
    steps: Sequence[Step], called: Sequence[Called], runs: Sequence[SuiteRun], made: Sequence[Change]
) -> Words | None:
    """The last human turn that can be about the work and says something of it, else the last one.

    The first prompt cannot be about the work, it comes before any call."""
    began = called[0].at[0] if called else len(steps)
    human = [n for n, step in enumerate(steps) if step.info.kind == "human" and step.info.active and n > began]
    if not human:
        return None
    edits = [change.at[0] for change in made if change.kind == "edit" and change.known]
    since = [n for n in human if n > max(edits, default=-1)]
    toned = [n for n in since if tone(steps[n].text) != "neutral"]
    last = toned[-1] if toned else human[-1]
    passes = [run.at[0] for run in runs if run.result == "passed"]
    answered = any(at > last for at in edits + passes)
    return Words(steps[last].step_id, tone(steps[last].text), any(at < last for at in edits), answered)


def corrected(steps: Sequence[Step], made: Sequence[Change]) -> bool:
    """Whether the user rejected work in any turn, and files were edited after it."""
    edits = [change.at[0] for change in made if change.kind == "edit" and change.known]
    turns = [n for n, step in enumerate(steps) if step.info.kind == "human" and step.info.active]
    return any(min(edits) < n < max(edits) and tone(steps[n].text) == "complaint" for n in turns) if edits else False


def turned(steps: Sequence[Step], made: Sequence[Change]) -> bool:
    """Whether the user refused a call and said at once how it is to be done, and files were edited before and after."""
    edits = [change.at[0] for change in made if change.kind == "edit" and change.known]
    denied = False
    for number, step in enumerate(steps):
        if step.info.kind == "human" and step.info.active and denied and edits and number < max(edits):
            return True
        denied = any(call.extra.bashgym.denied == "user" for call in step.tool_calls or ()) or (
            denied and step.info.kind != "agent"
        )
    return False
