"""Surrogates look like what they stand for, are the same everywhere, and are not found again."""

import ipaddress
import json
import multiprocessing
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bashgym.scan import Sanitized, sanitize
from bashgym.scanning.surrogates import MAKERS, surrogate

KEY = bytes(range(32))
TEXT = (
    "mail ana.iyer@kestrel.systems, call +49 30 12345678, ssh 91.12.77.9 or 2600:1f18:24e6:b900:7a01:1e2b:7f3a:99c1, "
    "ether a4:83:e7:1b:2c:9d, SSN 219-09-9998, card 4539-5787-6362-1486, IBAN DE89 3704 0044 0532 0130 00, "
    "HOSTNAME=mercer-desktop"
)


@pytest.fixture
def replaced(built: dict[str, Any]) -> Callable[[Any], Sanitized]:
    return lambda value: sanitize(value, list(built.items()), KEY, "s", style="surrogate")


def test_code_that_parses_them_still_runs(replaced: Callable[[Any], Sanitized]) -> None:
    after = replaced(TEXT).value
    assert re.search(r"mail user\d+@example\.com, call \+1-555-\d{4}, ssh", after)
    four, six = re.search(r"ssh (\S+) or (\S+),", after).groups()  # type: ignore[union-attr]
    assert not ipaddress.ip_address(four).is_global and ipaddress.ip_address(six) in ipaddress.ip_network(
        "2001:db8::/32"
    )
    assert re.search(
        r"ether 00:00:5e:00:53:[0-9a-f]{2}, SSN 000-\d\d-\d{4}, card 400000\d{10}, IBAN DE00\d{18}, ", after
    )
    assert re.search(r"HOSTNAME=host\d+\.example\.com$", after)


def test_twice_is_once_and_json_stays_json(replaced: Callable[[Any], Sanitized]) -> None:
    once = replaced({"text": TEXT, "escaped": json.dumps({"x": TEXT})}).value
    assert replaced(once).value == once
    assert "user" in json.loads(once["escaped"])["x"]


def test_what_has_no_surrogate_gets_its_pseudonym(replaced: Callable[[Any], Sanitized]) -> None:
    after = replaced("/home/dwhitfield/x and 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").value
    assert after.startswith("/home/USER_") and "API_KEY_" in after


def made(value: str) -> list[str]:
    return [surrogate(KEY, type, value) for type in MAKERS]


def test_same_value_same_surrogate_in_every_process() -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(made, ["DE1"] * 4) == [made("DE1")] * 4


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(min_size=2, max_size=20), type=st.sampled_from(sorted(MAKERS)))
def test_no_surrogate_is_ever_found_again(replaced: Callable[[Any], Sanitized], value: str, type: str) -> None:
    stand_in = surrogate(KEY, type, "DE" + value)
    for text in (stand_in, f"{type.lower()}: {stand_in}", f"call {stand_in} now", f"x={stand_in}"):
        assert replaced(text).value == text
        assert replaced({type.lower(): stand_in}).value == {type.lower(): stand_in}
