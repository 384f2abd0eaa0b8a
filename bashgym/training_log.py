"""What a training leaves while it runs, read for whoever follows it: metric lines, and a log with a cause of death."""

import re
from pathlib import Path

from bashgym import jsonl
from bashgym.records import Progress

ERROR = re.compile(
    r"^(?:\[?rank\d+\]?:\s*)?((?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit|Killed|OutOfMemory|Stopped)\w*(?::.*)?)$"
)
OURS = "watch.TrainingStopped: "  # bashgym/inside/watch.py: says what was wrong and the way out
# How the trainings that fail most often say so, and the way out. Each was provoked with the pinned Axolotl.
ENDS = tuple(
    (re.compile(pattern), told)
    for pattern, told in (
        (
            r"CUDA out of memory|torch\.(?:cuda\.)?OutOfMemoryError|HIP out of memory",
            "the GPU's memory did not suffice; lower training.batch_size (raise training.gradient_accumulation by as "
            "much), lower model.sequence_len, or train an adapter: training=sft_lora, training=sft_qlora",
        ),
        (
            r"DefaultCPUAllocator: can't allocate memory|^MemoryError|Cannot allocate memory|std::bad_alloc",
            "this machine's memory did not suffice; lower training.batch_size (raise training.gradient_accumulation by "
            "as much), or lower model.sequence_len",
        ),
        (
            r"No space left on device|Disk quota exceeded|PytorchStreamWriter failed|os error 28\b",
            "the disk is full; make room, or set run_dir=PATH on another disk; the same command goes on from the last "
            "whole checkpoint",
        ),
        (
            r"num_samples should be a positive integer value, but got num_samples=0",
            "no row was left to train on: each is longer than model.sequence_len; raise it",
        ),
        (
            r"tokenizer's chat_template is null|tokenizer\.chat_template is not set",
            "the model's tokenizer has no chat template; take one of ours: model.chat_template=chatml_tools, or "
            "llama2_tools for Llama 2 and CodeLlama",
        ),
    )
)
LAUNCHERS = ("CalledProcessError", "ChildFailedError")  # raised above the process that failed; the cause came before
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def reason(log: Path, code: int | None) -> str:
    """One line: the last error in the log that is a cause, else its last line; what killed it where something did."""
    if code is None:
        return "it vanished without an exit code (killed, or the machine was restarted)"
    if code == 137:  # what a shell says of SIGKILL
        return (
            "it was killed, often by the system for want of memory; lower training.batch_size (raise "
            "training.gradient_accumulation by as much), or lower model.sequence_len"
        )
    plain = [CONTROL.sub("", line[:2000]).strip() for line in tail(log).replace("\r", "\n").split("\n")]
    for pattern, told in ENDS:
        if any(pattern.search(line) for line in plain):
            return told
    errors = [match[1] for line in plain if (match := ERROR.match(line))]
    causes = [line for line in errors if not any(name in line.split(":")[0] for name in LAUNCHERS)]
    own = [line.split(": ", 1)[1] for line in causes if line.startswith(OURS)]
    shown = own or causes or errors or [line for line in plain if line]
    return shown[-1][:500] if shown else f"exit code {code} and an empty log"


def tail(log: Path, size: int = 65536) -> str:
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode(errors="replace")


def metrics(path: Path, offset: int, final: bool) -> tuple[int, list[Progress]]:
    """Whole metric lines after `offset` and the offset after them; a half line counts only when no more comes."""
    if not path.exists():
        return offset, []
    with path.open("rb") as file:
        if path.stat().st_size < offset:  # begun anew
            offset = 0
        file.seek(offset)
        new = file.read()
    if not final:
        new = new[: new.rfind(b"\n") + 1]
    return offset + len(new), [event(raw) for raw in new.split(b"\n") if raw.strip()]


def event(raw: bytes) -> Progress:
    try:
        value = jsonl.parse(raw)
    except ValueError as error:
        value = str(error)
    if isinstance(value, dict):
        return Progress(kind="metric", data=value)
    return Progress(kind="log", data={"message": f"metrics: a line that is no JSON object ({raw[:80]!r})"})
