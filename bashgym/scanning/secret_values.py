"""Is what stands where a secret would stand a secret? Names that promise one, and values that keep the promise."""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from operator import sub

from bashgym.scanning.improbable import cost

LETTERS = re.compile(r"[A-Za-z]+")
BLANK_CHARACTERS = str.maketrans("\r\n\t", "   ")
SPACE = re.compile(r"\s")
DIGIT = re.compile(r"[0-9]")
LETTERS_ONLY = 1.75  # bits per character more than a token with digits has to cost
NATURAL = 5.5  # bits per character up to which a value is made of words
LONGEST_PLACEHOLDER = 256
NAME_LENGTH = 12  # characters; what is longer in an expression and not made of words is no name of code
FILLER = 128  # characters that tell whether a value counts up
LONGEST_IDENTIFIER = 96
WORD_LENGTH = 2.6  # letters a hump of a name has on average, at least; of random letters it has two
WORD_BITS = 7.0  # what such a hump may cost a letter
CHUNKS = re.compile(r"[^A-Za-z0-9]+")
GROUPS = re.compile(r"[A-Za-z]+|[0-9]+")
CAMEL = re.compile(r"[A-Za-z]?[a-z]{3,}[A-Z][a-z]{2,}[A-Za-z0-9]*$")
HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
WEB_PART = re.compile(r"[\w-]*+", re.ASCII)
WEB_TOKEN = re.compile(r"eyJ[\w-]{8,8192}+\.eyJ[\w-]{8,32768}+(?:\.[\w-]{0,8192}+)?", re.ASCII)
PREFIX = re.compile(r"[A-Za-z0-9_]+$")
FEW_DIGITS = 4  # of a placeholder; hexadecimal has more

PASSWORD = re.compile(r"pass(?:word|wd|phrase|code|wort)?\d*$|pwd\d*$|secret\d*$|\bps[kw]$|\bpw$", re.I)
STRONG = re.compile(
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|api[_.-]?key|credential|mnemonic|seed[_.-]?phrase|bearer|authorization"
    r"|(?:access|account|auth|app|admin|client|consumer|crypto|encryption|license|master|private|service|session|sdk"
    r"|shared|signing|storage|subscription|feed)[_.-]?key|(?:client|tenant|app)[_.-]?id|connection[_.-]?string|[_-]pat$"
    r"|cookie|_dsn$|webhook|(?:^|[_.-])pass(?:$|[_.-])|passwort|\bpsk$|\bpw$",
    re.I,
)
OUTCOME = re.compile(r"(?:to|first|second|single|multi|each|test)[_.-]pass$", re.I)  # fail_to_pass: of a test
WEAK = re.compile(r"key|auth|dsn|[_-]pat|sdk|salt", re.I)
ABOUT = re.compile(  # names that speak of a secret without holding it
    r"(?:name|type|url|uri|path|file|field|prefix|suffix|len|length|count|size|header|env|var|regex|pattern|format|method"
    r"|endpoint|expires?|expiry|ttl|limit|index|ids?|usage|policy|label|title|hint|error|required|enabled|s)$",
    re.I,
)
OWN_PASS = re.compile(  # `pass` that is no plural of a word and no pass of a compiler: DB_PASS, smtp.pass, userPass
    r"(?:db|database|sql|pg|postgres|mongo|redis|smtp|imap|e?mail|s?ftp|ssh|user|admin|root|login|auth|account|wifi|vnc"
    r"|proxy|http|api|app|service|svc|ldap|mq|key|keystore|store|sudo|master|vault)[_.-]?pass$|(?-i:[A-Z]_PASS$)",
    re.I,
)
PLACEHOLDER = re.compile(
    r"<[^<>]*>|&lt;.*|\[[^\[\]]*\]|\$[{(].*|\$[A-Za-z_]+|\{.*\}|%\w+%|%\(\w+\)\w|#\{.*\}|@\w+@"
    r"|[\w.-]{0,16}(?:x{5,}|X{5,}|\*{3,}|\.{3,}|…)[\w.-]{0,8}"
    r"|(?=.{16,21}$|.{40}$)[A-Za-z0-9/+]+EXAMPLE(?:KEY)?"  # as the documentation of AWS writes keys
    r"|(?:null|none|nil|true|false|undefined|empty|unset|default|string|password|passwd|secret|token|key|value|user|test|foo|bar|todo)s?"
    r"|(?:process\.env|os\.environ|os\.getenv|env|secrets|vars|config|settings|self|this|props|args|options|request|req)[.\[(].*",
    re.I | re.S,
)
STAND_IN = re.compile(  # words of placeholders; what is random besides is none
    r"^(?:your|my|the|insert|enter|add|put|some|test|fake|dummy|sample|example|demo|mock|replace|change)[ _-]"
    r"|[_ -]here|example|placeholder|change[_-]?me|redacted",
    re.I,
)
OWN_KEY = re.compile(r"[a-z0-9]Key\d*$|[A-Z0-9]_KEY\d*$")  # hubspotKey, HEROKU_KEY
COMMON_KEY = re.compile(
    r"(?:cache|primary|foreign|partition|sort|object|public|row|map|group|idempotency|react|ssh)_?key", re.I
)
BLANKS = frozenset("xX*.-_#0?")
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->)[A-Za-z_$][\w$]*)*")
CODE = re.compile(r"[A-Za-z_$][\w$]*\.[A-Za-z_$]|[?&|]|=[^=]|[\w)]\+\w|::")  # key===t?r.C0.ESC+
LITERAL = re.compile(r"(?<=\w)[!#^*~@%](?=\w)")  # marks that no expression has between names
EXPRESSION = 10.0  # bits per character that even minified code does not cost
NUMBER = re.compile(r"[\d.,:/\s%+-]+")
PHRASE = re.compile(r"[a-z]{3,9}([-_. ])[a-z]{3,9}(?:\1[a-z]{3,9}){2,10}")
FUNCTION_WORDS = frozenset(  # no phrase drawn by chance is a sentence
    """the your this that these must should will would can cannot could may might not and for from with without into has
    have had are was were been does did done enter please type invalid wrong missing required empty must never always
    when where which what while than then only also used user name here""".split()  # noqa: SIM905
)
HEX = re.compile(r"(?:0x)?[0-9a-fA-F]{16,}")
NUMBERED = re.compile(r"(?:[A-Za-z]{3,}[_-])+([A-Za-z]{4,})[0-9]{3,5}")
COUNTED = re.compile(  # what is numbered in code: standards, states, parts of a whole
    r"argon|pbkdf|ecdsa|b?s?crypt|oauth|https?|float|uint|base|python|node|status|code|errors?|level|lines?|page|part|port"
    r"|step|test|case|user|name|item|type|value|version|room|token|key|password|secret|build|model|layer|block|batch|epoch"
    r"|checkpoint|shard|chunk|worker|task|issue|ticket|index|group|image|file|sample|example|host|server|client|year|size"
    r"|width|limit|rows?|cols?|iter|data|temp|func|args?|field|event",
    re.IGNORECASE,
)
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NAME = re.compile(r"[A-Za-z0-9_.-]+")


