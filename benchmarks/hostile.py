"""Strings that break sanitizers, for benchmarks/sanitizer.py."""

import random
import string
from collections.abc import Callable


def token(source: random.Random, length: int) -> str:
    return "".join(source.choices(string.ascii_letters + string.digits, k=length))


def hostile(size: int, seed: int = 1) -> dict[str, str]:
    """Strings that break sanitizers: the kinds known to, and our own; none is the same with another seed, since what
    was seen before is remembered."""
    repeated = dict(
        line.split(" = ", 1)
        for line in r"""a. = a.
a@ = a@
ab: = ab:
home folders of nobody = /home/
PEM headers = -----BEGIN PRIVATE KEY-----
eyJ = eyJ
eyJ with dots = eyJaaaaaaaaa.
one letter = a
one digit = 1
digits and dashes = 1-
quotes = "
names in quotes = password="
names = password=
options of commands =  --key
URLs = a://b:
Base64 = QUFB
seed words = abandon 
underscores = a_
backslashes = \
escapes = \n
percent = %41
one phone number = +1 415 555 0132 
a manifest = kind: secret data: a: AAAAAAAA 
brackets = {"a":
pseudonyms = A_aaaaaaaaaaaa""".splitlines()
    )
    repeated |= {"colours": "\x1b[3", "zero width": "a\u200b", "NULs": "\0", "blanks": " "}
    made = {name: f"{seed}\n{piece * (size // len(piece) + 1)}"[:size] for name, piece in repeated.items()}
    source = random.Random(seed)
    patterns: dict[str, Callable[[], str]] = {
        "phone numbers": lambda: f"+1 415 {source.randint(200, 999)} {source.randint(1000, 9999)} ",
        "addresses": lambda: ".".join(str(source.randint(11, 250)) for _ in range(4)) + " ",
        "mail addresses": lambda: f"{token(source, 6)}@{token(source, 5).lower()}.io ",
        "home folders": lambda: f"/home/{token(source, 7).lower()}/ ",
        "tokens": lambda: token(source, 32) + " ",
        "passwords": lambda: f'password="{token(source, 12)}" ',
        "cards": lambda: f"4{''.join(source.choices(string.digits, k=15))} ",
    }
    for name, piece in patterns.items():
        made[name] = "".join(piece() for _ in range(size // len(piece()) + 1))[:size]
    return made
