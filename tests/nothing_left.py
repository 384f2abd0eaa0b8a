"""Every file under a folder, searched for private values in every form they may hide in."""

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import ahocorasick_rs

from bashgym.gate.forms import forms


def content(path: Path) -> bytes:
    """The bytes of a file; those of the store are compressed."""
    return zlib.decompress(path.read_bytes()) if path.suffix == ".z" else path.read_bytes()


def left(folder: Path, values: Iterable[str], raw: Mapping[str, frozenset[str]]) -> set[tuple[str, str, str]]:
    """Value, form and file of each that stands in a file, or in a file's name, under `folder`; `raw` names the files
    (by their place under it) that may hold certain values as they are."""
    patterns = {form.data: (value, form.name) for value in values for form in forms(value)}
    search = ahocorasick_rs.BytesAhoCorasick(list(patterns))
    known = list(patterns.values())
    found = set()
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        data = name.encode() + b"\n" + (content(path) if path.is_file() and not path.is_symlink() else b"")
        for number, _, _ in search.find_matches_as_indexes(data, overlapping=True):
            value, form = known[number]
            if value not in raw.get(name.removesuffix("-wal"), ()):  # what SQLite has not put into its file yet
                found.add((value, form, name))
    return found
