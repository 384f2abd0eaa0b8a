"""Every form a value may hide in, found by Sweep; none found where there is none."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym.gate.forms import forms
from bashgym.gate.sweep import Sweep, why_not
from bashgym.pseudonyms import pseudonym, pseudonyms

KEY = b"k" * 32
values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=12, max_size=40).filter(
    lambda text: text.strip() == text and not why_not(text)
)


@given(values, st.sampled_from(["", "x: ", "\n", '"', "ü "]), st.integers(0, 2))
def test_every_form_is_found(value: str, before: str, shift: int):
    sweep = Sweep({value: "TOKEN"})
    for text in (
        f"{before} {value} after",
        json.dumps({"a": f"{before} {value} b"}),
        json.dumps({"a": f"{before} {value} b"}, ensure_ascii=False),
        json.dumps({"a": json.dumps({"b": f"- {value} -"})}),
        f"?q={quote(value, safe='')}&",
        f"?q={quote_plus(value)}&",
        base64.b64encode(b"-" * shift + f"{value}-and-more".encode()).decode(),
        base64.urlsafe_b64encode(b"-" * shift + f"{value}-and-more".encode()).decode(),
        f"{value} ".encode().hex(),
    ):
        assert list(sweep.hits(text.encode())), text
        assert not list(sweep.hits(sweep.clean(text, KEY).encode()))


@given(values, st.text("abcxyz019 _-./", max_size=60))
def test_nothing_is_found_where_nothing_is(value: str, text: str):
    if value not in text:
        assert not [hit for hit in Sweep({value: "TOKEN"}).hits(text.encode()) if hit.form == "plain"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("xxkestrel42-9 no", 0),
        ("kestrel42-99", 0),
        ("a kestrel42-9 b", 1),
        ("kestrel42-9", 1),
        (r"a\nkestrel42-9\n", 1),
        ("é kestrel42-9é", 0),
        ("/kestrel42-9/", 1),
    ],
)
def test_a_plain_value_stands_as_a_word(text: str, found: int):
    assert len([h for h in Sweep({"kestrel42-9": "USER"}).hits(text.encode()) if h.form == "plain"]) == found


@pytest.mark.parametrize("value", ["max", "1", "TOKEN", "production", "password", "dev", "localhost"])
def test_short_and_common_values_are_counted_not_looked_for(value: str):
    sweep = Sweep({value: "USER"})
    assert sum(sweep.skipped.values()) == 1
    assert not list(sweep.hits(f"x {value} y".encode()))


def test_lines_of_a_key_are_found_one_by_one():
    lines = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw", "gT8kXq2mVv0bLzNcRw1yHj5sPd7fUe3a"]
    sweep = Sweep({"\n".join(lines): "PRIVATE_KEY"})
    assert [hit.form for hit in sweep.hits(f"note: {lines[2]}".encode())] == ["line"]


def test_pseudonyms_are_never_looked_for():
    name = pseudonym(KEY, "EMAIL", "dana@brackenweb.net")
    sweep = Sweep({name: "EMAIL", f"http://{name}/x": "URL"})
    assert sum(sweep.skipped.values()) == 2
    assert list(pseudonyms(sweep.clean(f"mail {name}", KEY)))


def test_forms_do_not_repeat():
    found = [form.data for form in forms("kestrel42-9")]
    assert len(found) == len(set(found))
    assert found[0] == b"kestrel42-9"
