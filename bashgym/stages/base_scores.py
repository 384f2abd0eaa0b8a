"""A base model is measured once on the same test rows: what it scored is kept in the data home, for the other runs of a
sweep and for the next recipe that starts from it."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import orjson

from bashgym import environment, jsonl, paths
from bashgym.records import Score, Subject
from bashgym.stages.worker import code_digest

FOLDER = Path("cache") / "base_scores"
NOT_WEIGHED = {"made.json"}  # says from what a model was made; the files beside it say what it is


def key(benchmark: Any, settings: Any, model: Subject, revision: str | None) -> str | None:
    """A hash of all that the scores depend on, `settings` being the benchmark's own and its code's hash.

    None where that cannot be told: the benchmark asks for more than test rows and a model, or a model of the Hub has no
    fixed revision."""
    if not getattr(benchmark, "repeats", False):
        return None
    folder = Path(model.path)
    if not folder.is_dir() and not revision:
        return None
    identity = digest_of(folder) if folder.is_dir() else [model.path, revision]
    rows = hashlib.sha256((Path(model.dataset) / "test.jsonl").read_bytes()).hexdigest()
    parts = [
        identity,
        rows,
        model.chat_template,
        model.sequence_len,
        settings,
        code_digest(),
        digest_of(paths.HERE / paths.INSIDE),  # measures over there, and makes no data
        str(environment.python()),
    ]
    return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


def digest_of(folder: Path) -> list[list[str]]:
    """The name and the hash of each file of a model, or of code."""
    found = []
    for file in sorted(one for one in folder.rglob("*") if one.is_file() and one.name not in NOT_WEIGHED):
        if "__pycache__" in file.parts:
            continue
        with file.open("rb") as stream:
            found.append([str(file.relative_to(folder)), hashlib.file_digest(stream, "sha256").hexdigest()])
    return found


def kept(name: str) -> list[Score] | None:
    """What was measured before under a key, each with a note of the run that did; None where nothing was."""
    file = paths.home() / FOLDER / f"{name}.json"
    if not file.exists():
        return None
    content = orjson.loads(file.read_bytes())
    scores = msgspec.convert(content["scores"], list[Score])
    said = f"measured in run {content['run']}"
    return [msgspec.structs.replace(one, note="; ".join(filter(None, (one.note, said)))) for one in scores]


def keep(name: str, scores: list[Score], run: str) -> None:
    content = {"run": run, "scores": [msgspec.to_builtins(one) for one in scores]}
    jsonl.replace(paths.home() / FOLDER / f"{name}.json", orjson.dumps(content))
