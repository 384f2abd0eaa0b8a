"""`bashgym judges eval`: how right a recipe's judges are, on a labelled set, and what sways them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import display, recipe
from bashgym.choices import Recipe
from bashgym.judging import labelled
from bashgym.judging.measured import Measured, Share, judged, measure
from bashgym.judging.prepared import prepare
from bashgym.judging.probes import Probe, probes
from bashgym.settings import VerdictSettings
from bashgym.show import as_json

RECIPE = "recipe=quickstart"  # whose sanitizers, judges and thresholds are taken where none is named
SHOWN = 12  # sessions that are named where the judges are wrong


class Evaluation(NamedTuple):
    path: Path
    cases: list[labelled.Case]
    rows: list[Measured]
    probes: list[Probe]


def composed(overrides: Sequence[str], judges: Sequence[str]) -> Recipe:
    argv = [*overrides, *([f"judge=[{','.join(judges)}]"] if judges else [])]
    return recipe.load(argv if any(one.startswith("recipe=") for one in argv) else [RECIPE, *argv])


def evaluate(
    overrides: Sequence[str], judges: Sequence[str], path: Path | None, with_probes: bool, screen: display.Terminal
) -> Evaluation:
    """Measures the judges of a recipe. Raises RecipeError, InputError, PrivacyError."""
    chosen = composed(overrides, judges)
    file = path or labelled.shipped()
    cases = labelled.cases(file)
    built = [(one.label, one.build()) for one in chosen.all("judge")]
    ready = prepare([(one.label, one.build()) for one in chosen.all("sanitizer")])
    settings: VerdictSettings = chosen.settings.verdict
    found = list(screen.progress("judging", judged(cases, built, ready), len(cases)))
    tried = list(screen.progress("probing", probes(cases, built, settings, ready), 4)) if with_probes else []
    return Evaluation(file, cases, measure(found, settings), tried)


def told(made: Evaluation, json: bool) -> None:
    """The figures, all measured here and now."""
    if json:
        as_json(as_data(made))
        return
    hacked = sum(bool(case.hacked) for case in made.cases)
    unsafe = sum(bool(case.unsafe) for case in made.cases)
    gold = sum(case.label == "gold" for case in made.cases)
    print(f"{made.path}: {len(made.cases)} sessions, {gold} gold, {hacked} hacked, {unsafe} unsafe")
    headers = [
        "judge",
        "abstains",
        "gold precision",
        "recall",
        "hacked caught",
        "honest demoted",
        "unsafe passed",
        "agrees",
        "kappa",
    ]
    display.table(headers, [row(one) for one in made.rows])
    for one in made.rows:
        if one.between is not None:
            print(f"{one.judge}: the models inside agree with a kappa of {one.between:.2f} (Fleiss), gold or not")
    for probe in made.probes:
        shift = "" if probe.shift is None else f", mean change of the score {probe.shift:+.3f}"
        print(f"{probe.name}: {probe.flipped} of {probe.tried} changed sessions got another class{shift}")
        for where in probe.where[:SHOWN]:
            print(f"  {display.printable(where)}")
    wrong = made.rows[0].wrong
    if wrong:
        print(f"another class than the label, {len(wrong)}:")
        for name, label, said in wrong[:SHOWN]:
            print(f"  {display.printable(name)}: {label}, judged {said}")


def row(one: Measured) -> list[str]:
    agrees = "-" if one.agreement is None else f"{one.agreement:.3f}"
    kappa = "-" if one.kappa is None else f"{one.kappa:.2f}"
    abstains = share(Share(one.cases - one.spoke, one.cases))
    figures = [one.gold_precision, one.gold_recall, one.caught, one.demoted, one.spared]
    return [one.judge, abstains, *map(share, figures), agrees, kappa]


def share(one: Share) -> str:
    return "-" if one.value is None else f"{one.value:.3f} ({one.hits}/{one.of})"


def as_data(made: Evaluation) -> dict[str, Any]:
    return {
        "set": str(made.path),
        "sessions": len(made.cases),
        "evidence": "measured",
        "judges": [
            {
                **{name: value for name, value in one._asdict().items() if not isinstance(value, Share)},
                **{
                    name: value._asdict() | {"value": value.value}
                    for name, value in one._asdict().items()
                    if isinstance(value, Share)
                },
            }
            for one in made.rows
        ],
        "probes": [probe._asdict() for probe in made.probes],
    }
