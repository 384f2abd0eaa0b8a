"""One episode: a task's snapshot in a box, commands in turns, and the verdict on what they left behind.

What a Gymnasium environment, a trainer's rollouts and other frameworks' environments are made of here."""

import json
import re
import secrets
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bashgym.sandbox import Box, Command, Limits
from bashgym.tasks import snapshots
from bashgym.tasks.answers import blocks
from bashgym.tasks.record import Task
from bashgym.tasks.verify import Outcome, unpacked, verify_folder

SEEN_AT = "/task"  # where the agent sees the snapshot, in boxes that can show a folder under another path
SHELL = "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"
# the command runs in a shell of its own; on its way out it tells the folder it ended in, so that `cd` lasts
SCRIPT = 'trap \'printf "\\n%s%s\\n" "$BASHGYM_MARK" "$PWD"\' EXIT\neval "$1"'
CALL = re.compile(r"<tool_call>\s*(\{.*?\})\s*</tool_call>", re.S)
SUBMIT = "submit"
SHELLS = ("bash", "sh", "shell", "console")


@dataclass(frozen=True)
class Budget:
    """What one episode may take: turns, seconds together and of one command, characters of one observation."""

    turns: int = 10
    seconds: float = 300.0
    command_seconds: float = 30.0
    output_chars: int = 4000


class Turn(NamedTuple):
    """What came of one action. `ended`: the agent said so; `cut`: a limit did, and which one is in `reason`."""

    observation: str
    ended: bool = False
    cut: bool = False
    reason: str = ""
    exit_code: int | None = None


class Episode:
    """Use it once, and close it: `act(command)` until a turn ended or was cut, then `outcome()`."""

    def __init__(self, task: Task, box: Box, budget: Budget) -> None:
        self.task, self.box, self.budget = task, box, budget
        self.top = Path(tempfile.mkdtemp(prefix="bashgym-episode-"))
        self.folder = self.top / "work"
        with unpacked(task) as folder:
            shutil.copytree(folder, self.folder, symlinks=True)
        self.seen_at = Path(SEEN_AT) if box.maps else self.folder
        self.cwd = "."
        self.turns = 0
        self.began = time.monotonic()
        self.over = False
        self.judged: Outcome | None = None

    def act(self, action: str) -> Turn:
        """One command line, or `submit`. Raises ValueError once the episode is over."""
        if self.over:
            raise ValueError("the episode is over; begin another one")
        self.turns += 1
        if action.strip() == SUBMIT or not action.strip():
            self.over = True
            return Turn("", ended=True, reason="submitted" if action.strip() else "nothing was said")
        turn = self.command(action)
        left = self.budget.seconds - (time.monotonic() - self.began)
        if self.turns >= self.budget.turns:
            turn = turn._replace(cut=True, reason="turns")
        elif left <= 0:
            turn = turn._replace(cut=True, reason="time")
        self.over = turn.cut
        return turn

    def command(self, line: str) -> Turn:
        mark = secrets.token_hex(8)
        left = max(0.1, self.budget.seconds - (time.monotonic() - self.began))
        limit = {"memory_mb": 1024, "processes": 64, **self.task.limits}
        seconds = min(self.budget.command_seconds, left)
        result = self.box.run(
            Command(
                (SHELL, "-c", SCRIPT, "sh", line),
                self.folder,
                at=self.seen_at if self.box.maps else None,
                cwd=self.cwd,
                readable=tuple(Path(one) for one in self.task.readable),
                environment={**self.task.environment, "BASHGYM_MARK": mark},
                limits=Limits(
                    seconds=seconds,
                    cpu_seconds=max(1, round(seconds)),
                    memory_mb=int(limit["memory_mb"]),
                    processes=int(limit["processes"]),
                    file_mb=64,
                    disk_mb=512,
                    output_bytes=4 * self.budget.output_chars,
                ),
            )
        )
        said, told, rest = result.stdout.rpartition(f"\n{mark}")
        if told:
            self.cwd = self.within(rest.split("\n")[0])
        else:  # it was ended before it could tell
            said = result.stdout
        killed = f"\n[ended by its limit on {result.killed_by}]" if result.killed_by else ""
        code = f"\n[exit code {result.exit_code}]" if result.exit_code and not killed else ""
        text = shortened((said + result.stderr).rstrip(), self.budget.output_chars) + killed + code
        return Turn(text.strip() or "[no output]", exit_code=result.exit_code)

    def within(self, place: str) -> str:
        """The folder a command ended in, relative to the top; the top where it lies outside or is gone."""
        try:
            inner = Path(place).relative_to(self.seen_at)
        except ValueError:
            return "."
        there = self.folder / inner
        return str(inner) if there.is_dir() and there.resolve().is_relative_to(self.folder.resolve()) else "."

    def outcome(self) -> Outcome:
        """The verdict on the folder as it is; the episode is over with it."""
        self.over = True
        if self.judged is None:
            self.judged = verify_folder(self.task, self.folder, self.box)
        return self.judged

    def files(self) -> dict[str, str]:
        """The text files of the snapshot as they are now."""
        return snapshots.texts(self.folder)

    def close(self) -> None:
        shutil.rmtree(self.top, ignore_errors=True)


def shortened(text: str, most: int) -> str:
    """Half from its beginning and half from its end."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"


def command_of(reply: str) -> str:
    """What a reply wants to be run: the command of its tool call, else its last block of shell code; else `submit`."""
    for call in reversed(CALL.findall(reply)):
        try:
            arguments = json.loads(call).get("arguments") or {}
        except (ValueError, AttributeError):
            continue
        if isinstance(arguments, dict) and isinstance(arguments.get("command"), str):
            return str(arguments["command"])
    found = [one.text for one in blocks(reply) if one.info.split(" ")[0].lower() in SHELLS]
    return found[-1].strip() if found and found[-1].strip() else SUBMIT
