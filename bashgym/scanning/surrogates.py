"""Pseudonyms that look like what they stand for, so that code which parses them still runs: `style: surrogate`.

They lie where nobody is: example.com (RFC 2606), the networks of RFC 5737 and 3849, MAC addresses of RFC 7042,
social security numbers and check digits that are never given, North American numbers without an area code. That is
also how sanitizers know them again. Made from a keyed hash, as all pseudonyms are: the same value is the same
surrogate everywhere. Where the space is small (762 IPv4 addresses, 256 MAC addresses, 10 000 phone numbers) two
values may share one; who needs to tell them apart takes the other style. What has no such space (secrets, logins,
names) gets its pseudonym."""

import hashlib
import ipaddress
from collections.abc import Callable

from bashgym.pseudonyms import pseudonym

NETWORKS = ("192.0.2.0", "198.51.100.0", "203.0.113.0")
HOSTS = 254  # of each of them


def surrogate(key: bytes, type: str, value: str) -> str:
    """What stands for `value` from now on; its pseudonym where its type has no surrogate."""
    make = MAKERS.get(type)
    if make is None:
        return pseudonym(key, type, value)
    data = f"{type}|{value}".encode("utf-8", "surrogatepass")
    return make(int.from_bytes(hashlib.blake2s(data, key=key, person=b"surrogat").digest()[:8], "big"), value)


def email(number: int, value: str) -> str:
    return f"user{number % 10**12}@example.com"


def host(number: int, value: str) -> str:
    return f"host{number % 10**9}.example.com"


def ip(number: int, value: str) -> str:
    if ":" in value:
        return str(ipaddress.IPv6Address((0x20010DB8 << 96) | number | 1))
    network = NETWORKS[number % len(NETWORKS)]
    return str(ipaddress.IPv4Address(network) + 1 + number // len(NETWORKS) % HOSTS)


def phone(number: int, value: str) -> str:
    return f"+1-555-{number % 10**4:04d}"


def mac(number: int, value: str) -> str:
    return f"00:00:5e:00:53:{number % 256:02x}"


def ssn(number: int, value: str) -> str:
    return f"000-{number % 99 + 1:02d}-{number // 99 % 9999 + 1:04d}"


def card(number: int, value: str) -> str:
    """A number of Visa's length with the wrong check digit."""
    digits = f"400000{number % 10**9:09d}"
    doubled = [int(digit) * (2 - at % 2) for at, digit in enumerate(digits)]
    right = -sum(each // 10 + each % 10 for each in doubled) % 10
    return f"{digits}{(right + 5) % 10}"


def iban(number: int, value: str) -> str:
    """In the country of `value`; check digits are never 00."""
    return f"{value[:2].upper()}00{number % 10**18:018d}"


MAKERS: dict[str, Callable[[int, str], str]] = {
    "EMAIL": email, "HOST": host, "IP": ip, "PHONE": phone, "MAC": mac, "SSN": ssn, "CARD": card, "IBAN": iban,
}  # fmt: skip
