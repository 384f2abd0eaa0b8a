"""Ends a training that cannot come to anything, and says why in the last line of its log.

Thresholds are ours, chosen to end no training that still learns: NOT_FINITE logged values in a row that are no numbers
(one may come from a scaler of fp16), and a loss whose median over WINDOW log events is FACTOR times the lowest such
median so far while above the one it began with."""

import math
import statistics
from collections import deque
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

NOT_FINITE = 3
WINDOW = 20
FACTOR = 2.0
LOOKED_AT = 2000  # rows that are looked through for one token to train on


class TrainingStopped(RuntimeError):
    """Why there is no use in going on, and the way out."""


class Watch(TrainerCallback):
    """`rising`: whether a rising loss means anything; that of GRPO begins at nothing and may rise."""

    def __init__(self, rising: bool) -> None:
        self.rising = rising
        self.bad = 0
        self.losses: deque[float] = deque(maxlen=WINDOW)
        self.first: float | None = None
        self.lowest = math.inf

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        loader = kwargs.get("train_dataloader")
        if loader is not None:
            some_tokens(loader.dataset)
        for logs in state.log_history:  # a resumed training is compared with its beginning, not with where it went on
            if self.rising and "loss" in logs and math.isfinite(logs["loss"]):
                self.take(float(logs["loss"]))

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict | None = None, **_: Any
    ) -> None:
        # a loss that is no number is logged as the mean of those before it; its gradients are logged as they are
        seen = [float(logs[name]) for name in ("loss", "grad_norm") if name in (logs or {})]
        if not seen:
            return
        self.bad = 0 if all(map(math.isfinite, seen)) else self.bad + 1
        if self.bad >= NOT_FINITE:
            raise TrainingStopped(
                f"the loss is not a number any more (step {state.global_step}); lower training.learning_rate "
                f"(it is {args.learning_rate:g}), or set training.precision=fp32"
            )
        if self.rising and "loss" in (logs or {}) and not self.bad:
            self.follow(float(logs["loss"]), state.global_step, args.learning_rate)  # type: ignore[index]

    def follow(self, loss: float, step: int, rate: float) -> None:
        """Raises TrainingStopped when the loss has turned and risen for long."""
        median = self.take(loss)
        if median is not None and self.first and median > FACTOR * self.lowest and median > self.first:
            raise TrainingStopped(
                f"the loss rises: {median:.3g} at step {step}, after {self.lowest:.3g}; lower training.learning_rate "
                f"(it is {rate:g})"
            )

    def take(self, loss: float) -> float | None:
        """The median of the newest WINDOW losses, kept as the first and the lowest where it is; None before WINDOW."""
        self.losses.append(loss)
        if len(self.losses) < WINDOW:
            return None
        median = statistics.median(self.losses)
        self.first = median if self.first is None else self.first
        self.lowest = min(self.lowest, median)
        return median


def some_tokens(rows: Any) -> None:
    """Raises TrainingStopped when no row has a token to train on; rows of pairs have no labels to look at."""
    if not hasattr(rows, "__len__") or not len(rows) or "labels" not in rows[0]:
        return
    for at in range(min(len(rows), LOOKED_AT)):
        if any(label != -100 for label in rows[at]["labels"]):
            return
    raise TrainingStopped(
        f"not one of {len(rows)} rows has a token to train on; every turn of the assistant is cut off or masked: raise "
        "model.sequence_len, or look at a row with `bashgym examples show`"
    )
