"""The canaries: in the trace as planted, out of it after the shipped sanitizers, for any seed."""

import orjson
import pytest

from bashgym import pseudonyms, scan
from bashgym.choices import preset_plugin
from bashgym.gate import canary
from bashgym.gate.sweep import Sweep
from bashgym.trace import from_builtins, to_builtins

SEEDS = [f"{number:064x}" for number in range(25)]


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_all_are_planted_and_would_be_found(seed: str):
    written = orjson.dumps(to_builtins(canary.trace(seed)))
    for one in canary.canaries(seed):
        assert list(Sweep({one.value: one.group}).hits(written)), one.line


def test_the_same_seed_gives_the_same_and_another_gives_others():
    assert canary.canaries(SEEDS[0]) == canary.canaries(SEEDS[0])
    assert {one.value for one in canary.canaries(SEEDS[0])}.isdisjoint(one.value for one in canary.canaries(SEEDS[1]))


def test_a_canary_session_is_a_trace():
    trace = canary.trace(SEEDS[0])
    assert from_builtins(to_builtins(trace)) == trace
    assert trace.info.outcome.ended == "completed"


def test_shipped_sanitizers_remove_every_one():
    sanitizers = [(name, preset_plugin("sanitizer", name)) for name in ("secrets", "pii", "identity")]
    for seed in SEEDS:
        clean = scan.sanitize([to_builtins(canary.trace(seed))], sanitizers, pseudonyms.load_key(), seed)
        sweep = Sweep({one.value: one.group for one in canary.canaries(seed)})
        assert not list(sweep.hits(orjson.dumps(clean.value))), seed


@pytest.mark.parametrize(("number", "full"), [("7992739871", "79927398713"), ("492912345678901", "4929123456789014")])
def test_luhn(number: str, full: str):
    assert canary.luhn(number)[:-1] == number
    total = sum(
        int(digit) if at % 2 == 0 else (int(digit) * 2 - 9 if int(digit) > 4 else int(digit) * 2)
        for at, digit in enumerate(reversed(canary.luhn(number)))
    )
    assert total % 10 == 0
    if number == "7992739871":  # the example of ISO/IEC 7812
        assert canary.luhn(number) == full
