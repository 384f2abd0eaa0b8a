"""Failures that are not the session's: there before its first edit, or made by what is missing around it."""

import re
from collections.abc import Sequence

from bashgym.signals.suite_runs import SuiteRun

BEFORE = re.compile(
    r"\bbefore\s+(?:my|this|the|any|I)\b|\bwithout\s+my\b|\bunrelated\b|\bpre-?existing\b|\balready\s+(?:fail|red|broken)\w*"
    r"|\bnot\s+(?:caused|from|because\s+of)\b|\bas\s+before\b|\bno\s+\w+(?:\s+\w+)?\s+here\b|\bon\s+(?:main|master)\s+too\b"
    r"|\bschon\s+vor(?:her)?\b|\bunabhängig\b|\bdéjà\b|\bavant\s+(?:ma|mes|mon|la|le|les)\b"
    r"|以前から|変更前|元から|関係(?:が)?(?:ない|ありません)",
    re.IGNORECASE,
)


def owned_by_others(after: SuiteRun, before: Sequence[SuiteRun], last_words: str, mending: bool) -> bool:
    """Whether a run that failed says nothing against the session: nothing fails that did not without its work, or
    something is missing around it and the agent says at the end that this is not of its work.

    mending: something was to be mended, so that the work must show in the run, and the agent say what it left."""
    told = bool(BEFORE.search(last_words))
    if after.around and told and not mending and after.passed:
        return True
    compared = [run for run in before if run.result == "failed" and no_worse(after, run)]
    return any(better(after, run) for run in compared) and told if mending else bool(compared)


def no_worse(after: SuiteRun, before: SuiteRun) -> bool:
    """Whether nothing fails that did not fail before, and no fewer tests pass."""
    if after.broken or before.broken:
        within = bool(after.broken) and after.broken <= before.broken
    else:
        within = after.failed is not None and before.failed is not None and after.failed <= before.failed
    return within and (after.passed or 0) >= max(1, before.passed or 0)


def better(after: SuiteRun, before: SuiteRun) -> bool:
    return after.broken < before.broken or (after.failed or 0) < (before.failed or 0)
