"""Scores into a plain sentence: what the trained model can do, beside its base and the controls, and what it cannot."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from bashgym.records import Evidence, Score
from bashgym.report.figures import evidence_of, finite, listed, percent, words

Tone = Literal["good", "unclear", "bad", "none"]
Standing = Literal["better", "unclear", "level", "worse", "missing", "other evidence"]
COMPARABLE = ("better", "unclear", "level", "worse")

LEVEL = 1.96  # standard errors on either side that hold 95 % of a normal distribution
SMALL = 30  # examples below which that distribution is a poor guess (the usual rule of thumb)
NAMED = 3  # other metrics named in the sentence before they are only counted
NEXT_TOOL = re.compile(r"(next_)?tool(_(choice|name))?(_(acc|accuracy|match))?|right_tool|next_tool")
SHARE = re.compile(r"(.*_)?(acc|accuracy|acc_norm|exact|exact_match|match|rate|share)|pass@\d+")


class Metric(NamedTuple):
    """One metric of one benchmark: its scores by role, trained first, base second, controls after."""

    benchmark: str
    name: str
    higher_is_better: bool
    scores: dict[str, Score]

    @property
    def trained(self) -> Score | None:
        score = self.scores.get("trained")
        return score if score and score.value is not None else None

    @property
    def known(self) -> list[Score]:
        return [score for score in self.scores.values() if score.value is not None]

    @property
    def share(self) -> bool:
        """Whether its values are shares of the examples, so that they read as per cent."""
        plain = self.name.partition(",")[0]
        named = SHARE.fullmatch(plain) or NEXT_TOOL.fullmatch(plain)
        return bool(named) and all(0 <= (score.value or 0) <= 1 for score in self.known)


class Outcome(NamedTuple):
    """What a run came to: a few words, the sentence, and what its figures rest on."""

    tone: Tone
    label: str
    sentence: str
    evidence: tuple[Evidence, ...]
    metric: Metric | None


def read(row: Mapping[str, Any]) -> Score:
    """A score of a manifest; a value without evidence is no value."""
    evidence = evidence_of(row.get("evidence"))
    value = finite(row.get("value")) if evidence != "missing" else None
    return Score(
        benchmark=str(row.get("benchmark") or ""),
        metric=str(row.get("metric") or ""),
        role=str(row.get("role") or ""),
        value=value,
        evidence=evidence if value is not None else "missing",
        n=int(finite(row.get("n")) or 0),
        stderr=finite(row.get("stderr")),
        higher_is_better=row.get("higher_is_better") is not False,
        note=str(row.get("note") or ""),
    )


def metrics(rows: Iterable[Mapping[str, Any]]) -> list[Metric]:
    """The scores of a manifest by benchmark and metric, in their order."""
    found: dict[tuple[str, str], list[Score]] = {}
    for row in rows:
        score = read(row)
        found.setdefault((score.benchmark, score.metric), []).append(score)
    return [
        Metric(benchmark, name, all(score.higher_is_better for score in scores), by_role(scores))
        for (benchmark, name), scores in found.items()
    ]


def by_role(scores: Sequence[Score]) -> dict[str, Score]:
    order = {"trained": 0, "base": 1}
    return {score.role: score for score in sorted(scores, key=lambda one: order.get(one.role, 2))}


def standing(metric: Metric, other: Score) -> Standing:
    """Where the trained model stands against `other`: a lead within the error of both figures is unclear, the same
    figure or a smaller one never better. Errors add as for independent samples, which is cautious on the same rows."""
    mine = metric.trained
    if mine is None or mine.value is None or other.value is None:
        return "missing"
    if mine.evidence != other.evidence:
        return "other evidence"
    lead = (mine.value - other.value) * (1 if metric.higher_is_better else -1)
    error = LEVEL * math.hypot(mine.stderr or 0.0, other.stderr or 0.0)
    if lead > 0:
        return "better" if lead > error else "unclear"
    return "worse" if -lead > error else "level"


def headline(found: Sequence[Metric]) -> Metric | None:
    """The metric to speak of: measured on the trained model and on most of the others; the first among equals."""
    spoken = [metric for metric in found if metric.trained]
    return max(spoken, key=lambda metric: len(metric.known), default=None)


def outcome(content: Mapping[str, Any]) -> Outcome:
    """What a manifest says the run came to; never better than its figures."""
    found = metrics(content.get("scores") or [])
    metric = headline(found)
    scored = of_scores(found, metric) if metric else of_nothing(found)
    if content.get("state") == "finished":
        return scored
    label, ending = how_it_ended(content)
    sentence = f"{ending} {scored.sentence}" if metric else f"{ending} No score of the trained model was measured."
    return Outcome("bad" if content.get("state") == "failed" else "none", label, sentence, scored.evidence, metric)


def how_it_ended(content: Mapping[str, Any]) -> tuple[str, str]:
    done = [str(stage.get("name")) for stage in content.get("stages") or []]
    last = f"after its stage “{done[-1]}”" if done else "before its first stage was done"
    if content.get("state") == "failed":
        return "The run failed", f"The run failed {last}: {content.get('error') or 'the reason is missing'}."
    if content.get("state") == "running":
        return "Not finished", f"The run has not finished; this is what it had noted {last}."
    if content.get("state") == "dataset written":
        return "Dataset written", "The run wrote its dataset and ended there, as it was told to; nothing was trained."
    return "Not finished", f"How the run ended is missing; this is what it had noted {last}."


def of_nothing(found: Sequence[Metric]) -> Outcome:
    notes = dict.fromkeys(score.note for metric in found for score in metric.scores.values() if score.note)
    why = f" ({'; '.join(notes)})" if notes else ""
    sentence = (
        f"No score of the trained model was measured{why}, so this page cannot say what the trained model has learned."
    )
    return Outcome("none", "Nothing measured", sentence, ("missing",), None)


def of_scores(found: Sequence[Metric], metric: Metric) -> Outcome:
    others = [score for role, score in metric.scores.items() if role != "trained"]
    places = {score.role: standing(metric, score) for score in others}
    evidence = tuple(dict.fromkeys(score.evidence for score in metric.scores.values()))
    tone, label = judged(places)
    elsewhere = [other for other in found if other is not metric and other.trained and not ahead(other)]
    sentences = [figures(metric), *caveats(metric, places), *besides(elsewhere)]
    if tone == "good" and elsewhere:
        tone, label = "unclear", "Better on the main score, not on every one"
    return Outcome(tone, label, " ".join(sentences), evidence, metric)


def ahead(metric: Metric) -> bool:
    """Whether the trained model leads everything it can be compared with."""
    places = [standing(metric, score) for role, score in metric.scores.items() if role != "trained"]
    return all(place == "better" or place not in COMPARABLE for place in places)


def judged(places: Mapping[str, Standing]) -> tuple[Tone, str]:
    base = places.get("base", "missing")
    controls = [place for role, place in places.items() if role != "base"]
    if base in {"worse", "level"}:
        return "bad", "Worse than its base" if base == "worse" else "Not better than its base"
    if any(place in {"worse", "level"} for place in controls):
        return "bad", "Not better than a control"
    if base not in COMPARABLE:
        return "none", "No base to compare with"
    if base == "unclear" or "unclear" in controls:
        return "unclear", "A lead within the error"
    return "good", "Better than its base and every control" if "better" in controls else "Better than its base"


def figures(metric: Metric) -> str:
    """The figures themselves, in one sentence."""
    mine = metric.scores["trained"]
    shown = written(metric)
    others = [f"{called(role)} {shown[role]}" for role in metric.scores if role != "trained"]
    rest = f"; {', '.join(others)}" if others else ""
    count = f"{mine.n:,}" if mine.n else "an unknown number of"
    if NEXT_TOOL.fullmatch(metric.name.partition(",")[0]) and metric.share:
        return f"The trained model picked the right next tool in {shown['trained']} of {count} held-out turns{rest}."
    better = "" if metric.higher_is_better else ", where lower is better"
    return (
        f"On “{words(metric.name)}”{better}, the trained model scored {shown['trained']} "
        f"over {count} held-out examples{rest}."
    )


def written(metric: Metric) -> dict[str, str]:
    """role -> figure, with as many digits (two decimals at most) as it takes to tell unlike figures apart."""
    if not metric.share:
        return {
            role: "missing" if score.value is None else f"{score.value:.4g}" for role, score in metric.scores.items()
        }
    for digits in (0, 1, 2):
        shown = {role: percent(score.value, digits) for role, score in metric.scores.items()}
        texts = {shown[score.role] for score in metric.known}
        rounded_away = any(shown[score.role] in EDGES and score.value not in {0, 1} for score in metric.known)
        if len(texts) == len({score.value for score in metric.known}) and not rounded_away:
            break
    return shown


EDGES = {percent(value, digits) for value in (0.0, 1.0) for digits in (0, 1)}


def caveats(metric: Metric, places: Mapping[str, Standing]) -> Iterable[str]:
    """What keeps the figures from being a success, said plainly."""
    for place, template in (
        ("worse", "It did worse than {}."),
        ("level", "It did not beat {}."),
        ("unclear", "Its lead over {} is within the statistical error, so it is not a proven gain."),
        ("missing", "It cannot be compared with {}: not measured."),
        ("other evidence", "It cannot be compared with {}: figures that rest on other evidence."),
    ):
        roles = [role for role, one in places.items() if one == place]
        if roles:
            yield template.format(listed(map(called, roles)))
    mine = metric.scores["trained"]
    if not any(role == "base" for role in places):
        yield "Its base was not measured."
    if mine.evidence != "measured":
        yield f"These figures are {mine.evidence}, not measured."
    if 0 < mine.n < SMALL:
        yield f"So few examples ({mine.n}) are a hint, not a proof."
    if mine.stderr is None and mine.n >= SMALL:
        yield "The statistical error is missing."


def besides(behind: Sequence[Metric]) -> Iterable[str]:
    if behind:
        names = [f"“{words(metric.name)}”" for metric in behind[:NAMED]]
        more = [f"{len(behind) - NAMED} more"] if len(behind) > NAMED else []
        yield f"On {listed([*names, *more])} it shows no clear lead over its base or a control."


def called(role: str) -> str:
    """A role as it is spoken of in a sentence."""
    if role == "base":
        return "its base"
    return f"the {words(role)}" if role.startswith("most_") else f"the control “{words(role)}”"
