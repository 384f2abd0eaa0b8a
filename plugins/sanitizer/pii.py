"""Mail addresses, phone numbers, cards, bank accounts, addresses of machines: proposed by rules, proven by presidio.

Presidio over whole transcripts does 0.15 MB a second and eats code; here linear rules (conf/sanitizer/rules/pii.yaml)
propose short windows, and the one recognizer that can prove the value (a check digit, a numbering plan, a domain)
looks at each. Names of persons need a language model and are not found here; sanitizer.identity knows some."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.kinds import ScanContext
from bashgym.paths import shipped
from bashgym.records import Span
from bashgym.scanning.phones import number_in
from bashgym.scanning.presidio import some, versions
from bashgym.scanning.rules import Match, RuleScanner
from bashgym.scanning.text import copies

RECOGNIZERS = (
    "generic.email_recognizer.EmailRecognizer",
    "generic.credit_card_recognizer.CreditCardRecognizer",
    "generic.iban_recognizer.IbanRecognizer",
    "generic.mac_recognizer.MacAddressRecognizer",
    "generic.crypto_recognizer.CryptoRecognizer",
    "country_specific.us.us_ssn_recognizer.UsSsnRecognizer",
    "country_specific.us.us_itin_recognizer.UsItinRecognizer",
    "country_specific.us.aba_routing_recognizer.AbaRoutingRecognizer",
    "country_specific.us.medical_license_recognizer.MedicalLicenseRecognizer",
)
# Countries whose numbers are known without a +; more take more numbers for phones
REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "IL", "IN", "CN", "AU", "CA", "BR")
PHONES = {"international": ("US",), "american": ("US", "CA"), "local": REGIONS}
PUBLIC_MAIL = re.compile(  # nobody's address: reserved names (RFC 2606), roles of machines, placeholders
    r"(?:.+@(?:[\w-]+\.)*(?:example\.(?:com|net|org|edu)|[\w-]+\.(?:example|test|invalid|localhost|local))"
    r"|(?:no-?reply|do-?not-?reply|git|noreply\+.*|bot|mailer-daemon)@.+"
    r"|.+@(?:users\.noreply\.github\.com|sentry\.io|(?:test|domain|email|company|yourdomain|mycompany|foo|bar)\.(?:com|org))"
    r"|(?:github-)?actions?@github\.com|[a-z]@[a-z]\.(?:com|org|net|io)"
    r"|(?:you|your[._-]?(?:name|email|mail)|john\.?doe|jane\.?doe)@.+)",
    re.IGNORECASE,
)
RESOLVERS = "8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 208.67.222.222 2001:4860:4860::8888 2606:4700:4700::1111"
PUBLIC_ADDRESSES = frozenset(RESOLVERS.split(" "))  # they stand in every second configuration
VERSION = re.compile(
    r"(?:version|ver|release|build|tag|[=<>~^]=|[a-z0-9_]/v?|\bv|[a-z]-)[\s\"'(:=]{0,4}$", re.IGNORECASE
)
NO_PHONE = re.compile(  # a difference, a measure, an address, a date
    r"\+\d{4,}\.\d.*|\d{1,3}(?:\.\d{1,3}){3}|\d{4}-\d\d-\d\d(?:[ -]\d{1,2})?"
)
MORE = re.compile(r"\.\d|\w|\.in-addr")
ADDRESS_WORDS = re.compile(
    r"\bip|addr|host|server|client|ssh|ping|curl|dns|login|from|peer|route|proxy|://|@|[0-9]:[0-9]|/[0-9]{1,2}\b", re.I
)
DOCUMENTED_HARDWARE = ("00:00:5e:00:53:", "01:00:5e:90:10:")  # RFC 7042
HARDWARE_WORDS = re.compile(r"\bmacs?\b|ether|hwaddr|bssid|lladdr|physical", re.IGNORECASE)
CARD_GROUPS = re.compile(r"\d+|\d{4}([ -])(?:\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|\d{6}\1\d{4,5})")
CARD_WORDS = re.compile(r"card|visa|master|amex|payment|\bcc\b|\bpan\b", re.IGNORECASE)


class Sanitizer:
    """Finds personal data that has a form; `Config` can switch kinds off."""

    class Config(BaseConfig):
        skip: list[str] = Field(default=[])
        """Types that stay: of EMAIL, PHONE, SSN, TAX_ID, CARD, IBAN, BANK_ROUTING, IP, MAC, WALLET, MEDICAL_LICENSE."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.rules = RuleScanner(shipped("conf") / "sanitizer" / "rules" / "pii.yaml", builtins=False)
        self.proofs = proofs()
        self.recognized = lru_cache(16384)(self.recognize)  # a session shows the same addresses again and again

    def engine(self) -> str:
        return f"{self.rules.engine()} {versions()} phonenumbers {version('phonenumbers')}"

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        """A key goes before its string (`ssn: 219099998`): it is the word that says what a number is."""
        keys = context.keys or [""] * len(strings)
        heads = [f"{key}: " if key else "" for key in keys]
        seen = copies(strings, context)
        texts = [head + copy.text if head else copy.text for head, copy in zip(heads, seen, strict=True)]
        for match in self.rules.find(texts):
            _, type, name = match.rule.split(".")
            if type.upper() in self.config.skip:
                continue
            head = len(heads[match.string])
            for start, end in self.proven(name, texts[match.string], match):
                if start >= head:
                    first, last = seen[match.string].back(start - head, end - head)
                    yield Span(index=match.string, start=first, end=last, type=type.upper(), rule=match.rule)

    def proven(self, name: str, text: str, match: Match) -> Iterator[tuple[int, int]]:
        """The parts of a candidate that its validator stands by, as ranges of `text`."""
        judge = JUDGES.get(name)
        if judge and not judge(text, match.start, match.end):
            return
        for start, end in self.recognized(name, text[match.start : match.end]):
            yield match.start + start, match.start + end

    def recognize(self, name: str, value: str) -> list[tuple[int, int]]:
        """What of a candidate is proven and somebody's."""
        if name in PHONES:
            number = None if NO_PHONE.fullmatch(value) else number_in(value, PHONES[name])
            return [number] if number else []
        if name in ("ip", "ip6"):  # presidio asks the same module, after five expressions
            return [(0, len(value))] if value not in PUBLIC_ADDRESSES and routed(value) else []
        if name not in self.proofs:
            return [(0, len(value))]
        found = (trimmed(name, value, *place) for place in self.proofs[name].places(value))
        return [(start, end) for start, end in found if start < end and not allowed(name, value[start:end])]


