"""How far judges agree, with each other and with people."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations


def plain_agreement(pairs: Sequence[tuple[str, str]]) -> float | None:
    """The share of cases that two judge alike; None without cases."""
    return sum(one == two for one, two in pairs) / len(pairs) if pairs else None


def cohen(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Kappa of two judges: agreement beyond what chance gives them by how often each uses each class.

    J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960), 37-46.
    None without cases, or where both always say the same one class (then it is not defined)."""
    seen = plain_agreement(pairs)
    if seen is None:
        return None
    left, right = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    chance = sum(left[name] * right[name] for name in left) / len(pairs) ** 2
    return None if chance == 1 else (seen - chance) / (1 - chance)


def fleiss(cases: Sequence[Sequence[str]]) -> float | None:
    """Kappa of any number of judges, the same number for each case.

    J. L. Fleiss, Measuring nominal scale agreement among many raters, Psychological Bulletin 76 (1971), 378-382.
    None where fewer than two judged, or all say the same one class."""
    if not cases or len(cases[0]) < 2:
        return None
    raters = len(cases[0])
    counts = [Counter(case) for case in cases]
    each = [(sum(n * n for n in count.values()) - raters) / (raters * (raters - 1)) for count in counts]
    seen = sum(each) / len(cases)
    totals: Counter[str] = Counter()
    for count in counts:
        totals.update(count)
    chance = sum((n / (len(cases) * raters)) ** 2 for n in totals.values())
    return None if chance == 1 else (seen - chance) / (1 - chance)


def closeness(scores: Sequence[float]) -> float:
    """1 less the mean distance between any two of some scores from 0 to 1; 1 for a single one."""
    pairs = list(combinations(scores, 2))
    return 1 - sum(abs(one - two) for one, two in pairs) / len(pairs) if pairs else 1.0
