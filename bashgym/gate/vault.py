"""What was removed from each session, kept beside its cached result: encrypted, since it is all that must not leak.

The key is derived from the pseudonym key of the data home and never leaves it."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from bashgym import jsonl, pseudonyms
from bashgym.errors import PrivacyError
from bashgym.store import Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes, as AES-GCM has it


def name(key: str) -> str:
    """The store's key of what was removed from the session whose result lies under `key`."""
    return hashlib.sha256(f"removed {key}".encode()).hexdigest()


def put(store: Store, key: str, removed: Mapping[str, str]) -> None:
    """Keeps `removed` (value -> type) of a session."""
    nonce = os.urandom(NONCE)
    plain = jsonl.dumps(dict(removed))
    store.put(name(key), nonce + cipher().encrypt(nonce, plain, key.encode()))


def get(store: Store, key: str) -> dict[str, str]:
    """What `put` was given. Raises PrivacyError where it is gone, damaged, or of another key."""
    blob = store.get(name(key))
    if blob is None:
        raise PrivacyError(f"the store has lost what was removed from a session ({key[:12]}); run again with --fresh")
    try:
        return dict(jsonl.parse(cipher().decrypt(blob[:NONCE], blob[NONCE:], key.encode())))
    except Exception as error:  # cryptography's InvalidTag, and what damage makes of JSON
        raise PrivacyError(
            f"what was removed from a session ({key[:12]}) cannot be read ({type(error).__name__}); "
            "was the pseudonym key changed? put its backup back, or run again with --fresh"
        ) from None


def all_of(store: Store, keys: Iterable[str]) -> dict[str, str]:
    """What was removed from any of the sessions: value -> type, the same for the same sessions in any order."""
    found: dict[str, str] = {}
    for key in sorted(keys):
        for value, type in get(store, key).items():
            found[value] = min(type, found.get(value, type))
    return dict(sorted(found.items()))


def cipher() -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    secret = hashlib.blake2s(b"what sanitizers removed", key=pseudonyms.load_key(), person=b"vault")
    return AESGCM(secret.digest())
