"""What was made of the raw trace, made fit to be kept: the verdict of a judge, the files of a task."""

from collections.abc import Callable
from typing import Any

import msgspec

from bashgym import jsonl, pseudonyms, scan
from bashgym.errors import PrivacyError
from bashgym.gate import outgoing
from bashgym.gate.sweep import Sweep, clean_value
from bashgym.kinds import Sanitizer
from bashgym.records import Verdict
from bashgym.scanning.surrogates import surrogate

SHORTEST = 3  # characters of a value that is looked for wherever it stands; shorter ones are in every word


def discreet(
    verdict: Verdict, sanitizers: list[tuple[str, Sanitizer]], session: str, removed: dict[str, str], style: scan.Style
) -> Verdict:
    """The verdict through the sanitizers, and without any value that was taken out of its session; what is found anew
    is added to `removed`. Raises PrivacyError where that is not certain."""
    key = pseudonyms.load_key()
    result = scan.sanitize([msgspec.json.decode(msgspec.json.encode(verdict))], sanitizers, key, session, style)
    removed.update(result.removed)
    clean = without(removed, key, style)
    (plain,) = result.value
    plain["reason"] = clean(plain.get("reason", ""))
    for signal in plain.get("signals", ()):
        signal["value"] = clean(signal["value"]) if isinstance(signal["value"], str) else signal["value"]
    try:
        return msgspec.convert(plain, Verdict)
    except msgspec.ValidationError as error:
        raise PrivacyError(f"session {session}: a sanitizer damaged a verdict's structure ({error})") from error


def without(removed: dict[str, str], key: bytes, style: scan.Style) -> Callable[[str], str]:
    """Replaces every value of `removed` in a text, the longest first."""
    stand_in = surrogate if style == "surrogate" else pseudonyms.pseudonym
    known = sorted((value for value in removed if len(value) >= SHORTEST), key=lambda value: (-len(value), value))

    def clean(text: str) -> str:
        for value in known:
            if value in text:
                text = text.replace(value, stand_in(key, removed[value], value))
        return text

    return clean


def cleaning(
    sanitizers: list[tuple[str, Sanitizer]], session: str, removed: dict[str, str], style: scan.Style
) -> Callable[[Any], Any]:
    """What gives plain data back through the sanitizers and without any value that was taken out of the session, after
    the leak gate has seen it; what is found anew is added to `removed`. Raises Held where the gate finds something."""

    def clean(value: Any) -> Any:
        key = pseudonyms.load_key()
        result = scan.sanitize([value], sanitizers, key, session, style)
        removed.update(result.removed)
        plain = clean_value(
            result.value[0], Sweep(removed, style), key
        )  # what is private in the session is so in its files
        outgoing.gate(removed, sanitizers)(jsonl.dumps(plain))
        return plain

    return clean
