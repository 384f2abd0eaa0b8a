"""Personal data that can be proven is replaced; versions, times, examples and private addresses stay."""

import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bashgym.errors import PrivacyError
from bashgym.registry import load
from bashgym.scan import Sanitized, sanitize

KEY = bytes(range(32))
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    ("text", "value", "type"),
    [
        ("Author: Ana <ana.iyer+ci@kestrel.systems>", "ana.iyer+ci@kestrel.systems", "EMAIL"),
        ("cc=first.last@sub.kestrel.systems,bcc=x", "first.last@sub.kestrel.systems", "EMAIL"),
        ("reply to ünal.ö@kestrel.systems.", "ünal.ö@kestrel.systems", "EMAIL"),
        ('{"text": "hi\\nana@kestrel.systems"}', "ana@kestrel.systems", "EMAIL"),
        ("call +49 30 12345678 now", "+49 30 12345678", "PHONE"),
        ("call (415) 555-0132 now", "(415) 555-0132", "PHONE"),
        ("SSN 219-09-9998,", "219-09-9998", "SSN"),
        ("card 4539-5787-6362-1486 exp", "4539-5787-6362-1486", "CARD"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "DE89 3704 0044 0532 0130 00", "IBAN"),
        ("ssh root@203.12.77.9", "203.12.77.9", "IP"),
        ("host=2600:1f18:24e6:b900:7a01:1e2b:7f3a:99c1", "2600:1f18:24e6:b900:7a01:1e2b:7f3a:99c1", "IP"),
        ("link/ether a4:83:e7:1b:2c:9d brd", "a4:83:e7:1b:2c:9d", "MAC"),
        ("send to 0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886E0F7030069857D2E4169EE7", "WALLET"),
    ],
)
def test_what_can_be_proven_goes_whole(text: str, value: str, type: str, clean: Callable[..., Sanitized]) -> None:
    result = clean(text, "pii")
    assert result.counts == {type: 1}
    head, tail = text.split(value)
    assert result.value.startswith(head + type + "_") and result.value.endswith(tail)


@pytest.mark.parametrize(
    "text",
    [
        "user@example.com, jsmith@example.org, noreply@anthropic.com, git@github.com:x/y",
        "@pytest.mark.parametrize and docker pull repo/app@latest",
        "Chrome/120.0.6099.129, version 1.2.3.4, torch==2.13.0.1, 0.0.0.0:8080, 10.0.2.15, 192.0.2.10, 8.8.8.8",
        "std::cout fe80::1 2001:db8::1 ::1 12:34:56",
        "id=2125551234567 offset 0x7ffd5c2b3a40 [2048, 1024, 512]",
        "2025-11-0300 000-12-3456 666-12-3456 123-45-678",
        "4111111111111112 timestamp_ns=1700000000123456789 1700000000123456",
        "39119960-1389-4093-9b3e-786694faa367 card 4539578-7636-21486",
        "ff:ff:ff:ff:ff:ff 00:00:00:00:00:00 time 12:34:56:78:90:12",
        "0x0000000000000000000000000000000000000000 DE00370400440532013000",
    ],
)
def test_what_only_looks_like_it_stays(text: str, cleaned_text: Callable[..., str]) -> None:
    assert cleaned_text(text, "pii") == text


def test_the_allowlist_is_for_whole_values_only(cleaned_text: Callable[..., str]) -> None:
    assert "kestrel" not in cleaned_text("ana.example.com@kestrel.systems", "pii")
    assert "110.1" not in cleaned_text("from 110.1.2.3", "pii")


def test_a_key_says_what_a_number_is(clean: Callable[..., Sanitized]) -> None:
    after = clean({"ssn": "219099998", "count": "219099998", "emails": ["ana@kestrel.systems"]}, "pii").value
    assert after["ssn"].startswith("SSN_") and after["count"] == "219099998" and after["emails"][0].startswith("EMAIL_")


def test_types_can_be_left_out(built: dict[str, Any]) -> None:
    plugin = load("sanitizer", "pii")
    kept = plugin(plugin.Config(skip=["IP"]))
    text = "ssh ana@203.12.77.9, mail ana@kestrel.systems"
    after = sanitize(text, [("pii", kept)], KEY, "s")
    assert "203.12.77.9" in after.value and after.counts == {"EMAIL": 1}


def test_nothing_goes_online_and_nothing_is_logged(
    clean: Callable[..., Sanitized], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with caplog.at_level(logging.DEBUG):
        assert clean("ana@kestrel-labs.io, GB33BUKB20201555555555, ZZ99 ABCD 1234 5678", "pii").counts["EMAIL"] == 1
    assert not caplog.text


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from(["ana@b.io", "+1 415 555 0132", "8.9.7.6", "4539578763621486", " ", "-", "x", "EMAIL_"]))
)
def test_twice_is_once(clean: Callable[..., Sanitized], parts: list[str]) -> None:
    once = clean("".join(parts), "pii").value
    assert clean(once, "pii").value == once


def test_presidio_missing_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "presidio_analyzer", None)
    plugin = load("sanitizer", "pii")
    with pytest.raises(PrivacyError, match="pip install presidio-analyzer"):
        plugin(plugin.Config())


def test_a_few_recognizers_are_presidios_own_without_all_that_it_imports() -> None:
    """In a process of its own, where nothing has imported presidio before."""
    code = """
        import sys
        from bashgym.registry import load
        proofs = sys.modules[load("sanitizer", "pii").__module__].proofs()
        assert not [name for name in sys.modules if name.startswith(("spacy", "presidio_analyzer"))]
        from presidio_analyzer import PatternRecognizer, predefined_recognizers
        for proof in proofs.values():
            whole = getattr(predefined_recognizers, type(proof.recognizer).__name__)()
            assert isinstance(whole, PatternRecognizer)
            assert [vars(one) for one in whole.patterns] == [vars(one) for one in proof.recognizer.patterns]
    """
    subprocess.run([sys.executable, "-c", dedent(code)], cwd=ROOT, check=True, timeout=60)


def test_the_engine_names_versions_and_rules(built: dict[str, Any]) -> None:
    assert all(word in built["pii"].engine() for word in ("kingfisher", "presidio", "phonenumbers", "tldextract"))
