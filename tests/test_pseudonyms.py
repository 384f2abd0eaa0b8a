"""The key is made once, by whoever comes first; pseudonyms are stable, recognisable and valid everywhere."""

import itertools
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym.errors import PrivacyError
from bashgym.pseudonyms import digest, key_id, load_key, pseudonym, pseudonyms

KEY = bytes(range(32))
TYPES = st.from_regex(r"[A-Z]([A-Z0-9_]{0,20}[A-Z0-9])?", fullmatch=True)


def race(home: str, barrier: object) -> bytes:
    os.environ["BASHGYM_HOME"] = home
    return load_key()


def test_the_key_is_made_once_and_for_its_owner_only(own_home: Path) -> None:
    key = load_key()
    path = own_home / "keys" / "pseudonym.key"
    assert len(key) == 32 and load_key() == key == path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["pseudonym.key"]


def test_workers_that_race_get_the_same_key(own_home: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        keys = pool.starmap(race, [(str(own_home), None)] * 8)
    assert len(set(keys)) == 1


def test_rights_that_others_have_are_taken_back(own_home: Path) -> None:
    load_key()
    path = own_home / "keys" / "pseudonym.key"
    path.chmod(0o644)
    load_key()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_key_is_never_replaced(own_home: Path) -> None:
    load_key()
    path = own_home / "keys" / "pseudonym.key"
    path.write_bytes(b"short")
    with pytest.raises(PrivacyError, match=r"pseudonym\.key: 5 bytes"):
        load_key()
    assert path.read_bytes() == b"short"


def test_same_key_type_and_value_make_the_same_pseudonym() -> None:
    one = pseudonym(KEY, "EMAIL", "ana@kestrel.systems")
    assert one == pseudonym(KEY, "EMAIL", "ana@kestrel.systems")
    others = {
        pseudonym(KEY[::-1], "EMAIL", "ana@kestrel.systems"),
        pseudonym(KEY, "USER", "ana@kestrel.systems"),
        pseudonym(KEY, "EMAIL", "ana@kestrel.system"),
    }
    assert one not in others and len(others) == 3


def test_a_type_must_look_like_one() -> None:
    with pytest.raises(ValueError, match="no type of a pseudonym"):
        pseudonym(KEY, "email", "x")


@given(TYPES, st.text())
def test_a_pseudonym_is_an_identifier_and_is_recognised(type: str, value: str) -> None:
    made = pseudonym(KEY, type, value)
    assert made.isidentifier() and made.isascii() and made.startswith(type + "_")
    assert list(pseudonyms(made)) == [(0, len(made))]
    assert list(pseudonyms(f"/home/{made}/x")) == [(6, 6 + len(made))]
    assert list(pseudonyms(f"{made}tail")) == [(0, len(made))]


@given(st.lists(st.tuples(TYPES, st.text(max_size=3)), min_size=2, max_size=5))
def test_pseudonyms_side_by_side_do_not_overlap(named: list[tuple[str, str]]) -> None:
    text = "".join(pseudonym(KEY, type, value) for type, value in named)
    places = list(pseudonyms(text))
    assert places[0][0] == 0 and places[-1][1] == len(text) and len(places) == len(named)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(places))


def test_what_only_looks_like_a_pseudonym_is_none() -> None:
    made = pseudonym(KEY, "EMAIL", "x")
    spoiled = made[:-1] + ("a" if made[-1] != "a" else "b")
    assert list(pseudonyms(spoiled)) == []
    assert list(pseudonyms("MAX_connections_per_host ADMIN_passwordhorse")) == []


def test_collisions_are_improbable() -> None:
    assert len({pseudonym(KEY, "USER", str(number)) for number in range(20_000)}) == 20_000


def test_the_key_id_tells_keys_apart_without_telling_them() -> None:
    assert key_id(KEY) != key_id(KEY[::-1]) and len(key_id(KEY)) == 12
    assert KEY.hex() not in key_id(KEY) and digest(KEY, "key id")[:12] != key_id(KEY)
