"""How far a model is from its teacher: the forward KL divergence over each token of the replies in the test sessions.

`forward_kl` is the mean over those tokens of KL(teacher || model) in nats, over the whole vocabulary; `agreement` is
the share of them where both think the same token likeliest. Only replies that are not masked for training count, and
no more tokens of a row than the model can see. The teacher is the run's own, or `teacher`: a folder or a hub id of a
model with the same tokenizer. A teacher behind an address tells no whole distribution: the scores are missing."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import Field

from bashgym import axolotl, environment, jsonl, paths, yamls
from bashgym.config import Config as BaseConfig
from bashgym.records import Score, Subject

NAME = "teacher_kl"
METRICS = {"forward_kl": False, "agreement": True}  # whether a higher value is better
ROWS = "rows.jsonl"


class Benchmark:
    class Config(BaseConfig):
        teacher: str = ""
        """The teacher, a folder or a hub id; empty: the one that the run learnt from."""
        max_rows: int = Field(default=0, ge=0)
        """Test rows that are looked at, the first ones; 0: all."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, model: Subject) -> Iterable[Score]:
        """Raises RunFailed with the log's path where a model cannot be loaded or their tokenizers differ."""
        teacher, why_not = self.teacher(model)
        if why_not:
            return self.missing(model.role, why_not)
        folder = Path(model.folder)
        lines = [jsonl.dumps(line.value) for line in jsonl.read_lines(Path(model.dataset) / "test.jsonl")]
        jsonl.replace(folder / ROWS, b"".join(line + b"\n" for line in lines[: self.config.max_rows or None]))
        environment.place(folder)
        where, log = environment.Environment(environment.python()), folder / "logs" / f"{model.role}.log"
        online = not (Path(teacher).exists() and Path(model.path).exists())
        said = environment.run(where, self.command(model, teacher), folder, log, online=online)
        return self.scores(model.role, json.loads(said.strip().splitlines()[-1]))

    def command(self, model: Subject, teacher: str) -> list[str]:
        made = ["python", "-m", "teacher_kl", "--rows", ROWS, "--teacher", teacher, "--model", model.path]
        made += ["--context", str(model.sequence_len)]
        if model.chat_template != "tokenizer_default":
            made += ["--template", f"{paths.INSIDE}/templates/{model.chat_template}.jinja"]
        return made

    def controls(self, model: Subject) -> Iterable[Score]:
        """The untrained model is what is to be beaten; there is no other."""
        return ()

    def texts(self) -> None:
        """It asks what stands in the test rows."""

    def teacher(self, model: Subject) -> tuple[str, str]:
        """The teacher, or why there is none to be asked."""
        if self.config.teacher:
            local = Path(self.config.teacher).expanduser()
            return str(local.resolve()) if local.is_dir() else self.config.teacher, ""
        run = Path(model.dataset).parent
        config = run / axolotl.CONFIG
        told = (yamls.load(config.read_text(encoding="utf-8")) if config.is_file() else {}).get("bashgym_teacher")
        if not told:
            return "", "the run had no teacher; name one: benchmark.teacher_kl.teacher"
        if told.get("collected"):
            return "", "the teacher is behind an address, which tells no whole distribution"
        return str(run / "teacher" / "model") if told["model"] == "scratch" else str(told["model"]), ""

    def scores(self, role: str, found: dict[str, Any]) -> Iterable[Score]:
        note = f"{found['left_out']} turns the chat template cannot show" if found["left_out"] else ""
        for metric, better in METRICS.items():
            yield Score(
                benchmark=NAME, metric=metric, role=role, value=found[metric], n=found["tokens"],
                evidence="measured" if found[metric] is not None else "missing",
                stderr=found[f"{metric}_stderr"], higher_is_better=better, note=note or f"{found['rows']} rows",
            )  # fmt: skip

    def missing(self, role: str, note: str) -> Iterable[Score]:
        for metric, better in METRICS.items():
            yield Score(
                benchmark=NAME, metric=metric, role=role, value=None, evidence="missing", higher_is_better=better,
                note=note,
            )  # fmt: skip
