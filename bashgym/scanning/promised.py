"""A value where a sentence, a command or a table promises a secret: is it one? Words, numbers, names of things are not.

Stricter than for an assignment (secret_values.py): `the token is invalid`, `set key to value` promise as well."""

import re

from bashgym.scanning.secret_values import (
    CODE,
    DIGIT,
    HEX,
    LITERAL,
    NUMBER,
    STRONG,
    UUID,
    identifier,
    numbered,
    placeholder,
    random,
)

SHORTEST = 6
MIXED = 8  # characters from which on letters with digits or marks are no word
LONGEST = 512
CODE_BITS = 2.0  # more bits per character than a random value has to cost, where marks of code are in it
LETTER = re.compile(r"[^\W\d_]")
MARKS = re.compile(r"[!#$%^&*?~@+]")
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
TERM = re.compile(  # names of standards, tools and versions
    r"(?:utf|sha|md|base|aes|rsa|[rhep]s|ed|x|oauth|http|ipv|argon|b?s?crypt|pbkdf|ecdsa|v|py(?:thon)?|node|web|auth"
    r"|id|step|test|token|key|password|user|line|room|part|type|level|version|item|value|secret)[-_ ]?\d{1,4}"
    r"(?:[-_./][a-z0-9]+)*",
    re.IGNORECASE,
)
PLACE = re.compile(r"[~.]{0,2}/|[A-Za-z]:\\|[a-z]{2,12}://|-")
FILE = re.compile(r"\.[a-z]{1,5}(?::\d+)?$")


def likely(value: str, bits: float) -> bool:
    """Whether `value` is a secret, given that one was promised; `bits` per character is what counts as random."""
    if not SHORTEST <= len(value) <= LONGEST or placeholder(value) or NUMBER.fullmatch(value):
        return False
    if HEX.fullmatch(value) or UUID.fullmatch(value) or numbered(value):
        return True
    if (NAME.fullmatch(value) and identifier(value)) or (
        STRONG.search(value) and not DIGIT.search(value)
    ):  # the name of another name
        return False
    if PLACE.match(value) or TERM.fullmatch(value) or len(value) < MIXED:
        return False
    if random(value, bits + CODE_BITS) and (LITERAL.search(value) or not identifier(value)):
        return True
    if CODE.search(value) or FILE.search(value):
        return False
    return mixture(value) or (random(value, bits) and not identifier(value))


def mixture(value: str) -> bool:
    """Letters with digits or marks, as people make passwords: `Tulip_lantern4711!`."""
    if not LETTER.search(value):
        return False
    digits = len(DIGIT.findall(value))
    return digits >= 2 or (digits == 1 and bool(MARKS.search(value)))


def given(value: str) -> bool:
    """Whether what a command's option for passwords is given is one, and no variable, file or port."""
    if len(value) < 4 or placeholder(value) or NUMBER.fullmatch(value):
        return False
    return value[0] not in "-$<{%/@(\\&|" and not value.endswith(("/tcp", "/udp"))
