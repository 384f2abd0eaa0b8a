"""Rows as Parquet, through `datasets` (extra `hub`): some 100 MB that no run needs otherwise."""

import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bashgym import jsonl
from bashgym.errors import RecipeError

FOLDER = "data"
KINDS: dict[type, str] = {str: "string", bool: "bool", int: "int64", float: "float64"}


def check() -> None:
    """Raises RecipeError where the package is missing."""
    if find_spec("datasets") is None:
        raise RecipeError("dataset.parquet: the package datasets is missing; pip install 'bashgym[hub]', or say false")


def write(folder: Path, split: str) -> Path | None:
    """`data/SPLIT-00000-of-00001.parquet` in a dataset's folder, made of its `SPLIT.jsonl`; None where that is empty.

    Columns of objects and lists are JSON: rows need not have the same keys or types in them, and nulls stay."""
    source = folder / f"{split}.jsonl"
    columns = kinds_of(source)
    if not columns:
        return None
    import datasets
    from datasets.utils.logging import disable_progress_bar

    disable_progress_bar()
    features = datasets.Features({name: feature(kinds) for name, kinds in columns.items()})
    target = folder / FOLDER / f"{split}-00000-of-00001.parquet"
    target.parent.mkdir(exist_ok=True)
    scratch = folder / FOLDER / ".arrow"
    try:
        table = datasets.Dataset.from_generator(
            padded,
            features=features,
            cache_dir=str(scratch),
            gen_kwargs={"source": str(source), "names": tuple(columns)},  # a list would be dealt out as shards
            fingerprint=split,
        )
        table.to_parquet(str(target))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def kinds_of(source: Path) -> dict[str, set[type]]:
    """column -> types of its values, in the order in which columns are first seen."""
    found: dict[str, set[type]] = {}
    for line in jsonl.read_lines(source):
        for name, value in line.value.items():
            if value is not None:
                found.setdefault(name, set()).add(type(value))
    return found


def feature(kinds: set[type]) -> Any:
    from datasets import Json, List, Value

    (kind, *others) = kinds
    if others:
        return Json()
    return List(Json()) if kind is list else Value(KINDS[kind]) if kind in KINDS else Json()


def padded(source: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every row with every column."""
    for line in jsonl.read_lines(Path(source)):
        yield {name: line.value.get(name) for name in names}
