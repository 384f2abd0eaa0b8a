"""Ids in the shapes the client and the model's API give them, drawn from a seeded generator."""

import base64
import random
import string
import uuid

LETTERS = (
    string.digits + string.ascii_uppercase.replace("I", "").replace("O", "") + string.ascii_lowercase.replace("l", "")
)


def fresh_uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def letters(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(LETTERS, k=length))


def message_id(rng: random.Random) -> str:
    return "msg_01" + letters(rng, 22)


def request_id(rng: random.Random) -> str:
    return "req_011C" + letters(rng, 20)


def call_id(rng: random.Random) -> str:
    return "toolu_01" + letters(rng, 22)


def agent_id(rng: random.Random) -> str:
    return "a" + f"{rng.getrandbits(64):016x}"


def commit_hash(rng: random.Random) -> str:
    return f"{rng.getrandbits(28):07x}"


def signature(rng: random.Random) -> str:
    return "Eq" + base64.b64encode(rng.randbytes(45)).decode()
