"""How well improbability tells tokens of unknown providers from the rest, beside Shannon's entropy: a table.

usage: python scripts/roc_trigrams.py [--seed N] [--exam FOLDER]

Secrets are random tokens of the alphabets and lengths that providers use (with --exam also those of its development
cases that are tokens and no hexadecimal); the rest are the distinct tokens of the packages that are installed beside
this interpreter, which the table of trigrams was not made from, less the few that are random themselves (`harmless` in
plugins/sanitizer/secrets.py): hexadecimal, checksums, ids."""

import argparse
import gzip
import json
import math
import random
import re
import string
import sys
import sysconfig
from collections import Counter
from pathlib import Path

from bashgym.registry import load
from bashgym.scanning.improbable import cost

SHORTEST, LONGEST = 16, 128
TOKEN = re.compile(r"[A-Za-z0-9_~-]{16,128}")
HEXADECIMAL = re.compile(r"[0-9a-fA-F-]+")
ALNUM = string.ascii_letters + string.digits
ALPHABETS = (
    ALNUM,
    ALNUM,
    ALNUM + "-_",
    string.ascii_lowercase + string.digits,
    string.ascii_uppercase + "234567",
)
BITS = (5.5, 6.0, 6.5, 6.75, 7.0, 7.5, 8.0, 9.0, 10.0)
SHANNON = (3.5, 3.75, 4.0, 4.25, 4.5, 4.75)
MOST = 200_000  # distinct tokens of packages


def shannon(text: str) -> float:
    """Bits per character of the letters of `text` themselves."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def drawn(seed: int, count: int = 4000) -> list[str]:
    """Random tokens of 16 to 48 characters."""
    source = random.Random(seed)
    return ["".join(source.choices(source.choice(ALPHABETS), k=source.randint(16, 48))) for _ in range(count)]


def of_exam(folder: Path) -> list[str]:
    """Secrets of the exam's development cases that are one token."""
    lines = gzip.decompress((folder / "secrets.dev.jsonl.gz").read_bytes()).splitlines()
    cases = (json.loads(line) for line in lines)
    found = {case["secret"] for case in cases if case.get("kind") == "tp" and TOKEN.fullmatch(case["secret"])}
    return sorted(token for token in found if not HEXADECIMAL.fullmatch(token))


def benign() -> list[str]:
    """Distinct tokens of installed packages."""
    harmless = sys.modules[load("sanitizer", "secrets").__module__].harmless
    found: dict[str, None] = {}
    for path in sorted(Path(sysconfig.get_paths()["purelib"]).rglob("*.py")):
        found |= dict.fromkeys(TOKEN.findall(path.read_text(encoding="utf-8", errors="replace")))
        if len(found) > MOST:
            break
    return [token for token in found if not harmless(token)]


def rows(name: str, thresholds: tuple[float, ...], secrets: list[float], others: list[float]) -> list[str]:
    """Recall and false positives at each threshold."""
    return [
        f"| {name} > {bits} | {sum(one > bits for one in secrets) / len(secrets):.3f} "
        f"| {100 * sum(one > bits for one in others) / len(others):.2f} % |"
        for bits in thresholds
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--exam", type=Path)
    chosen = parser.parse_args()
    secrets = of_exam(chosen.exam) if chosen.exam else drawn(chosen.seed)
    others = benign()
    print(f"{len(secrets)} secrets, {len(others)} distinct other tokens\n")
    print("| | recall | of the others |\n|---|---|---|")
    print("\n".join(rows("improbability", BITS, [cost(one) for one in secrets], [cost(one) for one in others])))
    print("\n".join(rows("Shannon", SHANNON, [shannon(one) for one in secrets], [shannon(one) for one in others])))


if __name__ == "__main__":
    main()
