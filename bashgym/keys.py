"""The pseudonym key for a team: out of one data home and into another, under a passphrase.

Two homes with the same key give the same value the same pseudonym. The file is JSON: the key under AES-256-GCM, with
a key made from the passphrase by scrypt (RFC 7914; n = 2^17, r = 8, p = 1, 128 MB, what OWASP recommends)."""

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bashgym import jsonl, paths, pseudonyms
from bashgym.errors import InputError, PrivacyError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

COST = 2**17
SHORTEST = 12  # characters of a passphrase: the file may lie anywhere
FORMAT = "bashgym pseudonym key 1"


def export(path: Path, passphrase: str) -> str:
    """Writes the key to `path` (0600) and returns its id. Raises InputError when the file is there already."""
    if path.exists():
        raise InputError(f"{path}: is there already; name another file")
    if len(passphrase) < SHORTEST:
        raise InputError(f"the passphrase has {len(passphrase)} characters; give at least {SHORTEST}")
    key, salt, nonce = pseudonyms.load_key(), os.urandom(16), os.urandom(12)
    sealed = cipher(passphrase, salt).encrypt(nonce, key, FORMAT.encode())
    content = {
        "format": FORMAT,
        "id": pseudonyms.key_id(key),
        "salt": b64(salt),
        "nonce": b64(nonce),
        "key": b64(sealed),
    }
    jsonl.replace(path, jsonl.dumps(content) + b"\n")
    return pseudonyms.key_id(key)


def take(path: Path, passphrase: str, replace: bool) -> str:
    """Makes the key in `path` this data home's and returns its id; the one it replaces is kept beside it.

    Raises InputError for what is no such file, PrivacyError for a wrong passphrase or when another key is in use."""
    key = opened(path, passphrase)
    there = paths.home() / "keys" / "pseudonym.key"
    if there.exists() and there.read_bytes() != key:
        old = pseudonyms.key_id(pseudonyms.load_key())
        if not replace:
            raise PrivacyError(
                f"{there}: another key ({old}) is in use; with --replace it is kept as pseudonym.{old}.key, "
                "and all sessions get new pseudonyms"
            )
        jsonl.replace(there.with_name(f"pseudonym.{old}.key"), there.read_bytes())
    jsonl.replace(there, key)
    return pseudonyms.key_id(key)


def opened(path: Path, passphrase: str) -> bytes:
    """The key in an exported file."""
    from cryptography.exceptions import InvalidTag

    try:
        content = jsonl.parse(path.read_bytes())
        salt, nonce, sealed = (base64.b64decode(content[name], validate=True) for name in ("salt", "nonce", "key"))
        if content["format"] != FORMAT:
            raise ValueError
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: no key that `bashgym keys export` wrote") from None
    try:
        key = cipher(passphrase, salt).decrypt(nonce, sealed, FORMAT.encode())
    except InvalidTag:
        raise PrivacyError(f"{path}: the passphrase does not open it, or it was damaged") from None
    if len(key) != pseudonyms.KEY_BYTES:
        raise InputError(f"{path}: no key that `bashgym keys export` wrote")
    return key


def cipher(passphrase: str, salt: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return AESGCM(Scrypt(salt=salt, length=32, n=COST, r=8, p=1).derive(passphrase.encode("utf-8", "surrogatepass")))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
