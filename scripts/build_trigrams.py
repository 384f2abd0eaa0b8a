"""Build bashgym/scanning/tables/trigrams.bin: how usual each run of three characters is in code and in prose about it.

usage: python scripts/build_trigrams.py

Read are the Python standard library of the interpreter that runs this and this repository's own files; what is kept
are rounded logarithms of frequencies, from which no text can be read back."""

import re
import sysconfig
import zlib
from pathlib import Path

import numpy as np

from bashgym.scanning.improbable import CLASS, CLASSES, SCALE, TABLE

ROOT = Path(__file__).resolve().parent.parent
SKIP = (
    "/test",
    "/site-packages/",
    "/encodings/",
    "/lib2to3/",
    "/idlelib/idle_test/",
    "/.venv/",
    "/.git/",
    "/examples/",
)
STRENGTH = 5.0  # how many sightings the next shorter run is worth (interpolated Dirichlet smoothing)


SNAKE = re.compile(rb"(?<=[a-z0-9])_([a-z])")


def camel(match: re.Match[bytes]) -> bytes:
    return match[1].upper()  # the names of other languages are those of Python, written otherwise


def kebab(match: re.Match[bytes]) -> bytes:
    return b"-" + match[1]


def texts() -> list[Path]:
    library = Path(sysconfig.get_paths()["stdlib"])
    ours = [path for ending in ("*.py", "*.md", "*.yaml", "*.toml") for path in ROOT.rglob(ending)]
    files = [*library.rglob("*.py"), *ours]
    return sorted(path for path in files if not any(part in path.as_posix() for part in SKIP))


def frequencies(files: list[Path]) -> np.ndarray:
    counts = np.zeros(CLASSES**3)
    for path in files:
        text = path.read_bytes()
        for style in (text, SNAKE.sub(camel, text), SNAKE.sub(kebab, text)):
            run = np.frombuffer(style.translate(CLASS), np.uint8).astype(np.int64)
            index = (run[:-2] * CLASSES + run[1:-1]) * CLASSES + run[2:]
            counts += np.bincount(index, minlength=CLASSES**3)
    return counts.reshape(CLASSES, CLASSES, CLASSES)


def bits(counts: np.ndarray) -> np.ndarray:
    """-log2 P(third | first two), each length smoothed by the next shorter one."""
    pairs = counts.sum(0)
    single = (pairs.sum(0) + 1) / (pairs.sum() + CLASSES)
    pair = (pairs + STRENGTH * single) / (pairs.sum(1, keepdims=True) + STRENGTH)
    triple = (counts + STRENGTH * pair[None]) / (counts.sum(2, keepdims=True) + STRENGTH)
    return -np.log2(triple)


def main() -> None:
    files = texts()
    table = np.clip(np.rint(bits(frequencies(files)) * SCALE), 0, 255).astype(np.uint8)
    TABLE.write_bytes(zlib.compress(table.tobytes(), 9))
    print(f"{len(files)} files, {TABLE.stat().st_size} bytes in {TABLE}")


if __name__ == "__main__":
    main()
