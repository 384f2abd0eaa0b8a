"""Presidio as it is: every recognizer that works by rules, offline, in windows that keep it linear."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from bashgym.errors import PrivacyError
from bashgym.registry import load
from bashgym.scan import sanitize
from bashgym.scanning import presidio

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def made() -> Callable[..., Any]:
    plugin = load("sanitizer", "presidio")
    return lambda **settings: plugin(plugin.Config(**settings))


def cleaned(text: Any, sanitizer: Any) -> Any:
    return sanitize(text, [("presidio", sanitizer)], KEY, "s").value


@pytest.mark.parametrize(
    ("text", "type", "country"),
    [
        ("write to ana@kestrel.systems", "EMAIL_ADDRESS", "us"),
        ("my social security number is 219-09-9998", "US_SSN", "us"),
        ("Steuer-ID: 86095742719", "DE_TAX_ID", "germany"),
        ("codice fiscale RSSMRA85T10A562S", "IT_FISCAL_CODE", "italy"),
        ("NIF 12345678Z", "ES_NIF", "spain"),
        ("PESEL 44051401359", "PL_PESEL", "poland"),
        ("aadhaar 3123 4567 8909", "IN_AADHAAR", "india"),
    ],
)
def test_numbers_of_many_countries(text: str, type: str, country: str, made: Callable[..., Any]) -> None:
    after = cleaned(text, made(countries=[country]))
    assert f"{type}_" in after and after.split()[0] == text.split()[0]


def test_every_recognizer_without_a_model_can_be_had() -> None:
    found = list(presidio.recognizers(["all"]))
    assert len(found) > 85 and len({country for country, _ in found}) > 15
    assert not any("Spacy" in type(each).__name__ for _, each in found)


def test_a_word_nearby_makes_sure(made: Callable[..., Any]) -> None:
    mine = made(entities=["US_BANK_NUMBER"])
    assert cleaned("bank account 945456787654", mine) != "bank account 945456787654"
    assert cleaned("counter is 945456787654", mine) == "counter is 945456787654"
    assert cleaned({"account number": "945456787654"}, mine) == {"account number": "945456787654"}  # no such key


def test_what_is_skipped_stays(made: Callable[..., Any]) -> None:
    text = "on 2025-11-03 see https://kestrel.systems/x 4f9c1a2e-77aa-4b1c-9d3e-0a1b2c3d4e5f"
    assert cleaned(text, made()) == text
    assert "URL_" in cleaned(text, made(skip=[]))


def test_wrong_names_are_told(made: Callable[..., Any]) -> None:
    with pytest.raises(PrivacyError, match="no country 'atlantis'"):
        made(countries=["atlantis"])
    with pytest.raises(PrivacyError, match="DE_TAX_ID is none of countries us"):
        made(entities=["DE_TAX_ID"])


def test_nothing_goes_online(made: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a sanitizer went online")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert "EMAIL_ADDRESS_" in cleaned("ana@kestrel.systems", made(countries=["all"]))


def test_hostile_text_takes_time_in_proportion(made: Callable[..., Any]) -> None:
    mine = made(entities=["EMAIL_ADDRESS", "IP_ADDRESS"])
    took = []
    for size in (20_000, 80_000):
        started = time.process_time()
        cleaned("a." * (size // 2), mine)
        took.append(time.process_time() - started)
    assert took[1] < 8 * took[0] + 0.5


def test_the_engine_names_version_and_kinds(made: Callable[..., Any]) -> None:
    assert "presidio" in made().engine() and "US_SSN" in made().engine()
    assert made().engine() != made(countries=[]).engine()
