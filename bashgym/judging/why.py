"""Why a session has its class and its score, in plain words; and what would have made it another."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from bashgym.records import Class, Verdict
from bashgym.settings import VerdictSettings
from bashgym.verdict import classify, weighted

SHOWN = 6  # signals that are named of one judge
QUIET = frozenset({"file_parses", "last_tests", "ended"})


class Word(NamedTuple):
    """What one judge said: `score` None where it abstained; `weight` its share of the score."""

    judge: str
    score: float | None
    weight: float
    says: str
    signals: tuple[str, ...]


class Why(NamedTuple):
    label: Class
    score: float | None
    words: tuple[Word, ...]
    because: tuple[str, ...]
    otherwise: tuple[str, ...]  # what would change the class


def why(verdicts: Sequence[Verdict], settings: VerdictSettings) -> Why:
    label, score = classify(verdicts, settings)
    return Why(
        label,
        score,
        tuple(word(verdict, settings) for verdict in verdicts),
        tuple(because(verdicts, settings, label, score)),
        tuple(dict.fromkeys(otherwise(verdicts, settings, label, score))),
    )


def word(verdict: Verdict, settings: VerdictSettings) -> Word:
    weight = settings.weights.get(verdict.judge, 1.0)
    marks = [
        "something that ran speaks for it" if verdict.verified else "",
        "it says the session has failed" if verdict.fatal else "",
        f"no score above {verdict.cap:.2f}" if verdict.cap is not None and not verdict.fatal else "",
    ]
    says = "; ".join(part for part in (verdict.reason, *marks) if part)
    told = [signal for signal in verdict.signals if signal.name not in QUIET]
    signals = tuple(
        f"{signal.name.replace('_', ' ')}: {signal.value}" + (f" (step {signal.step_id})" if signal.step_id else "")
        for signal in told[:SHOWN]
    )
    more = (f"and {len(told) - SHOWN} more",) if len(told) > SHOWN else ()
    return Word(verdict.judge, verdict.score, weight, says, signals + more)


def because(verdicts: Sequence[Verdict], settings: VerdictSettings, label: Class, score: float | None) -> Iterator[str]:
    """The rule that gave the class."""
    spoken = [verdict for verdict in verdicts if verdict.score is not None]
    fatal = [verdict for verdict in spoken if verdict.fatal]
    if score is not None:
        yield how(spoken, settings, score)
    if fatal:
        yield f"{names(fatal)} saw it fail, and then nothing else counts"
    elif len(spoken) < settings.at_least:
        yield f"{len(spoken)} of the {settings.at_least} judges that must speak have spoken (verdict.at_least)"
    elif score is None:
        yield "no judge that spoke has a weight (verdict.weights)"
    elif score < settings.silver:
        yield f"{score:.2f} is below verdict.silver={settings.silver}"
    elif label == "unverified":
        yield "no judge saw something run after the last change that speaks for it, and unverified is never gold"
    else:
        reached = f"verdict.gold={settings.gold}" if label == "gold" else f"verdict.silver={settings.silver}"
        below = "" if label == "gold" else f" and below verdict.gold={settings.gold}"
        verified = names([verdict for verdict in spoken if verdict.verified])
        yield f"{score:.2f} reaches {reached}{below}, and {verified} saw something run that speaks for it"


def how(spoken: Sequence[Verdict], settings: VerdictSettings, score: float) -> str:
    """The sum, so that it can be done again by hand."""
    terms = [f"{settings.weights.get(one.judge, 1.0):g} x {one.score or 0:.2f} ({one.judge})" for one in spoken]
    total = sum(settings.weights.get(one.judge, 1.0) for one in spoken)
    mean = weighted([msgspec.structs.replace(one, cap=None) for one in spoken], settings)
    text = f"the score is ({' + '.join(terms)}) / {total:g} = {mean or 0:.2f}"
    capped = [one for one in spoken if one.cap is not None and one.cap <= score]
    return f"{text}, and no more than {score:.2f} by {names(capped)}" if capped and (mean or 0) > score else text


def otherwise(
    verdicts: Sequence[Verdict], settings: VerdictSettings, label: Class, score: float | None
) -> Iterator[str]:
    """What would have made another class of it, each by itself."""
    for number, verdict in enumerate(verdicts):
        if verdict.score is None:
            continue
        rest = [*verdicts[:number], *verdicts[number + 1 :]]
        if verdict.fatal or verdict.cap is not None:
            plain = msgspec.structs.replace(verdict, score=None, fatal=False, cap=None)
            other, _ = classify([*rest, plain], settings)
            if other != label:
                yield f"without what {verdict.judge} holds against it ({verdict.reason}) it would be {other}"
        elif (other := classify(rest, settings)[0]) != label and rest:
            yield f"without {verdict.judge} it would be {other}"
    spoken = [verdict for verdict in verdicts if verdict.score is not None]
    if label == "unverified" and len(spoken) < settings.at_least:
        yield f"{settings.at_least - len(spoken)} more judges that speak, or verdict.at_least={len(spoken)}"
    elif label == "unverified" and score is not None:
        would = "gold" if score >= settings.gold else "silver"
        yield f"a test run that passes after the last change would make it {would}"
    elif label in ("failed", "silver") and score is not None and not any(one.fatal for one in spoken):
        wanted, name = (settings.silver, "silver") if label == "failed" else (settings.gold, "gold")
        yield f"{wanted - score:.2f} more would reach verdict.{name}={wanted}"
    elif label == "gold" and score is not None:
        yield f"with {score - settings.gold:.2f} less, or a judge that sees it fail, it would not be gold"


def names(verdicts: Sequence[Verdict]) -> str:
    return " and ".join(verdict.judge for verdict in verdicts)
