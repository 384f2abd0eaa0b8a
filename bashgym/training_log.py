"""What a training leaves while it runs, read for whoever follows it: metric lines, and a log with a cause of death."""

import re
from pathlib import Path

from bashgym import jsonl
from bashgym.records import Progress

ERROR = re.compile(
    r"^(?:\[?rank\d+\]?:\s*)?((?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt|Exit|Killed|OutOfMemory)\w*(?::.*)?)$"
)
LAUNCHERS = ("CalledProcessError", "ChildFailedError")  # raised above the process that failed; the cause came before
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def reason(log: Path, code: int | None) -> str:
    """One line: the last error in the log that is a cause, else its last line; what killed it where something did."""
    if code is None:
        return "it vanished without an exit code (killed, or the machine was restarted)"
    if code == 137:  # what a shell says of SIGKILL
        return "it was killed, often by the system for want of memory"
    plain = [CONTROL.sub("", line[:2000]).strip() for line in tail(log).replace("\r", "\n").split("\n")]
    errors = [match[1] for line in plain if (match := ERROR.match(line))]
    causes = [line for line in errors if not any(name in line.split(":")[0] for name in LAUNCHERS)]
    shown = causes or errors or [line for line in plain if line]
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
