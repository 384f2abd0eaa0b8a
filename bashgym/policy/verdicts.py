"""What the policy says of a command."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

State = Literal["allowed", "unknown", "destructive"]
ORDER: tuple[State, ...] = ("allowed", "unknown", "destructive")
LONGEST = 200  # characters of a command in a verdict


class Verdict(NamedTuple):
    """`reason` completes "it ..."; `rule` is what it is a case of: deletes, disk, downloads, history ..."""

    state: State
    reason: str = ""
    rule: str = ""
    command: str = ""

    @property
    def allowed(self) -> bool:
        return self.state == "allowed"


ALLOWED = Verdict("allowed")


def destructive(rule: str, reason: str, command: str = "") -> Verdict:
    return Verdict("destructive", reason, rule, command[:LONGEST])


def unknown(reason: str, command: str = "") -> Verdict:
    return Verdict("unknown", reason, "unknown", command[:LONGEST])


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The first of the gravest ones; allowed where there is none."""
    found = ALLOWED
    for verdict in verdicts:
        if ORDER.index(verdict.state) > ORDER.index(found.state):
            found = verdict
            if found.state == "destructive":
                break
    return found
