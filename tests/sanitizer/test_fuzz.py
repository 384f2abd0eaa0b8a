"""A million strings put together at random from what breaks sanitizers: no crash, no pseudonym damaged, valid JSON.

A run takes a fifth of the million, from seeds drawn anew and printed; `BASHGYM_FUZZ=all` takes seeds 0 to 19."""

import os
import random
from collections.abc import Callable

import orjson
import pytest

from bashgym.pseudonyms import pseudonym
from bashgym.scan import Sanitized

KEY = bytes(range(32))
GIVEN = [pseudonym(KEY, "EMAIL", "x"), pseudonym(KEY, "API_KEY", "y")]
PIECES = [
    "token=", "password: ", '"', "'", "\\n", "\n", " ", "=", ":", "/", "https://a:", "@", "Bearer ", "key", "-", "_",
    ".", "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", "deadbeefcafe0123456789abcdef0123", "kestrel", "é", "\x1b[1m",
    "\x1b[", "-----BEGIN RSA PRIVATE KEY-----", "MIIEpQIBAAKCAQEAn6/O8li+SX4m98LL", "-----END RSA PRIVATE KEY-----",
    "SECRET_", "eyJhbGciOi", "%2F", "%41", "\\u0041", "\\", "\u200b",
    "+1 415 555 0132", "219-09-9998", "4539578763621486",
    "DE89370400440532013000", "8.9.7.6", "ana@kestrel.systems", "/home/dwhitfield/", "C:\\Users\\bob\\", "HOSTNAME=",
    "Author: Al Iyer <a@b.io>", "abandon ability able about ", "USER_", "{", "}", "[", "]", ",", "<", ">", "\x00", "😀",
    "中文", "A_aaaaaaaaaaaa", "sha256:", "0", "1", "a", "Z", "dXNlcjpwYXNzd29yZDE=", *GIVEN, *GIVEN,
]  # fmt: skip
CHUNK = 50_000
SHARES = 20
DRAWN = 4  # of the shares, in a run of the suite
BATCH = 2_000


def fuzzed(seed: int, count: int, clean: Callable[..., Sanitized]) -> None:
    source = random.Random(seed)
    for number in range(count // BATCH):
        before = ["".join(source.choices(PIECES, k=source.randint(1, 8))) for _ in range(BATCH)]
        after = clean(before).value
        assert orjson.loads(orjson.dumps(after)) == after
        for one, other in zip(before, after, strict=True):
            assert all(one.count(each) <= other.count(each) for each in GIVEN), (one, other)
        if number % 5 == 0:
            assert clean(after).value == after


def test_thousands_of_strings(clean: Callable[..., Sanitized]) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"strings of seed {seed}")
    fuzzed(seed, 20_000, clean)


@pytest.mark.slow
def test_a_million_strings(clean: Callable[..., Sanitized]) -> None:
    every = os.environ.get("BASHGYM_FUZZ") == "all"
    seeds = range(SHARES) if every else [random.SystemRandom().randrange(10**9) for _ in range(DRAWN)]
    for seed in seeds:
        print(f"{CHUNK} strings of seed {seed}")
        fuzzed(seed, CHUNK, clean)


@pytest.mark.parametrize("half", ["\ud800", "a\udfffb"])
def test_half_characters_are_text_too(half: str, clean: Callable[..., Sanitized]) -> None:
    """JSON may hold them (`\\ud800`), UTF-8 may not."""
    names = [f"/home/person{number}x" for number in range(30)]  # enough for the automaton
    text = f"{half} 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 {half} ana@kestrel.systems person7x {half}"
    after = clean([text, *names]).value[0]
    assert after.count(half) == 3 and not any(word in after for word in ("ghp_", "kestrel", "person7x"))


def test_nuls_blind_nobody(clean: Callable[..., Sanitized]) -> None:
    """Many of them look like UTF-16 to the engine, for every string scanned together."""
    after = clean(
        ["x\0" * 400, " call +1 415 555 0132 now", "\0".join("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")]
    ).value
    assert "415" not in after[1] and "API_KEY_" in after[2]


def test_characters_of_several_bytes_keep_places_right(clean: Callable[..., Sanitized]) -> None:
    """An expression over bytes may end inside a character."""
    texts = [f"{'中文é😀' * 40}ana@kestrel.systems{'中' * 70}", "8.9.7.6中文>ben@kestrel.systems😀" * 3]
    after = clean(texts).value
    assert "kestrel" not in "".join(after) and "中文é😀" in after[0] and after[0].endswith("中")
