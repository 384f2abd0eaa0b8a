"""Writes traces.jsonl out of the stories beside it: `python tests/data/labelled/make.py`."""

import hashlib
import sys
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "examples" / "labelled")]

import telling  # noqa: E402

from bashgym import jsonl  # noqa: E402


def stories(group: str) -> list[dict[str, Any]]:
    """The stories of a folder, in the order of its files."""
    return [one for file in sorted((HERE / group).glob("*.yaml")) for one in yaml.safe_load(file.read_text())]


def half(name: str, group: str = "blind2") -> str:
    """Which half of `blind2` or `blind3` a session is in: `a`, by which rules may be mended, or `b`, which they are
    measured on."""
    return "ab"[hashlib.sha256(f"{group}:{name}".encode()).digest()[0] % 2]


def made() -> bytes:
    rows = [
        row
        for group in ("blind", "told", "fresh", "unseen", "held", "blind2")
        for row in telling.lines(stories(group), group)
    ]
    seen = [story for story in stories("blind3") if half(story["id"], "blind3") == "a"]
    rows += telling.lines(seen, "blind3")  # of half b only the figures of one run are known, and it stays so
    return b"".join(jsonl.dumps(row) + b"\n" for row in rows)


if __name__ == "__main__":
    jsonl.replace(HERE / "traces.jsonl", made())
