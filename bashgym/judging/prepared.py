"""A trace as a run would judge it: sanitized, with a gate that knows what was taken out of it."""

from collections.abc import Sequence

import msgspec

from bashgym import pseudonyms, scan
from bashgym.errors import PrivacyError
from bashgym.gate import outgoing
from bashgym.judging.measured import Prepare
from bashgym.kinds import JudgeContext, Sanitizer
from bashgym.trace import Trace, from_builtins, to_builtins


def prepare(sanitizers: Sequence[tuple[str, Sanitizer]]) -> Prepare:
    """Raises PrivacyError where a trace cannot be sanitized."""

    def prepared(trace: Trace) -> tuple[Trace, JudgeContext]:
        result = scan.sanitize(to_builtins(trace), sanitizers, pseudonyms.load_key(), trace.session_id)
        try:
            clean = from_builtins(result.value)
        except msgspec.ValidationError as error:
            raise PrivacyError(f"a sanitizer damaged the trace's structure ({error})") from error
        return clean, JudgeContext(gate=outgoing.gate(result.removed, sanitizers))

    return prepared
