"""What was removed is kept encrypted, and only with its own key comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bashgym import paths, pseudonyms
from bashgym.errors import PrivacyError
from bashgym.gate import vault
from bashgym.store import Store


@pytest.fixture
def store() -> Store:
    return Store(paths.home() / "store")


@given(st.dictionaries(st.text(), st.sampled_from(["EMAIL", "TOKEN"])))
def test_comes_back(tmp_path_factory, removed: dict[str, str]):
    store = Store(tmp_path_factory.mktemp("store"))
    vault.put(store, "a" * 64, removed)
    assert vault.get(store, "a" * 64) == removed


def test_nothing_of_it_is_readable(store: Store):
    vault.put(store, "a" * 64, {"kestrel42-9": "TOKEN"})
    blob = store.get(vault.name("a" * 64)) or b""
    assert blob
    assert b"kestrel" not in blob
    assert b"TOKEN" not in blob


def test_a_lost_damaged_or_swapped_one_stops_the_run(store: Store):
    with pytest.raises(PrivacyError, match="lost what was removed"):
        vault.get(store, "b" * 64)
    vault.put(store, "a" * 64, {"kestrel42-9": "TOKEN"})
    store.put(vault.name("b" * 64), store.get(vault.name("a" * 64)) or b"")
    with pytest.raises(PrivacyError, match="cannot be read"):
        vault.get(store, "b" * 64)


def test_another_key_cannot_read_it(store: Store):
    vault.put(store, "a" * 64, {"kestrel42-9": "TOKEN"})
    (paths.home() / "keys" / "pseudonym.key").write_bytes(b"x" * pseudonyms.KEY_BYTES)
    with pytest.raises(PrivacyError, match="pseudonym key"):
        vault.get(store, "a" * 64)


def test_all_of_is_the_same_in_any_order(store: Store):
    vault.put(store, "a" * 64, {"one-value-1": "TOKEN", "two-value-2": "USER"})
    vault.put(store, "b" * 64, {"one-value-1": "API_KEY"})
    assert vault.all_of(store, ["a" * 64, "b" * 64]) == vault.all_of(store, ["b" * 64, "a" * 64])
    assert vault.all_of(store, ["a" * 64, "b" * 64])["one-value-1"] == "API_KEY"
