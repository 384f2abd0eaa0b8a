"""Distillation from a larger model: its answers as rows (SFT), or its whole distribution over each token (KD)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import Field, model_validator

from bashgym import jsonl
from bashgym.errors import RecipeError
from bashgym.kinds import Prepared
from bashgym.records import Dataset, Job, Model
from bashgym.training import job, teacher
from bashgym.training.memory import vram_gb
from bashgym.training.settings import TrainingConfig
from bashgym.training.teacher import TeacherConfig


class Training:
    schema = "chat"

    class Config(TrainingConfig):
        learn: Literal["logits", "answers"] = "logits"
        """What is learnt of the teacher: its distribution over each token of the rows (logits), or its answers, which
        format=distill with synthesizer=[teacher] put into the rows (answers)."""
        teacher: TeacherConfig = Field(default_factory=TeacherConfig)
        """The teacher, for learn=logits."""
        top_k: int = Field(default=16, ge=1, le=1024)
        """Tokens of each distribution that are kept, the likeliest; servers have a limit (vLLM 20: --max-logprobs)."""
        temperature: float = Field(default=1.0, gt=0, le=10)
        """Above 1 both distributions are flattened, so that unlikely tokens count more."""
        teacher_share: float = Field(default=0.9, ge=0, le=1)
        """Share of the loss that is distance to the teacher; the rest is that of the rows' own words."""

        @model_validator(mode="after")
        def teacher_is_named(self) -> "Training.Config":
            if self.learn == "logits" and not self.teacher.model:
                raise ValueError(
                    "teacher.model is empty; name a model of the student's family (a hub id, a folder, its name at "
                    "teacher.url), or `scratch` for a trial"
                )
            return self

    def __init__(self, config: Config) -> None:
        self.config = config

    def plan(self, dataset: Dataset, model: Model, folder: Path) -> Job:
        """Raises RecipeError, see bashgym/training/job.py; also where rows of a teacher's answers have none."""
        if self.config.learn == "answers":
            answered(dataset)
            return job.plan(dataset, model, folder, self.config, job.Strategy("Distillation by a teacher's answers"))
        planned = job.plan(dataset, model, folder, self.config, self.strategy())
        needed = max(planned.gpu.get("min_vram_gb", 0), self.teachers_memory()) if planned.gpu else 0
        gpu = {**planned.gpu, "min_vram_gb": self.config.min_vram_gb or needed} if planned.gpu else {}
        return msgspec.structs.replace(planned, gpu=gpu)

    def strategy(self) -> job.Strategy:
        """Axolotl's own KD plugin for the loss; ours (bashgym/inside/teach.py) for the rows it reads."""
        chosen, config = self.config.teacher, self.config
        told: dict[str, Any] = {"model": chosen.model, "revision": chosen.revision, "top_k": config.top_k}
        if chosen.url:
            told["collected"] = teacher.COLLECTED
        elif chosen.model == teacher.SCRATCH:
            told["scratch"] = {**chosen.scratch.model_dump(), "seed": config.seed}
        elif Path(chosen.model).expanduser().is_dir():
            told["model"] = str(Path(chosen.model).expanduser().resolve())
        keys = {
            "kd_trainer": True,
            "kd_alpha": config.teacher_share,
            "kd_ce_alpha": round(1 - config.teacher_share, 6),
            "kd_temperature": config.temperature,
            "bashgym_teacher": told,
        }
        return job.Strategy(
            "Distillation of a teacher's distributions",
            keys,
            plugins=("teach.TeachPlugin", "axolotl.integrations.kd.KDPlugin"),
            # the loss is compiled otherwise, which needs a C++ compiler that not every machine has
            env={"TORCHDYNAMO_DISABLE": "1"} if config.device == "cpu" else {},
            uploads=(teacher.COLLECTED,) if chosen.url else (),
        )

    def teachers_memory(self) -> int:
        """GB a teacher needs that is loaded where the training runs, before the student is."""
        chosen = self.config.teacher
        if chosen.url or chosen.model == teacher.SCRATCH:
            return 0
        return vram_gb("lora", Model(base=chosen.model, chat_template="", sequence_len=0))

    def prepare(self, planned: Job, check: Callable[[bytes], None], say: Callable[[str], None]) -> Prepared | None:
        """Asks a teacher behind an address; one that is loaded where the training runs is asked there."""
        chosen = self.config.teacher
        if self.config.learn != "logits" or not chosen.url:
            return None
        found = teacher.collect(Path(planned.folder), chosen, self.config.top_k, check, say)
        dropped = {"held back by the leak gate": found.held, "other tokens for the teacher": found.differ}
        told = {"teacher": chosen.model, "usd": round(found.usd, 6), "usd_evidence": "estimated"}
        return Prepared(found.rows, {reason: n for reason, n in dropped.items() if n}, told)


def answered(dataset: Dataset) -> None:
    """Raises RecipeError where the rows are not a teacher's answers."""
    path = Path(dataset.folder) / "train.jsonl"
    first = next(iter(jsonl.read_lines(path)), None) if path.exists() else None
    if first is not None and isinstance(first.value, dict) and "teacher" not in first.value:
        raise RecipeError(
            "training.learn=answers: the rows are the sessions' own replies; take format=distill "
            "synthesizer=[teacher], or learn=logits"
        )