class Proof:
    """A recognizer of presidio: its patterns and its check digits, without the frame around them.

    With `shorter`, a match may end with any group of the pattern: what follows a bank account may be a word."""

    def __init__(self, recognizer: Any, least: float, shorter: bool = False) -> None:
        import regex

        self.recognizer, self.least, self.shorter = recognizer, least, shorter
        flags = recognizer.global_regex_flags
        self.patterns = [(regex.compile(each.regex, flags), each.score) for each in recognizer.patterns]

    def places(self, value: str) -> Iterator[tuple[int, int]]:
        """Where in a short text something is that the recognizer gives at least the least score."""
        for pattern, score in self.patterns:
            for match in pattern.finditer(value, timeout=1):
                groups = range(match.re.groups, 0, -1) if self.shorter else (0,)
                ends = (match.end(group) for group in groups if match.end(group) > match.start())
                end = next((end for end in ends if self.score(value[match.start() : end], score) >= self.least), 0)
                if end:
                    yield match.start(), end

    def score(self, value: str, score: float) -> float:
        valid = self.recognizer.validate_result(value)
        if valid is not None:
            score = 1.0 if valid else 0.0
        return 0.0 if self.recognizer.invalidate_result(value) else score


def proofs() -> dict[str, Proof]:
    """Validator name -> presidio's recognizer with the least score that counts; nothing here goes online."""
    known = some(*RECOGNIZERS)
    ssn = known.UsSsnRecognizer()
    return {
        "email": Proof(known.EmailRecognizer(), 0.5),
        "ssn": Proof(ssn, 0.5),
        "ssn_named": Proof(ssn, 0.05),
        "itin": Proof(known.UsItinRecognizer(), 0.5),
        "card": Proof(known.CreditCardRecognizer(), 0.5),
        "iban": Proof(known.IbanRecognizer(), 0.5, shorter=True),
        "aba": Proof(known.AbaRoutingRecognizer(), 0.3),
        "mac": Proof(known.MacAddressRecognizer(), 0.5),
        "crypto": Proof(known.CryptoRecognizer(), 0.5),
        "medical": Proof(known.MedicalLicenseRecognizer(), 0.4),
    }


