"""What can go differently in a session than its story tells."""

from dataclasses import dataclass
from typing import Any

REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, "
    "the new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you "
    "how to proceed."
)
REJECTED_WITH_WORDS = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, "
    "the new_string was NOT written to the file). To tell you how to proceed, the user said:\n"
)


class TurnOver(Exception):
    """The turn ends here: the user stopped it, or the model could not be reached."""


@dataclass
class Twist:
    """Counts are of replies; -1 is never."""

    untested: bool = False
    interrupted_before: int = -1
    api_error_before: int = -1
    api_error_fatal: bool = False
    reject: str = ""  # "Edit", "Write", or "commit"
    reject_words: str = ""
    afterwards: tuple[str, str] = ("", "")  # what the user says when the story is over, and the answer

    def rejects(self, call: tuple[str, dict[str, Any]]) -> bool:
        name, arguments = call
        return bool(self.reject) and (name == self.reject or self.reject in str(arguments.get("command", "")))
