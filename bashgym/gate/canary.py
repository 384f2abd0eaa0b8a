"""Canaries: values made up for one run, planted in a session of their own that goes the way of all sessions.

They are derived from the hash of the recipe's lock, so that nobody can have made a rule for them. Where one comes
out again, the sanitizers did not run, or are too weak for what the recipe says it wants removed."""

import base64
import hashlib
import string
from collections.abc import Iterator
from typing import NamedTuple

from bashgym.reading.conversation import Conversation, source_info
from bashgym.records import Group
from bashgym.trace import Agent, ProjectInfo, Trace

SESSION = "canary"
TIME = "2026-01-01T00:00:00Z"
ALNUM = string.ascii_letters + string.digits


class Canary(NamedTuple):
    """A value that must not come out, and a line as it would stand in a session."""

    group: Group
    value: str
    line: str


class Dice:
    """Letters and digits from a seed, the same for ever."""

    def __init__(self, seed: str) -> None:
        self.seed, self.count = seed, 0

    def number(self, below: int) -> int:
        self.count += 1
        return int.from_bytes(hashlib.blake2s(f"{self.seed} {self.count}".encode()).digest(), "big") % below

    def text(self, length: int, letters: str) -> str:
        return "".join(letters[self.number(len(letters))] for _ in range(length))


def canaries(seed: str) -> list[Canary]:
    """Fourteen values of the kinds people lose: keys, passwords, addresses, numbers, home folders."""
    dice = Dice(seed)
    return [one for make in (secrets, persons, places) for one in make(dice)]


def secrets(dice: Dice) -> Iterator[Canary]:
    github = f"ghp_{dice.text(36, ALNUM)}"
    yield Canary("secret", github, f"export GITHUB_TOKEN={github}")
    amazon = f"AKIA{dice.text(16, string.ascii_uppercase + '234567')}"
    yield Canary("secret", amazon, f"aws_access_key_id = {amazon}")
    stripe = f"sk_live_{dice.text(24, ALNUM)}"
    yield Canary("secret", stripe, f'stripe.api_key = "{stripe}"')
    password = f"{dice.text(9, ALNUM)}-{dice.text(9, ALNUM)}"
    yield Canary("secret", password, f'{{"user": "svc", "password": "{password}"}}')
    database = dice.text(18, ALNUM)
    yield Canary("secret", database, f"postgresql://app:{database}@db:5432/app")
    bearer = dice.text(40, ALNUM)
    yield Canary("secret", bearer, f"curl -H 'Authorization: Bearer {bearer}' https://api.internal/v1")
    unknown = dice.text(44, ALNUM)  # of no provider that anybody knows
    yield Canary("secret", unknown, f"the deploy hook answers to {unknown} only")
    wrapped = f"glpat-{dice.text(20, ALNUM)}"
    hidden = base64.b64encode(f"token: {wrapped}\n".encode()).decode()
    yield Canary("secret", wrapped, f"  token.yaml: {hidden}")


def persons(dice: Dice) -> Iterator[Canary]:
    name = dice.text(7, string.ascii_lowercase)
    mail = f"{name}.{dice.text(6, string.ascii_lowercase)}@{dice.text(9, string.ascii_lowercase)}.net"
    yield Canary("person", mail, f"please write to {mail} when it is done")
    card = luhn(f"4929{dice.text(11, string.digits)}")
    yield Canary("person", card, f"card {card} was declined")
    phone = f"+1 212 {2 + dice.number(7)}{dice.text(2, string.digits)} {dice.text(4, string.digits)}"
    yield Canary("person", phone, f"call me at {phone}")
    address = f"{2 + dice.number(7)}3.{64 + dice.number(60)}.{1 + dice.number(250)}.{1 + dice.number(250)}"
    yield Canary("person", address, f"connection from {address} refused")


def places(dice: Dice) -> Iterator[Canary]:
    user = f"{dice.text(8, 'bcdfghklmnprstvw')}{dice.text(2, string.digits)}"
    yield Canary("place", user, f"/home/{user}/work/app/main.py")
    other = f"{dice.text(7, 'bcdfghklmnprstvw')}{dice.text(2, string.digits)}"
    yield Canary("place", other, rf"C:\Users\{other}\source\app\main.py")


def luhn(digits: str) -> str:
    """`digits` with the digit that makes it a valid card number."""
    total = 0
    for at, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if at % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{digits}{-total % 10}"


def trace(seed: str) -> Trace:
    """The session they are planted in: in words of the user, in a call, in its arguments and in its result."""
    talk = Conversation()
    planted = canaries(seed)
    half = len(planted) // 2
    talk.say("user", "\n".join(["look at this:", *(one.line for one in planted[:half])]), ts=TIME)
    step = talk.say("agent", "I read the settings first.", ts=TIME)
    talk.call(step, "call_canary_1", "Bash", {"command": f"grep -n '{planted[-1].line}' notes.txt", "timeout": 10})
    talk.result("call_canary_1", "\n".join(one.line for one in planted), ts=TIME)
    step = talk.say("agent", "Then I write them down.", ts=TIME)
    for number, one in enumerate(planted[half:], 2):
        arguments = {"file_path": "notes.txt", "content": one.line}
        talk.call(step, f"call_canary_{number}", "Write", arguments)
        talk.result(f"call_canary_{number}", f"wrote: {one.line}", ts=TIME)
    talk.say("agent", "Done: " + "; ".join(one.line for one in planted[:3]), ts=TIME)
    return talk.trace(SESSION, Agent(name=SESSION), source_info(SESSION, []), ProjectInfo(cwd="/work/app"))
