"""SkyPilot as the rest of the program sees it: calls into a process of its own, each with an end to its patience."""

import contextlib
import importlib.util
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from bashgym.errors import MissingPackage
from bashgym.rented import home

SHORT = 180.0  # seconds a call may take; the first one starts SkyPilot's server, which takes ten to thirty
LONG = 600.0  # to bring a machine down
BEAT = 2.0  # seconds without a line after which who follows a log is woken, to look at the clock
UNKNOWN = ("ClusterDoesNotExist",)  # what SkyPilot says of a cluster that it has none of


class SkyError(Exception):
    """SkyPilot said no: the type of its exception and its words."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(f"{type}: {message}")
        self.type = type


class NoAnswer(Exception):
    """Whether it was done is not known: SkyPilot did not answer in time, or its process ended."""


class Sky(Protocol):
    """What a life of a rented machine (bashgym/rented/life.py) asks of SkyPilot. Each call raises SkyError, NoAnswer.

    The names are those of bashgym/rented/driver.py."""

    def launch(self, task: str, name: str, secrets: Mapping[str, str], variables: Mapping[str, str]) -> str: ...

    def launched(self, request: str) -> dict[str, Any] | None: ...

    def requests(self, name: str) -> list[str]: ...

    def cancel_request(self, request: str) -> None: ...

    def cluster(self, name: str) -> dict[str, Any] | None: ...

    def jobs(self, name: str) -> list[int]: ...

    def job(self, name: str, job: int) -> str | None: ...

    def tail(self, name: str, job: int) -> Iterator[str | None]:
        """Lines from the log's beginning on, and None every few seconds without one."""

    def cancel(self, name: str, job: int) -> None: ...

    def down(self, name: str) -> None: ...

    def copy(
        self, name: str, source: str, target: Path, excluded: tuple[str, ...] = (), patience: float | None = None
    ) -> None:
        """A file or folder of the machine's, below its home, to this disk; for so many seconds at most."""

    def close(self, last: bool) -> None:
        """No more calls; where nothing else is rented there (`last`), nothing of SkyPilot's stays behind."""


class Process:
    """One driver process, started when it is first asked."""

    def __init__(self, cloud: str) -> None:
        self.cloud = cloud
        self.child: subprocess.Popen[bytes] | None = None
        self.rest = b""

    def ask(self, call: str, patience: float, **question: Any) -> Any:
        try:
            for line in self.lines(call, patience, question):
                if line is not None and "result" in line:
                    return line["result"]
        except KeyboardInterrupt:  # the answer that is still to come must not be taken for that to the next question
            self.end()
            raise
        raise NoAnswer(f"SkyPilot's process ended without an answer to {call}")

    def lines(self, call: str, patience: float | None, question: dict[str, Any]) -> Iterator[dict[str, Any] | None]:
        """Answers up to the result; None every BEAT seconds without one. Without `patience` it waits for ever."""
        child = self.started()
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps({"call": call, **question}).encode() + b"\n")
            child.stdin.flush()
        except OSError:
            self.end()
            raise NoAnswer(f"SkyPilot's process was gone at {call}") from None
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            line = self.line(min(BEAT, patience or BEAT))
            if line is None and deadline is not None and time.monotonic() > deadline:
                self.end()
                raise NoAnswer(f"SkyPilot gave no answer to {call} within {patience:.0f} seconds")
            if line is not None and "error" in line:
                raise SkyError(line["error"]["type"], line["error"]["message"])
            yield line
            if line is not None and "result" in line:
                return

    def started(self) -> subprocess.Popen[bytes]:
        if self.child is None or self.child.poll() is not None:
            if importlib.util.find_spec("sky") is None:
                raise MissingPackage("skypilot", "cloud")
            self.rest = b""
            place = home.place(self.cloud)
            self.child = subprocess.Popen(
                [sys.executable, "-m", "bashgym.rented.driver"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(place / "driver.log").open("ab"),
                cwd=place,
                env=home.variables(self.cloud),
                start_new_session=True,  # Ctrl-C is ours to answer
            )
        return self.child

    def line(self, patience: float) -> dict[str, Any] | None:
        """The next answer, None where none comes in time. Raises NoAnswer when the process has ended."""
        assert self.child is not None and self.child.stdout is not None
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.child.stdout], [], [], patience)
            if not ready:
                return None
            piece = os.read(self.child.stdout.fileno(), 1 << 16)
            if not piece:
                self.end()
                raise NoAnswer("SkyPilot's process ended")
            self.rest += piece
        raw, self.rest = self.rest.split(b"\n", 1)
        found: dict[str, Any] = json.loads(raw)
        return found

    def end(self) -> None:
        """The process alone: SkyPilot's server, which it may have started, has work of ours under way."""
        if self.child is None:
            return
        child, self.child = self.child, None
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


