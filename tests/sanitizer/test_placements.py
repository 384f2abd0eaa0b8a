"""Random secrets in every place where tools print, store and send them: none survives, in no form."""

import base64
import random
import string
from collections.abc import Callable
from importlib import util
from pathlib import Path
from urllib.parse import quote

import pytest

from bashgym.scan import Sanitized

SPEC = util.spec_from_file_location("placements", Path(__file__).with_name("placements.py"))
assert SPEC and SPEC.loader
PLACES = util.module_from_spec(SPEC)
SPEC.loader.exec_module(PLACES)
ALNUM = string.ascii_letters + string.digits
MARKS = "!^*_"
WORDS = ("Kestrel", "Tulip", "harbor", "granite", "pepper", "lantern", "Pebble", "winter")


def picked(source: random.Random, letters: str, count: int) -> str:
    return "".join(source.choices(letters, k=count))


VALUES: dict[str, Callable[[random.Random], str]] = {
    "letters and digits": lambda source: picked(source, ALNUM, 32),
    "hexadecimal": lambda source: picked(source, "0123456789abcdef", 40),
    "Base64": lambda source: base64.b64encode(source.randbytes(30)).decode(),
    "a password": lambda source: (
        picked(source, ALNUM, 5)
        + picked(source, MARKS, 1)
        + picked(source, ALNUM, 5)
        + str(source.randint(10, 99))
        + "x"
    ),
    "words and a number": lambda source: (
        source.choice(WORDS) + source.choice("-_") + source.choice(WORDS) + str(source.randint(100, 9999)) + "!"
    ),
}


def forms(value: str) -> list[str]:
    return [value, PLACES.b64(value), PLACES.numbered(value), quote(value, safe=""), value.encode().hex()]


@pytest.mark.parametrize("kind", VALUES)
def test_a_secret_survives_nowhere(kind: str, clean: Callable[..., Sanitized]) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"{kind} of seed {seed}")
    value = VALUES[kind](random.Random(seed))
    left = []
    for name, text in [*PLACES.lines(value), *PLACES.structures(value)]:
        after = str(clean(text, "secrets").value)
        if any(form in after for form in forms(value)):
            left.append(name)
    assert left == [], value


def test_a_password_that_was_assigned_is_gone_where_it_is_printed(clean: Callable[..., Sanitized]) -> None:
    value = "Tulip-lantern4711!"
    after = clean([f"PASSWORD={value}", f"granted to {value} at last", "219099998"], "secrets")
    assert value not in str(after.value) and after.by_rule["session/again"] == 1


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("DB_PASSWORD=cricket-basalt-ivory-larch", "cricket-basalt-ivory-larch"),
        ('password = "amber lantern quarry spruce"', "amber lantern quarry spruce"),
        ("ALTER USER app WITH PASSWORD 'walnut.copper.heron.mistral';", "walnut.copper.heron.mistral"),
        ("api_token: ember_juniper8121", "ember_juniper8121"),
        ("the password is ember_juniper812, as ever", "ember_juniper812"),
        ("the password is **ExDQVM*ejpUsJ0**", "ejpUsJ0"),
        ("got access_token 8b0f1c52-6a0e-4e0b-9f0c-2d4f4b1f7c11 from it", "8b0f1c52-6a0e-4e0b-9f0c-2d4f4b1f7c11"),
        ('{"cookies": [\n {"name": "sid", "value": "9f4c1d2ab77e0f1c6f0a3b5de8a91c02"}\n]}', "9f4c1d2ab77e"),
        ('docker run -e "db_pass=Tulip-lantern4711!" shop', "lantern4711"),
        ("Cookie: sid=8b0f1c52-6a0e-4e0b-9f0c-2d4f4b1f7c11; theme=dark", "8b0f1c52-6a0e-4e0b-9f0c-2d4f4b1f7c11"),
    ],
)
def test_what_people_make_up_goes_where_it_is_promised(text: str, secret: str, clean: Callable[..., Sanitized]) -> None:
    assert secret not in clean(text, "secrets").value


@pytest.mark.parametrize(
    "text",
    [
        'password = "please enter your password"', "password: case-sensitive-and-required-for-all",
        "render_pass = 'forward'", "tests_pass: kestrel1", '"cookies": [{"name": "theme", "value": "dark-blue"}]',
        "secret: web-tls-cert-internal", "key: ember_juniper8121", "token = http_status404", "token: test_user1234",
        "see 8b0f1c52-6a0e-4e0b-9f0c-2d4f4b1f7c11", "key: 8b0f1c52-6a0e-4e0b-9f0c-2d4f4b1f7c11",
        "the token is **bold**, as the secret is *not*",
        "the token is invalid", "password for the admin is required", "token is UTF-8 encoded",
        "the secret is sha256-hashed",
        "cookies: theme=dark; lang=en", "login: foo / bar", "mkdir -p build && cp -p a b", "docker run -p 80:80 nginx",
        "echo done | sudo tee log", "set key to value",
        "params: { _csrf_token: csrfToken }", "key: id, token: next_token",
        "| token | meaning |\n|---|---|\n| BOS | start of text |", "password, username, host = read()\nprint(a, b, c)",
        "kind: ConfigMap\ndata:\n  mode: production\n",
        "resetPassword('current-user')", "Ok(SignalToken::filter_x86_64(key))",
        "commit PRRC_kwDOQyo98M6lwPTy by agent_msg_01QVA9ZtQhiqWU7kKBrXThFY",
    ],
)  # fmt: skip
def test_talk_about_secrets_stays(text: str, clean: Callable[..., Sanitized]) -> None:
    assert clean(text, "secrets").value == text
