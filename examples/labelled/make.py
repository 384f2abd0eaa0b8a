"""Writes traces.jsonl, the labelled set that ships: `python examples/labelled/make.py`, from the root of the checkout."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import telling  # noqa: E402
import variants  # noqa: E402

from bashgym import jsonl  # noqa: E402


def made() -> bytes:
    return b"".join(jsonl.dumps(row) + b"\n" for row in telling.lines(variants.stories(), "shipped"))


if __name__ == "__main__":
    jsonl.replace(HERE / "traces.jsonl", made())