def trimmed(name: str, text: str, start: int, end: int) -> tuple[int, int]:
    """A mail address less what is glued before it: `cc=ana@...`, `mailto:ana@...`, `a/b/ana@...`."""
    if name == "email":
        local = text[start:end].split("@", 1)[0]
        start += max(local.rfind(mark) for mark in "=:/`'\"{|") + 1 if not re.fullmatch(r"[\w.+'-]+", local) else 0
    return start, end


def allowed(name: str, value: str) -> bool:
    """Nobody's in particular: the whole value, never a part of it, is on a public list."""
    return name == "email" and bool(PUBLIC_MAIL.fullmatch(value))


def routed(value: str) -> bool:
    """An address of the public internet (not private, loopback, documentation: RFC 1918, 5737, 3849)."""
    try:
        address = ipaddress.ip_address(value.split("%")[0])
        return address.is_global and not address.is_multicast
    except ValueError:
        return False


def no_version(text: str, start: int, end: int) -> bool:
    """`torch==2.13.0.1`, `version 1.2.3.4`, section 8.2.4.44 and 1.2.3.4.5 look like addresses and are none."""
    if VERSION.search(text[max(0, start - 16) : start]) or MORE.match(text, end):
        return False
    parts = text[start:end].split(".")
    section = int(parts[0]) < 10 and max(map(int, parts)) < 65 and sum(len(part) == 1 for part in parts) >= 2
    return not section or bool(ADDRESS_WORDS.search(text[max(0, start - 40) : end + 8]))


def real_card(text: str, start: int, end: int) -> bool:
    """Sixteen digits from 1 on are microseconds since 1970 unless a word says card; in other groups than cards have,
    digits are a part of an id: `39119960-1389-4093-9b3e-...`."""
    if not CARD_GROUPS.fullmatch(text[start:end]):
        return False
    digits = re.sub(r"\D", "", text[start:end])
    return not (digits[0] in "12" and len(digits) != 15) or bool(CARD_WORDS.search(text[max(0, start - 40) : start]))


def real_hardware(text: str, start: int, end: int) -> bool:
    """Not a time in disguise, not broadcast or all zero."""
    value = text[start:end].lower()
    if value.replace("-", ":").startswith(DOCUMENTED_HARDWARE):
        return False
    named = HARDWARE_WORDS.search(text[max(0, start - 32) : start])
    return len(set(value)) > 2 and bool(named or "-" in value or re.search(r"[a-f]", value))


def real_wallet(text: str, start: int, end: int) -> bool:
    return len(set(text[start + 2 : end].lower())) > 4  # 0x000...0, 0xdead...beef padded


def apart(text: str, start: int, end: int) -> bool:
    """Digits that stand for themselves: not those of `call user4711@...`."""
    return not (text[start - 1 : start].isalnum() or text[start - 1 : start] in ("_", "@", "/")) and text[
        end : end + 1
    ] not in ("@", "_")


JUDGES: dict[str, Callable[[str, int, int], bool]] = {
    "ip": no_version,
    "local": apart,
    "card": real_card,
    "mac": real_hardware,
    "ethereum": real_wallet,
}
