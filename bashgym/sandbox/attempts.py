"""What a probe tries inside a box: told as one line of JSON, name of the attempt -> why it failed, or "" for success.

Run as text by whatever Python the box has (3.8 on), so it imports nothing of ours."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(told: "dict[str, Any]") -> None:
    attempts = {
        "write inside": lambda: Path("inside").write_text("x", encoding="ascii"),
        "write outside": lambda: Path(told["outside"], "written").write_text("x", encoding="ascii"),
        "write to the system": lambda: Path("/usr/bashgym-probe").write_text("x", encoding="ascii"),
        "write to the root": lambda: Path("/bashgym-probe").write_text("x", encoding="ascii"),
        "read outside": lambda: Path(told["outside"], "secret").read_text(encoding="ascii"),
        "connect": lambda: socket.create_connection(("127.0.0.1", told["port"]), 1).close(),
        "connect to a socket file": lambda: socket.socket(socket.AF_UNIX).connect(told["outside"] + "/socket"),
        "signal outside": lambda: os.kill(told["pid"], 15),
        "memory": lambda: hog(told["memory_mb"]),
        "processes": lambda: many(told["processes"]),
    }
    answers = {name: tried(attempt) for name, attempt in attempts.items()}
    leave_behind()
    print(json.dumps({"answers": answers, "environment": sorted(os.environ)}))


def tried(attempt: "Callable[[], object]") -> str:
    try:
        attempt()
    except BaseException as error:
        return type(error).__name__ + ": " + str(error)
    return ""


def hog(megabytes: int) -> None:
    """Takes twice what is allowed, in a child of its own, which may be killed for it."""
    pid = os.fork()
    if pid == 0:
        try:
            taken = bytearray(megabytes << 21)
            os._exit(0 if taken else 1)
        except MemoryError:
            os._exit(1)
    if os.waitpid(pid, 0)[1]:
        raise MemoryError("as told")


def many(allowed: int) -> None:
    """Starts more processes than are allowed."""
    started = []
    try:
        for _ in range(allowed + 1):
            pid = os.fork()
            if pid == 0:
                time.sleep(20)
                os._exit(0)
            started.append(pid)
    finally:
        for pid in started:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def leave_behind() -> None:
    """A process that leaves its session and its parent, and would live on; its arguments tell who it was."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for stream in (0, 1, 2):
                os.close(stream)
            time.sleep(600)
        os._exit(0)
    os.wait()


main(json.loads(sys.argv[1]))
