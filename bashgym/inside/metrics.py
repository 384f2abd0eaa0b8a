"""An Axolotl plugin that writes one JSON line per event of a training, for whoever follows it.

Keys it adds to the Axolotl configuration: `bashgym_metrics` (the file, relative to where the training runs) and
`bashgym_rows` (how many rows the dataset has, so that rows the trainer left out are seen); `bashgym_rewards` (a digest
of the rewards, so that a training on others is another one).
A line: event (begin, log, eval, save, end), time (seconds since 1970), step, max_steps, epoch, loss, eval_loss,
grad_norm, lr, tokens (trained on so far), peak_bytes (at the end: the most memory in use), metrics (all that the
trainer reported, by its names); absent where unknown.
A resumed training appends to the same file: a step may come twice, the later line counts."""

import json
import math
import os
import time
from pathlib import Path
from typing import Any

import metrics_keys
import unfinished
from axolotl.integrations.base import BasePlugin
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from watch import Watch

NAMES = {"loss": "loss", "eval_loss": "eval_loss", "grad_norm": "grad_norm", "learning_rate": "lr"}
WITHOUT_A_FALLING_LOSS = ("grpo", "gdpo")  # begins at nothing: a policy compared with itself


class MetricsPlugin(BasePlugin):
    def get_input_args(self) -> str:
        return metrics_keys.NAME

    def pre_model_load(self, cfg: Any) -> None:
        """Before Axolotl looks for a checkpoint to go on from."""
        unfinished.remove(Path(cfg.output_dir))

    def add_callbacks_pre_trainer(self, cfg: Any, model: Any) -> list[TrainerCallback]:
        rising = str(getattr(cfg, "rl", None) or "").lower() not in WITHOUT_A_FALLING_LOSS
        return [Lines(Path(cfg.bashgym_metrics or "metrics.jsonl"), cfg.bashgym_rows), Watch(rising)]


class Lines(TrainerCallback):
    """Writes the lines; of several processes only the first one does."""

    def __init__(self, path: Path, rows: int | None) -> None:
        self.path, self.rows = path, rows
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, event: str, state: TrainerState, **more: Any) -> None:
        if not state.is_world_process_zero:
            return
        line = {"event": event, "time": time.time(), "step": state.global_step, "max_steps": state.max_steps}
        line |= {"epoch": state.epoch, **tokens(state), **more}
        text = json.dumps({key: value for key, value in line.items() if value is not None}, default=str) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        loader = kwargs.get("train_dataloader")
        kept = len(loader.dataset) if loader is not None and hasattr(loader.dataset, "__len__") else None
        left_out = self.rows - kept if self.rows is not None and kept is not None else None
        self.write("begin", state, rows=kept, left_out=left_out)

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict | None = None, **_: Any
    ) -> None:
        if not any(name.startswith("eval_") for name in logs or {}):  # on_evaluate has those
            self.write("log", state, **reported(logs or {}))

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict | None = None,
        **_: Any,
    ) -> None:
        self.write("eval", state, **reported(metrics or {}))

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.write("save", state, checkpoint=f"checkpoint-{state.global_step}")

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.write("end", state, peak_bytes=peak())


def peak() -> int | None:
    """The most memory in use at once: on the GPU where there is one, else of this process."""
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_reserved())
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # another system than Linux
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), None)


def tokens(state: TrainerState) -> dict[str, int]:
    """Tokens that were trained on (not masked) up to now, where the trainer counts them."""
    counted = getattr(state, "tokens", None) or {}
    return {"tokens": int(counted["trainable"])} if "trainable" in counted else {}


def reported(logs: dict[str, Any]) -> dict[str, Any]:
    """All values under the trainer's names, some under ours too; NaN and infinity become text, as JSON has neither."""
    values = {key: number(value) for key, value in logs.items() if key != "epoch"}
    known = {NAMES[key]: value for key, value in values.items() if key in NAMES}
    return {**known, "metrics": values}


def number(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return str(plain) if isinstance(plain, float) and not math.isfinite(plain) else plain