def name_before(text: str, start: int) -> str:
    """The identifier a value at `start` belongs to: one of the three before it (a type, a call may lie between)."""
    return last_name(text[max(0, start - 96) : start])


@lru_cache(1024)
def last_name(window: str) -> str:
    names = NAME.findall(window)[-3:]
    return next((name for name in reversed(names) if STRONG.search(name) or WEAK.search(name)), "")


def random(value: str, bits: float) -> bool:
    """More than `bits` per character; letters alone need more, since words of other languages and shops cost more."""
    return cost(value) > bits + (0 if DIGIT.search(value) else LETTERS_ONLY)


def identifier(value: str) -> bool:
    """Whether a long token that looks improbable as a whole is made of words after all: `PyLong_FromUInt32`,
    `NPY_CPU_AARCH64`, `antlr4/atn/ATNState`. Of random tokens of 20 letters and digits less than one in 1000 is."""
    if len(value) > LONGEST_IDENTIFIER:
        return False
    chunks = [chunk for chunk in CHUNKS.split(value) if chunk]
    # keys in groups of equal size (ABCDE-FGHIJ-...) are no names
    short = 8 if len(chunks) >= 3 and len({len(chunk) for chunk in chunks}) > 1 else 0
    return all(wordy(chunk, short) for chunk in chunks)


def wordy(chunk: str, short: int) -> bool:
    """Words in camel case, with few short numbers in between; up to `short` characters may be an abbreviation."""
    groups = GROUPS.findall(chunk)
    if len(groups) > 3 or any(group.isdigit() and len(group) > 4 for group in groups):
        return False
    if len(chunk) <= short:
        return True
    words = HUMPS.findall(chunk)
    if len(words) * WORD_LENGTH > max(sum(map(len, words)), WORD_LENGTH):
        return False
    return all(len(word) < 4 or cost(word.lower()) <= WORD_BITS for word in words)


def placeholder(value: str) -> bool:
    """A stand-in, an empty word or a reference: `<your-key>`, `${TOKEN}`, `xxxx`, `None`, `process.env.KEY`."""
    return stands_in(value) if len(value) <= LONGEST_PLACEHOLDER else set(value) <= BLANKS


@lru_cache(16384)  # several rules ask for the same value
def stands_in(value: str) -> bool:
    if set(value) <= BLANKS or PLACEHOLDER.fullmatch(value):
        return True
    if not STAND_IN.search(value):
        return False
    return cost(value) < NATURAL and len(DIGIT.findall(value)) <= FEW_DIGITS


