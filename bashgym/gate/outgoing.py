"""The leak gate for text that is about to be sent to a model: exactly the bytes that would leave are looked at."""

from collections.abc import Callable, Mapping, Sequence

from bashgym.errors import PrivacyError
from bashgym.gate.rescan import found
from bashgym.gate.sweep import Sweep
from bashgym.kinds import Sanitizer


class Held(PrivacyError):
    """The text holds something private, so it does not leave."""


def gate(removed: Mapping[str, str], sanitizers: Sequence[tuple[str, Sanitizer]]) -> Callable[[bytes], None]:
    """A check that raises Held where a text holds a value that was `removed` (value -> type) from its session, in any
    form, or anything the sanitizers still find. Without sanitizers nothing passes."""
    built: list[Sweep] = []  # when the first text is looked at: most sessions send none

    def check(data: bytes) -> None:
        if not sanitizers:
            raise Held("leak gate: there are no sanitizers to look with; nothing is sent")
        if not built:
            built.append(Sweep(removed))
        hit = next(built[0].hits(data), None)
        if hit is not None:
            raise Held(f"leak gate: a {hit.type} that was removed from the session is in the text ({hit.form})")
        seen = next(found(data, "outgoing text", sanitizers), None)
        if seen is not None:
            raise Held(f"leak gate: {seen.type} found in the text ({seen.rule})")

    return check
