"""Rows as Parquet: nothing lost, the same bytes again."""

import json
from pathlib import Path
from typing import Any

from bashgym.rows import parquet

ROWS: list[dict[str, Any]] = [
    {"id": "a", "n": 1, "ok": True, "messages": [{"arguments": {"x": 1}}], "tools": []},
    {"id": "b", "n": 2, "ok": False, "messages": [{"arguments": {"x": "1", "no": None}}], "meta": {"s": [1, "ä"]}},
    {"id": "c", "n": 3, "ok": True, "messages": [], "tools": [{"deep": [[1], {"z": None}]}], "odd": 1},
    {"id": "d", "n": 4, "ok": True, "messages": [], "tools": None, "odd": "text"},
]


def written(folder: Path) -> bytes:
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (folder / "test.jsonl").write_text("")
    assert parquet.write(folder, "test") is None
    file = parquet.write(folder, "train")
    assert [path.name for path in file.parent.iterdir()] == ["train-00000-of-00001.parquet"]
    return file.read_bytes()


def test_every_value_comes_back(tmp_path: Path):
    import datasets

    assert written(tmp_path / "a") == written(tmp_path / "b")
    file = str(tmp_path / "a" / "data" / "*.parquet")
    read = list(datasets.load_dataset("parquet", data_files=file, split="train", cache_dir=str(tmp_path / "cache")))
    for row, back in zip(ROWS, read, strict=True):
        assert back == {name: row.get(name) for name in back}
