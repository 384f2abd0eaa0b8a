"""A teacher for distillation: which model it is, and its word on every learnt token, collected over a network.

The protocol is that of OpenAI's completions with `prompt_logprobs`, as vLLM and servers like it speak it: the row's
text goes out, and each of its tokens comes back with the teacher's most likely ones by number. What leaves is looked at
by the leak gate first; what came is kept row by row, in `$BASHGYM_HOME/endpoint` and in the run's folder."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from bashgym import axolotl, environment, jsonl
from bashgym.config import Config
from bashgym.endpoint import Check, EndpointSettings, PromptLogprobs
from bashgym.errors import RecipeError, RunFailed
from bashgym.gate.outgoing import Held

FOLDER = "teacher"
TOKENS = f"{FOLDER}/tokens.jsonl"
COLLECTED = f"{FOLDER}/collected.jsonl"
SCRATCH = "scratch"
TOLERATED = 0.05  # of the rows


class ScratchTeacher(Config):
    hidden_size: int = Field(default=192, ge=16)
    """Width of the teacher."""
    layers: int = Field(default=4, ge=1)
    """Its layers."""
    heads: int = Field(default=4, ge=1)
    """Its attention heads per layer; divides the width."""
    steps: int = Field(default=400, ge=1)
    """Its training steps."""
    batch_size: int = Field(default=4, ge=1)
    """Rows of each step."""
    learning_rate: float = Field(default=2e-3, gt=0)
    """Step size at its peak."""

    @model_validator(mode="after")
    def heads_divide_width(self) -> "ScratchTeacher":
        if self.hidden_size % (2 * self.heads):
            raise ValueError(f"hidden_size {self.hidden_size} is not an even multiple of heads {self.heads}")
        return self


class TeacherConfig(Config):
    model: str = ""
    """A hub id or folder of a model of the student's family, or its name at `url`; `scratch`: made from the rows."""
    revision: str = ""
    """Commit or tag of the Hugging Face repository; empty: the newest."""
    url: str = ""
    """Where a server with prompt_logprobs (vLLM) begins, ending in /v1; empty: loaded where the training runs."""
    key_env: str = ""
    """NAME of the environment variable that holds the key; empty: none is sent."""
    timeout_s: float = Field(default=300.0, gt=0)
    """Seconds one request may take."""
    retries: int = Field(default=5, ge=0, le=20)
    """How often a request is tried again that met a limit, a server's fault or a lost connection."""
    max_usd: float | None = Field(default=1.0, ge=0)
    """USD that may be spent on this teacher in one day (UTC), at list prices; null: no limit."""
    scratch: ScratchTeacher = Field(default_factory=ScratchTeacher)
    """The teacher that model=scratch makes, for trials without any download."""

    def endpoint(self) -> EndpointSettings:
        """Raises pydantic's ValidationError for an address that is none."""
        return EndpointSettings(
            url=self.url,
            protocol="openai",
            model=self.model,
            key_env=self.key_env,
            timeout_s=self.timeout_s,
            retries=self.retries,
            max_tokens=1,
            max_usd=self.max_usd,
        )

    @model_validator(mode="after")
    def an_address(self) -> "TeacherConfig":
        if self.url:
            self.endpoint()
        return self


class Collected(NamedTuple):
    """What came of asking: rows with the teacher's word, rows that were left out, dollars (estimated)."""

    rows: int
    held: int  # by the leak gate
    differ: int  # that the teacher reads as other tokens
    usd: float


def collect(folder: Path, teacher: TeacherConfig, top_k: int, check: Check, say: Callable[[str], None]) -> Collected:
    """Asks for every row of the job in `folder` that is not in its collected.jsonl yet.

    Raises OverBudget where the day's limit has no room (what came is kept: run again another day), EndpointFailed,
    RunFailed where the leak gate held back every row, RecipeError where the tokenizers differ."""
    tokens = list(tokenized(folder))
    path = folder / COLLECTED
    known = complete(path)
    asked = PromptLogprobs(teacher.endpoint(), top_k)
    held, differ, usd = 0, 0, 0.0
    missing = [row for row in tokens if row["row"] not in known]
    if missing:
        tokens_sent = sum(len(row["ids"]) for row in missing)
        say(f"teacher {teacher.model}: asking for {len(missing)} rows, {tokens_sent:,} tokens")
    for number, row in enumerate(missing, 1):
        try:
            answer = asked.of(row["text"], check)
        except Held:
            held += 1
            continue
        usd += answer.usd or 0.0
        if same(row["ids"], answer.positions):
            line = {"row": row["row"], **learnt(row["places"], answer.positions)}
            with path.open("ab") as file:
                file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        else:
            differ += 1
            refuse(teacher.model, differ, number - held)
    if held == len(tokens):
        raise RunFailed("training.teacher: the leak gate held back every row, so the teacher was asked nothing")
    return Collected(len(tokens) - held - differ, held, differ, usd)


def tokenized(folder: Path) -> Iterator[dict[str, Any]]:
    """The job's rows as the student will read them: {split, row, ids, places, text}, by the training environment."""
    command = ["python", "-m", "teach", "--config", axolotl.CONFIG, "--out", TOKENS]
    (folder / FOLDER).mkdir(exist_ok=True)
    where = environment.Environment(environment.python())
    environment.run(where, command, folder, folder / "logs" / "teach.log", online=True)
    for line in jsonl.read_lines(folder / TOKENS):
        yield line.value


def complete(path: Path) -> set[str]:
    """Rows that were collected before; a line that a kill tore is taken off, so that the next one stands alone."""
    if not path.exists():
        return set()
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        jsonl.replace(path, whole)
    return {json.loads(line)["row"] for line in whole.splitlines()}


def same(ids: Sequence[int], answered: Sequence[dict[int, float] | None]) -> bool:
    """Whether the teacher read the tokens the student will: a server tells with each place the token that is there."""
    return len(answered) == len(ids) and all(
        said is None or one in said for one, said in zip(ids, answered, strict=True)
    )


def refuse(model: str, differ: int, asked: int) -> None:
    """Raises RecipeError where more rows differ than text that no tokenizer takes back and forth can explain."""
    if differ > max(2, TOLERATED * asked):
        raise RecipeError(
            f"training.teacher.model: {model} reads {differ} of {asked} rows as other tokens than the student does; "
            "take a teacher of the student's family, or learn from its answers: training=distill_answers"
        )


def learnt(places: Sequence[int], answered: Sequence[dict[int, float] | None]) -> dict[str, Any]:
    """The teacher's word where the student learns, its likeliest tokens first."""
    said = [answered[place + 1] or {} for place in places]
    best = [sorted(one.items(), key=lambda pair: -pair[1]) for one in said]
    return {
        "ids": [[token for token, _ in one] for one in best],
        "logprobs": [[round(value, 5) for _, value in one] for one in best],
    }