def filler(value: str) -> bool:
    """More than half of it counts up or stands still: `abcdefgh`, `0123456789`, `xxxxxxxx`."""
    codes = value[:FILLER].encode("latin-1", "replace")
    steps = list(map(sub, codes[1:], codes))
    return len(steps) >= 7 and 5 * (steps.count(0) + steps.count(1)) > 3 * len(steps)


def secretlike(name: str, value: str, quoted: bool, bits: float, whole_line: bool = True) -> bool:
    """Whether `value`, assigned to `name`, is a secret; `bits` per character is what counts as random.

    In quotes a plain word is believed to be a password; bare, it is most often code, above all where the line has
    more than the name and the value."""
    if passphrase(name, value):
        return True
    if len(value) < 4 or placeholder(value) or SPACE.search(value):
        return False
    about = tells_about(name)
    owned = bool(OWN_KEY.search(name)) and not COMMON_KEY.search(name)
    strong = (bool(STRONG.search(name)) or owned) and not about
    password = strong and bool(PASSWORD.search(name))
    if NUMBER.fullmatch(value):
        return (password and len(value) >= 6) or (strong and value.isdigit() and len(value) >= 12)
    if HEX.fullmatch(value) or UUID.search(value):
        return strong or bool(STRONG.search(name)) or (len(value) >= 32 and name.isupper() and name.endswith("_ID"))
    if STRONG.search(value) and not value.islower() and not DIGIT.search(value):
        return False  # `authToken`, `CLIENT_SECRET`: the name of another name
    if numbered(value) and STRONG.search(name) and not about:
        return True
    if not quoted and code(name, value, whole_line):
        return False
    if len(value) >= 8 and random(value, bits) and not (len(value) >= 12 and identifier(value) and not password):
        return True
    if owned and not STRONG.search(name) and identifier(value):
        return False  # result_key: "Ipv6Pools"
    return strong and (in_quotes(value, password) if quoted else bare(name, value, password))


def tells_about(name: str) -> bool:
    """Whether a name speaks of a secret without holding it: `token_url`, `password_length`, `fail_to_pass`."""
    return bool(OUTCOME.search(name) or (ABOUT.search(name) and not OWN_PASS.search(name)))


def numbered(value: str) -> bool:
    """Words with a number at their end, as people make passwords (`amber_lantern4711`); nothing that code counts."""
    match = NUMBERED.fullmatch(value)
    return bool(match and not COUNTED.fullmatch(match[1]))


def passphrase(name: str, value: str) -> bool:
    """Four words and more that make no sentence, where a password (no token, no key) is promised: a phrase drawn by
    dice, `amber-lantern-quarry-spruce`."""
    if not PASSWORD.search(name) or name.lower().endswith("secret") or not PHRASE.fullmatch(value):
        return False
    words = re.split(r"[-_. ]", value)
    return FUNCTION_WORDS.isdisjoint(words) and not STRONG.search(value) and len(set(words)) == len(words)


def code(name: str, value: str, whole_line: bool) -> bool:
    """Whether a bare value is an expression: `key===t?r.C0.ESC+`, `auto secret = kSecrets + 1`."""
    if CODE.search(value) and all(len(chunk) <= NAME_LENGTH or wordy(chunk, 0) for chunk in CHUNKS.split(value)):
        return cost(value) <= EXPRESSION and not (whole_line and LITERAL.search(value))
    return not whole_line and not name.isupper() and identifier(value)


def in_quotes(value: str, password: bool) -> bool:
    """Whether a quoted value that is not random is one: `"logmein"` for a password, letters and digits for a token."""
    if password:
        return value.isalnum() or not STRONG.search(value)
    return len(value) >= 8 and mixed(value) and not (CAMEL.match(value) and identifier(value))


def bare(name: str, value: str, password: bool) -> bool:
    """The same without quotes: an environment variable may hold a word, elsewhere a word is code."""
    if password and name.isupper():
        return True
    return len(value) >= 8 and mixed(value) and (not IDENTIFIER.fullmatch(value) or filler(value) or value.isalnum())


def mixed(value: str) -> bool:
    """Letters together with digits, not a path or an address."""
    return bool(LETTERS.search(value) and DIGIT.search(value)) and "/" not in value[:1] and "://" not in value


def decoded(value: str) -> str | None:
    """The text in a Base64 value, None where there is none (bytes that are no printable text)."""
    if len(value) < 16:
        return None
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        text = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text if text.translate(BLANK_CHARACTERS).isprintable() else None


def web_tokens(text: str) -> Iterator[tuple[int, int]]:
    """JSON web tokens, whole, with what is glued before them (`ghs_123_eyJ...`); linear in the text."""
    at = text.find("eyJ")
    while at >= 0:
        match = WEB_TOKEN.match(text, at)
        if match:
            prefix = PREFIX.search(text[max(0, at - 40) : at])
            yield at - (len(prefix[0]) if prefix else 0), match.end()
            at = text.find("eyJ", match.end())
        else:
            run = WEB_PART.match(text, at)
            at = text.find("eyJ", run.end() if run else at + 3)
