"""Private keys in PEM, and the files of service accounts around them; linear in the text."""

import re
from collections.abc import Iterator

Key = tuple[int, int, str, str]  # start, end, type, rule
PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|SECRET KEY)[A-Z ]{0,10}-----")
PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,50}-----")
PEM_BODY = re.compile(r"[A-Za-z0-9+/]{16}")
PEM_HEAD = 600  # characters from the header to the first line of the key: Proc-Type, DEK-Info, a comment
PEM_TEXT = re.compile(r"(?:[\s\d→|:\\,.-]|[A-Za-z0-9+/=]{16,}|[A-Za-z0-9+/]{1,80}={1,2})+")
PEM_LONGEST = 32768  # characters; an RSA key of 16384 bits has 13 000
KEY_FILE = 4096  # characters before and after the private key in the file of a service account


def private_keys(text: str) -> Iterator[Key]:
    """PEM blocks, also numbered by `cat -n`, on one line, or cut off before their end."""
    at = 0
    while begin := PEM.search(text, at):
        if not PEM_BODY.search(text, begin.end(), begin.end() + PEM_HEAD):  # code that speaks of keys
            at = begin.end()
            continue
        end = PEM_END.search(text, begin.end(), begin.end() + PEM_LONGEST)
        nested = PEM.search(text, begin.end(), end.end() if end else begin.end() + PEM_LONGEST)
        if end and not nested:
            last = end.end()
        else:  # a key that was cut off: what looks like its body
            body = PEM_TEXT.match(text, begin.end(), nested.start() if nested else begin.end() + PEM_LONGEST)
            last = body.end() if body else begin.end()
        yield begin.start(), last, "PRIVATE_KEY", "pem"
        if "service_account" in text:
            yield from key_file(text, begin.start(), last)
        at = last


def key_file(text: str, start: int, end: int) -> Iterator[Key]:
    """The JSON file of a service account around its private key: everything in it belongs to the credential."""
    first, last = text.rfind("{", max(0, start - KEY_FILE), start), text.find("}", end, end + KEY_FILE)
    if 0 <= first < last and "service_account" in text[first:last]:
        yield first, last + 1, "CREDENTIALS", "key_file"
