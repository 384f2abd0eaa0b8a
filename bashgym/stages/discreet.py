"""The verdict of a judge that saw the raw trace, made fit to be kept."""

import msgspec

from bashgym import pseudonyms, scan
from bashgym.errors import PrivacyError
from bashgym.kinds import Sanitizer
from bashgym.records import Verdict

SHORTEST = 3  # characters of a value that is looked for wherever it stands; shorter ones are in every word


def discreet(
    verdict: Verdict, sanitizers: list[tuple[str, Sanitizer]], session: str, removed: dict[str, str]
) -> Verdict:
    """The verdict through the sanitizers, and without any value that was taken out of its session; what is found anew
    is added to `removed`. Raises PrivacyError where that is not certain."""
    key = pseudonyms.load_key()
    result = scan.sanitize([msgspec.json.decode(msgspec.json.encode(verdict))], sanitizers, key, session)
    removed.update(result.removed)
    known = sorted((value for value in removed if len(value) >= SHORTEST), key=lambda value: (-len(value), value))

    def clean(text: str) -> str:
        for value in known:
            if value in text:
                text = text.replace(value, pseudonyms.pseudonym(key, removed[value], value))
        return text

    (plain,) = result.value
    plain["reason"] = clean(plain.get("reason", ""))
    for signal in plain.get("signals", ()):
        signal["value"] = clean(signal["value"]) if isinstance(signal["value"], str) else signal["value"]
    try:
        return msgspec.convert(plain, Verdict)
    except msgspec.ValidationError as error:
        raise PrivacyError(f"session {session}: a sanitizer damaged a verdict's structure ({error})") from error
