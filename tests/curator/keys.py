"""Keys of sessions made of words, for the curators' tests."""

import random
from typing import Any

from bashgym.records import SessionKey
from bashgym.similar import prints

WORDS = [f"word{n}" for n in range(3000)]


def text(seed: int, length: int = 120) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def changed(words: str, share: float, seed: int = 0) -> str:
    """The text with a share of its words replaced by others."""
    draw = random.Random(seed)
    return " ".join(draw.choice(WORDS) if draw.random() < share else word for word in words.split())


def key(session: str, words: str = "", **more: Any) -> SessionKey:
    made = {
        "source": "x", "family": session, "repo": "/r", "started": "", "label": "gold", "score": 1.0, "rows": 1,
        "messages": 2, "digest": prints.digest([words]), "prints": prints.prints([words]),
    }  # fmt: skip
    return SessionKey(**{**made, "session": session, **more})