class Client:
    """The real one (see Sky): a process for the calls, one more while a log is followed."""

    def __init__(self, cloud: str) -> None:
        self.cloud = cloud
        self.process = Process(cloud)
        home.ready(cloud)
        home.unblock(cloud)

    def launch(self, task: str, name: str, secrets: Mapping[str, str], variables: Mapping[str, str]) -> str:
        question = {"task": task, "name": name, "secrets": dict(secrets), "variables": dict(variables)}
        return str(self.process.ask("launch", SHORT, **question))

    def launched(self, request: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.process.ask("launched", SHORT, request=request)
        return found

    def requests(self, name: str) -> list[str]:
        return [str(one) for one in self.process.ask("requests", SHORT, name=name)]

    def cancel_request(self, request: str) -> None:
        self.process.ask("cancel_request", SHORT, request=request)

    def cluster(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] | None = self.process.ask("cluster", SHORT, name=name)
        except SkyError as error:
            if error.type in UNKNOWN:
                return None
            raise
        return found

    def jobs(self, name: str) -> list[int]:
        return [int(one) for one in self.process.ask("jobs", SHORT, name=name)]

    def job(self, name: str, job: int) -> str | None:
        found: str | None = self.process.ask("job", SHORT, name=name, job=job)
        return found

    def tail(self, name: str, job: int) -> Iterator[str | None]:
        process = Process(self.cloud)
        try:
            for line in process.lines("tail", None, {"name": name, "job": job}):
                yield None if line is None else line.get("line")
        finally:
            process.end()

    def cancel(self, name: str, job: int) -> None:
        self.process.ask("cancel", SHORT, name=name, job=job)

    def down(self, name: str) -> None:
        try:
            self.process.ask("down", LONG, name=name)
        except SkyError as error:
            if error.type not in UNKNOWN:
                raise

    def copy(
        self, name: str, source: str, target: Path, excluded: tuple[str, ...] = (), patience: float | None = None
    ) -> None:
        ssh = home.ssh(self.cloud, name)
        # no links: results have none, and one of a stranger's would be read here, or uploaded, for what it points to
        command = ["rsync", "-a", "--no-links", "-z", "--partial", "--timeout=60", "-e", ssh]
        command += [f"--exclude={pattern}" for pattern in excluded]
        variables = home.variables(self.cloud)
        try:
            done = subprocess.run(
                [*command, f"{name}:{source}", str(target)],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                env=variables,
                start_new_session=True,
                check=False,
                timeout=patience,
            )
        except subprocess.TimeoutExpired:
            raise NoAnswer(f"{source} did not come within {patience:.0f} seconds") from None
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").split()
            raise NoAnswer(f"rsync ended with {done.returncode}: {' '.join(words)[-300:]}")

    def close(self, last: bool) -> None:
        """Nothing is rented there any more when it is `last`: a server that does not end by itself is killed."""
        try:
            if last:
                with contextlib.suppress(NoAnswer, SkyError):
                    self.process.ask("stop", SHORT)
        finally:
            self.process.end()
        if last:
            home.unblock(self.cloud, living=True)
            home.clean(self.cloud)
