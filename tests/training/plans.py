"""The job that a preset of conf/training plans, from rows of one line."""

from pathlib import Path
from typing import Any

import yaml

from bashgym import registry
from bashgym.config import validate
from bashgym.records import Dataset, Job, Model

CONF = Path(__file__).resolve().parents[2] / "conf" / "training"
CODER = Model(base="Qwen/Qwen2.5-Coder-1.5B-Instruct", chat_template="chatml_tools", sequence_len=4096)
ROWS = {
    "chat": '{"id": "1", "messages": [], "tools": []}',
    "preference": '{"id": "1", "prompt": "a", "chosen": "b", "rejected": "c", "meta": {}}',
    "feedback": '{"id": "1", "prompt": "a", "completion": "b", "label": true, "meta": {}}',
}
BIG = Model(base="a/b", chat_template="chatml_tools", sequence_len=4096, parameters=8_000_000_000)


def plan(folder: Path, preset: str, model: Model = CODER, **changes: Any) -> Job:
    """Raises RecipeError for settings that the preset's plugin does not take."""
    values = {**yaml.safe_load((CONF / f"{preset}.yaml").read_text()), "seed": 5, **changes}
    training = registry.load("training", values.pop("plugin"))
    folder.mkdir(exist_ok=True)
    (folder / "dataset").mkdir(exist_ok=True)
    (folder / "dataset" / "train.jsonl").write_text(ROWS[training.schema] + "\n")
    rows = {"train": 1, "validation": 0, "test": 0}
    formatting = registry.load("format", {"preference": "dpo", "feedback": "kto"}.get(training.schema, "chat"))
    stanza = formatting(formatting.Config()).stanza()
    dataset = Dataset(folder=str(folder / "dataset"), sha256="", rows=rows, stanza=stanza, schema=training.schema)
    return training(validate(training.Config, values, "training")).plan(dataset, model, folder)
