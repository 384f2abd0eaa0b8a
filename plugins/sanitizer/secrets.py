"""Keys, tokens, passwords, private keys and seed phrases: known shapes, telling names, and sheer improbability.

Three nets, each for what the others let through: kingfisher's rules and ours (conf/sanitizer/rules/secrets.yaml) for
known providers and places; names such as `db_password` before a value or as its JSON key; a trigram model for
tokens of providers nobody wrote a rule for. Nothing is ever checked against a provider: scanning stays offline."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.kinds import ScanContext
from bashgym.paths import shipped
from bashgym.pseudonyms import digest, load_key
from bashgym.records import Span
from bashgym.scanning import improbable, layouts, machine, rule_files
from bashgym.scanning.harmless import checksum, harmless, path_like
from bashgym.scanning.known_values import KnownValues
from bashgym.scanning.private_keys import PEM_BODY, private_keys
from bashgym.scanning.promised import given, likely
from bashgym.scanning.rules import Match, RuleScanner
from bashgym.scanning.secret_values import (
    DIGIT,
    LETTERS_ONLY,
    OUTCOME,
    PASSWORD,
    STRONG,
    WEAK,
    decoded,
    identifier,
    name_before,
    passphrase,
    placeholder,
    secretlike,
    web_tokens,
)
from bashgym.scanning.seeds import seed_phrases
from bashgym.scanning.text import MASK, Copy, Joined, copies

STAND_IN_TAIL = re.compile(r"[A-Za-z0-9]{1,12}[_.-](?:.{0,12}[_.-])?(.)\1+")  # hf_xxxxxxxx
SETTING = re.compile(r"(?:[\s\d→|+-]|export\s|set\s|env\s|ENV\s|ARG\s|\$env:)*[\w.\"'-]+\s*[:=]{1,3}>?\s*$")
SIGNATURE = re.compile(
    r"^(?:thought_?)?signatures?$|^encrypted_content$", re.I
)  # sealed by the model's maker: unreadable
COLUMN = "bashgym.layout.column"
COOKIES = {"bashgym.layout.cookies": layouts.cookies, "bashgym.layout.cookie_list": layouts.cookie_list}
NAMED = frozenset(["QUOTED", "QUOTED_ONCE", "BARE", "ELEMENT", "OPTION", "NAMED_VALUE", "MACRO", "ENTITY", "BELOW"])
GIVEN = frozenset(["COMMAND", "FLAG", "PART", "PIPED", "HERE"])  # options that hold nothing but passwords
SENTENCES = frozenset(["SAID", "SAID_ABROAD", "SAID_SHORTLY", "SAID_MARKED"])
PROMISED = SENTENCES | {
    "POSITIONAL", "VALUE_NAMED", "PGPASS", "SETTING", "WITH", "SLASH", "PAIR", "CALL", "LOGIN", "HOOK"
}  # fmt: skip
MARKS = "„“«"  # SAID_MARKED finds what follows them
OF_PASSWORDS = frozenset(["POSITIONAL", "PGPASS", "SLASH", "LOGIN"])  # of those, what holds nothing else
STATE = 4096  # characters of a state of Terraform that are one resource
SCHEME = re.compile(r"(?:bearer|basic|token)\s{1,3}", re.I)
CERTAIN = 10.0  # bits per character from which on no name is made of words
BLOB = 400  # characters: no credential of any provider we know is longer without a shape of its own


class Sanitizer:
    """Finds secrets; `Config` says how bold it is."""

    class Config(BaseConfig):
        improbability: float = Field(default=6.75, gt=0)
        """Bits per character above which a token is taken for a secret: words cost 2 to 4, random tokens 8 to 14. Lower
        finds more and eats more code."""
        improbability_named: float = Field(default=5.5, gt=0)
        """The same for a value whose name promises a secret (token, key, password)."""
        shortest: int = Field(default=16, ge=8)
        """Characters a token needs to be judged by improbability alone."""
        providers: bool = True
        """Also use the rules that know providers by name: kingfisher's own and conf/sanitizer/rules/providers.yaml."""
        least_rules: int = Field(default=480, ge=0)
        """Rules the engine has to have with `providers`; with fewer (an older one, another build) the run stops."""
        machine: bool = True
        """Also look for the secrets this machine has: of its environment, of `.env` files in and above the folders that
        a session names, of netrc, AWS, git, npm, PyPI, GitHub. They are read into memory only."""
        rules: list[str] = Field(default=[])
        """Names of your team's rule files, in kingfisher's YAML format: conf/sanitizer/rules/NAME.yaml in the project
        or in a pack, found as recipes are."""

    def __init__(self, config: Config) -> None:
        self.config = config
        folder = shipped("conf") / "sanitizer" / "rules"
        least = config.least_rules if config.providers else 0
        names = ["secrets", "places", *(["providers"] if config.providers else [])]
        teams = [rule_files.named(name) for name in config.rules]
        self.types = {rule: type for path in teams for rule, type in rule_files.types(path).items()}
        files = [*(folder / f"{name}.yaml" for name in names), *teams]
        self.rules = RuleScanner(*files, builtins=config.providers, least=least)
        for path in teams:
            rule_files.prove(path, self.rules)
        self.here = machine.here() if config.machine else []
        self.known, self.skipped = machine.known(self.here)

    def engine(self) -> str:
        known = digest(load_key(), "\n".join(sorted(self.known))) if self.known else "none"
        return f"{self.rules.engine()} trigrams {improbable.digest()} known {known}"

    def of_session(self, context: ScanContext) -> KnownValues:
        """The values known for a session: the machine's and those of the projects that the session names."""
        if "known" not in context.memory:
            files = machine.project_files(context.strings) if self.config.machine else []
            context.memory["known"] = KnownValues(machine.known([*self.here, *machine.of_files(files)]).types)
        known: KnownValues = context.memory["known"]
        return known

    def find(self, strings: Sequence[str], context: ScanContext) -> Iterable[Span]:
        seen = copies(strings, context)
        keyed = [(index, strings[index], key) for index, key in enumerate(context.keys) if key]
        sealed = [(index, text) for index, text, key in keyed if " " not in text and SIGNATURE.search(key)]
        yield from (Span(index=index, start=0, end=len(text), type="SIGNATURE", rule="key") for index, text in sealed)
        for span in self.look([copy.text for copy in seen], self.of_session(context)):
            yield placed(span, seen[span.index])
        for index, text, key in keyed:  # last: of spans of equal length the first names the type
            if self.named(key, text):
                yield Span(index=index, start=0, end=len(text), type=type_of_name(key), rule="key")

    def named(self, key: str, text: str) -> bool:
        """Whether a whole string is a secret because of the JSON key it is the value of."""
        if OUTCOME.search(key):
            return False
        if PASSWORD.search(key) and text.strip() and not placeholder(text.strip()):
            return True
        promised = STRONG.search(key) or WEAK.search(key)
        value = SCHEME.sub("", text.strip())
        return bool(promised) and secretlike(key, value, True, self.config.improbability_named)

    def look(self, texts: Sequence[str], known: KnownValues, depth: int = 2) -> Iterator[Span]:
        """Everything found in `texts`; Base64 that holds text is looked into, `depth` layers."""
        headers: dict[int, list[int]] = {}
        for match in self.rules.find(texts):
            if match.rule == COLUMN:
                headers.setdefault(match.string, []).append(match.start)
            else:
                yield from self.judged(match, texts[match.string])
        wrapped: list[tuple[Span, str]] = []
        joined = Joined(texts)
        yield from self.laid_out(texts, headers, joined.text)
        for start, end, value in known.find(joined.text):
            index, offset = joined.place(start)
            yield Span(index=index, start=start - offset, end=end - offset, type=known.types[value], rule="machine")
        for index, start, end in seed_phrases(joined):
            yield Span(index=index, start=start, end=end, type="SEED_PHRASE", rule="words")
        for index, text in enumerate(texts if "-----BEGIN" in joined.text else ()):
            if "-----BEGIN" in text:
                yield from (
                    Span(index=index, start=start, end=end, type=type, rule=rule)
                    for start, end, type, rule in private_keys(text)
                )
        for start, end in web_tokens(joined.text):
            index, offset = joined.place(start)
            yield Span(index=index, start=start - offset, end=end - offset, type="TOKEN", rule="jwt")
        for span, inner in self.improbable(texts, joined):
            if inner is None:
                yield span
            else:
                wrapped.append((span, inner))
        if wrapped and depth:
            guilty = {span.index for span in self.look([inner for _, inner in wrapped], known, depth - 1)}
            yield from (wrapped[index][0] for index in sorted(guilty))

    def laid_out(self, texts: Sequence[str], headers: Mapping[int, list[int]], together: str) -> Iterator[Span]:
        """What manifests, tables and statements of SQL say is secret; `headers` are columns called so, by text."""
        bits = self.config.improbability_named
        told = layouts.may_be(together)
        for index in range(len(texts)) if told else sorted(headers):
            text = texts[index]
            places = [*layouts.kubernetes(text), *layouts.inserted(text, bits)] if told else []
            places += layouts.columns(text, headers.get(index, ()), bits)
            yield from (Span(index=index, start=a, end=b, type="TOKEN", rule="layout") for a, b in places)

    def judged(self, match: Match, text: str) -> Iterator[Span]:
        """A match of a rule as spans, unless a rule of ours hit something that is no secret."""
        value, type, rule, end = text[match.start : match.end], "API_KEY", match.rule, match.end
        bits = self.config.improbability_named
        if not value.strip(MASK):
            return
        if rule in COOKIES:
            for first, last in COOKIES[rule](text, match.start, end, bits):
                yield Span(index=match.string, start=first, end=last, type="TOKEN", rule=rule)
            return
        if rule.startswith("bashgym."):
            _, type, name = rule.upper().split(".", 2)
            if not self.believed(name, value, text, match.start):
                return
            if type == "SECRET":
                type = type_of_name(name_before(text, match.start))
            if name in NAMED:
                end = layouts.continued(text, end, bits)
        elif placeholder(value):
            return
        elif rule in self.types:
            type = self.types[rule]
        elif "private-key" in rule:
            if not PEM_BODY.search(value):
                return
            type = "PRIVATE_KEY"
        yield Span(index=match.string, start=match.start, end=end, type=type, rule=rule)

    def believed(self, name: str, value: str, text: str, start: int) -> bool:
        """Whether the value that rule `name` points at is a secret."""
        bits = self.config.improbability_named
        if name in GIVEN:
            return given(value)
        if name in PROMISED:
            if name == "SAID" and value[0] in MARKS:
                return False
            named = "password" if name in OF_PASSWORDS else name_before(text, start)
            return likely(value, bits) or passphrase(named, value)
        if name == "RESULT":
            return "random_password" in text[max(0, start - STATE) : start] and not placeholder(value)
        if name in NAMED:
            bare = name == "BARE"
            if bare and text[start + len(value) : start + len(value) + 1] == "(":  # a call
                return False
            return secretlike(
                name_before(text, start), value, not bare, bits, not bare or whole_line(text, start, value)
            )
        if name == "QUERY":
            return not placeholder(value) and (len(value) >= 16 or secretlike("token", value, True, bits))
        if name == "SCHEME":
            return not placeholder(value) and (improbable.cost(value) > bits or decoded(value) is not None)
        if name == "AUTHORIZATION":
            return not placeholder(value) and value[0] not in "{<$%[" and bool(DIGIT.search(value) or len(value) > 20)
        if name == "HEX_TAIL":
            return not harmless(value) and not value.lower().startswith(("commit", "rev", "uuid", "layer", "0x"))
        if name == "SELF_NAMED":
            return any(len(part) >= 12 and not part.islower() and not part.isdigit() for part in value.split("-"))
        if name == "PROVIDER":  # a key of this length is believed to be one, however its letters look
            hashed = checksum(text[max(0, start - 160) : start])
            return not hashed and not STAND_IN_TAIL.fullmatch(value) and len(DIGIT.findall(value)) >= 2
        if name == "HEX_ID":
            return True
        if name == "URL":
            return not placeholder(value.split(":", 1)[1].rsplit("@", 1)[0])
        return not placeholder(value)

    def improbable(self, texts: Sequence[str], joined: Joined) -> Iterator[tuple[Span, str | None]]:
        """Tokens too unlikely to be words, each with the text inside it where it is Base64 of text."""
        for index, (start, end, bits) in improbable.all_tokens(joined, self.config.shortest, self.config.improbability):
            value = texts[index][start:end]
            if bits < self.config.improbability + LETTERS_ONLY and not DIGIT.search(value):
                continue
            if "/" in value and path_like(value):  # judged by its pieces
                continue
            if bits < CERTAIN and identifier(value):
                continue
            if harmless(value) or checksum(texts[index][max(0, start - 160) : start]):
                continue
            end += len(texts[index][end : end + 3]) - len(texts[index][end : end + 3].lstrip("="))  # padding
            type = "BLOB" if len(value) >= BLOB else "TOKEN"
            yield Span(index=index, start=start, end=end, type=type, rule="improbable"), decoded(value)


def whole_line(text: str, start: int, value: str) -> bool:
    """Whether a line holds a name and this value only, as files of settings do."""
    before = text[text.rfind("\n", 0, start) + 1 : start]
    after = text[start + len(value) : start + len(value) + 2].lstrip(" \t,;\"'")[:1]
    return after in ("", "\n", "\r", "#") and len(before) < 200 and bool(SETTING.match(before))


def type_of_name(name: str) -> str:
    if PASSWORD.search(name) and not name.lower().endswith("secret"):
        return "PASSWORD"
    found = STRONG.search(name)
    return "API_KEY" if found and found[0].lower().endswith("key") else "TOKEN"


def placed(span: Span, copy: Copy) -> Span:
    """A span of the copy as one of the string that the copy was made of."""
    start, end = copy.back(span.start, span.end)
    return Span(index=span.index, start=start, end=end, type=span.type, rule=span.rule)
