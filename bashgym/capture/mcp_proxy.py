"""`bashgym capture mcp -- COMMAND`: stands between an MCP client and its server, and keeps what they say.

Bytes pass unchanged and at once, in both directions; stderr is the server's own; signals go to the server; the exit
code is the server's (128 + its signal). What is said is written to `$BASHGYM_HOME/spool/mcp/<name>-<time>-<pid>.jsonl`
(mode 0600), one write a line: `{"ts", "direction": "client" | "server", "message": {...}}`, or `"raw"` with the text
of a line that is no JSON. The first line and the last are the proxy's own.

Capture fails open: what is said goes first to the other side and then to a thread of its own that writes. When the
disk is full, slow or read-only the proxy goes on without; what could not be kept is counted in the last line."""

import os
import queue
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from bashgym import jsonl, paths
from bashgym.capture import consent
from bashgym.errors import BashGymError
from bashgym.reading import excluded

BLOCK = 1 << 16  # bytes of one read
WAITING = 1 << 10  # blocks that may wait for the disk (64 MiB); more are dropped and counted
LONGEST = 64 << 20  # bytes; a longer line is not kept, but counted
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
SILENCE = 1.0  # seconds without output, after the server ended, that end the wait for its children's output
STALLED = 1.0  # seconds without a line written, after which a disk is given up when the server has ended
FINISH = 5.0  # seconds that a disk which still takes lines has then
NOT_FOUND, NOT_RUNNABLE = 127, 126  # as shells have it
USAGE = "capture mcp: name the server's command: bashgym capture mcp [--name NAME] -- COMMAND [ARGUMENT ...]"

Said = tuple[str, str, bytes, bool]  # time, direction, bytes, whether some before them are missing


def main(arguments: list[str]) -> int:
    """Runs the server behind the proxy; returns its exit code."""
    name, command = options(arguments)
    cwd = place()
    log = Log(name or Path(command[0]).name, cwd) if cwd else None
    return Proxy(command, log).run()


def options(arguments: list[str]) -> tuple[str | None, list[str]]:
    """The name and the command; what follows `--` is untouched. Raises BashGymError."""
    ours = arguments[: arguments.index("--")] if "--" in arguments else []
    command = arguments[len(ours) + 1 :] if "--" in arguments else arguments
    if ours and not (len(ours) == 2 and ours[0] == "--name") and not (len(ours) == 1 and ours[0].startswith("--name=")):
        raise BashGymError(f"{USAGE} (got {' '.join(ours)!r} before --)")
    if not command or ("--" not in arguments and command[0].startswith("-")):
        raise BashGymError(USAGE)
    return (ours[-1].removeprefix("--name=") if ours else None), command


def place() -> str | None:
    """The folder we are in; None where nothing may be written: while paused, or in an excluded folder."""
    try:
        cwd = str(Path.cwd())
        return None if consent.paused() or excluded.load().covers(cwd) else cwd
    except (OSError, BashGymError):
        return None  # what may be kept cannot be known; the server runs all the same


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Proxy:
    """One server, its client, and two threads that carry bytes between them."""

    def __init__(self, command: list[str], log: "Log | None") -> None:
        self.command = command
        self.log = log
        self.server: subprocess.Popen[bytes] | None = None
        self.early: list[int] = []  # signals that came before the server was there
        self.moved = 0.0  # when the server's output last moved
        self.sending = False  # whether some of it is on its way to the client

    def run(self) -> int:
        for name in SIGNALS:
            if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
                signal.signal(getattr(signal, name), self.forward)
        asked, told = os.pipe(), os.pipe()
        try:
            # what else the client opened for the server stays open
            self.server = subprocess.Popen(self.command, stdin=asked[0], stdout=told[1], close_fds=False)
        except OSError as error:
            print(f"bashgym: capture mcp: {self.command[0]}: {error.strerror}", file=sys.stderr)
            return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_RUNNABLE
        os.close(asked[0])
        os.close(told[1])
        for number in self.early:
            self.forward(number, None)
        if self.log:
            self.log.start()
        code = self.carry(self.server, asked[1], told[0])
        if self.log:
            self.log.finish(code)
        return code

    def forward(self, number: int, _frame: object) -> None:
        """The server decides what a signal means; the proxy ends when it does."""
        if self.server is None:
            self.early.append(number)
        elif self.server.poll() is None:
            self.server.send_signal(number)

    def carry(self, server: "subprocess.Popen[bytes]", to_server: int, from_server: int) -> int:
        """Until the server has ended and its output is through: its exit code."""
        threading.Thread(target=self.pump, args=("client", 0, to_server), daemon=True).start()
        told = threading.Thread(target=self.pump, args=("server", from_server, 1), daemon=True)
        told.start()
        code = server.wait()
        self.moved = time.monotonic()
        while told.is_alive() and (self.sending or waits(from_server) or time.monotonic() - self.moved < SILENCE):
            told.join(SILENCE / 10)
        return code if code >= 0 else 128 - code

    def pump(self, direction: str, source: int, target: int) -> None:
        """Carries bytes until one side closes, then closes the other, as a pipe would."""
        out = direction == "server"
        try:
            while data := received(source):
                self.sending |= out
                if self.log:  # first: whoever is sent it may answer and end before this goes on
                    self.log.keep(direction, data)
                sent(target, data)
                if out:
                    self.moved, self.sending = time.monotonic(), False
        except OSError:
            self.sending &= not out  # one side has gone; the other finds its own end closed
        if self.log:
            self.log.keep(direction, b"")
        close(source)
        close(target)


def waits(source: int) -> bool:
    """Whether there is something to read; closed by now is as good as no."""
    try:
        return bool(select.select([source], [], [], 0)[0])
    except OSError:
        return False


def received(source: int) -> bytes:
    """What is there, as soon as something is; empty at the end."""
    while True:
        try:
            return os.read(source, BLOCK)
        except BlockingIOError:
            select.select([source], [], [])


def sent(target: int, data: bytes) -> None:
    """All of it, also into a pipe that is full or does not block."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view) :]
        except BlockingIOError:
            select.select([], [target], [])


def close(number: int) -> None:
    """Closes our end. Standard input stays taken, so that no file that is opened later gets its number."""
    if number > 2:
        os.close(number)
    else:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, number)
        os.close(nothing)


class Log:
    """The file, written by a thread of its own."""

    def __init__(self, name: str, cwd: str) -> None:
        began = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        self.name = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII).strip(".")[:80] or "server"
        self.cwd = cwd
        self.file = f"{self.name}-{began}-{os.getpid()}.jsonl"
        self.waiting: queue.Queue[Said | None] = queue.Queue(WAITING)
        self.gaps: set[str] = set()  # directions of which the last block was dropped
        self.buffers: dict[str, bytearray] = {"client": bytearray(), "server": bytearray()}
        self.skipping: set[str] = set()  # directions of which nothing is kept up to the next line
        self.dropped: Counter[str] = Counter()  # blocks, by direction
        self.lost = 0  # lines
        self.written = 0
        self.descriptor: int | None = None
        self.torn = False  # the last line of the file is not whole
        self.thread = threading.Thread(target=self.work, daemon=True)

    def start(self) -> None:
        self.keep("proxy", jsonl.dumps({"server": self.name, "cwd": self.cwd, "pid": os.getpid()}))
        self.thread.start()

    def keep(self, direction: str, data: bytes) -> None:
        """Never waits: what does not fit is lost and counted. One thread for each direction."""
        try:
            self.waiting.put_nowait((now(), direction, data, direction in self.gaps))
            self.gaps.discard(direction)
        except queue.Full:
            self.gaps.add(direction)
            self.dropped[direction] += 1

    def finish(self, code: int) -> None:
        """Gives what waits time to reach the disk, for as long as the disk takes anything."""
        ended, last = time.monotonic(), -1
        try:
            self.waiting.put((now(), "proxy", b"%d" % code, False), timeout=STALLED)
            self.waiting.put(None, timeout=STALLED)
        except queue.Full:
            return
        while self.thread.is_alive() and self.written > last and time.monotonic() - ended < FINISH:
            last = self.written
            self.thread.join(STALLED)

    def work(self) -> None:
        while (said := self.waiting.get()) is not None:
            ts, direction, data, gap = said
            if gap:
                self.skipping.add(direction)
            if direction == "proxy":
                self.own(ts, data)
            elif data:
                self.framed(ts, direction, data)
            elif self.buffers[direction]:
                self.line(ts, direction, bytes(self.buffers[direction]), whole=False)

    def own(self, ts: str, data: bytes) -> None:
        """The proxy's first line says where it runs, its last how the server ended and what was not kept."""
        value = jsonl.parse(data)
        said = value if isinstance(value, dict) else {"exit_code": value, "lost": self.lost + self.dropped.total()}
        self.write(jsonl.dumps({"ts": ts, "direction": "proxy", **said}))

    def framed(self, ts: str, direction: str, data: bytes) -> None:
        """Lines out of blocks: a line may come in several, a block may hold several."""
        buffer = self.buffers[direction]
        *ended, rest = data.split(b"\n")
        for piece in ended:
            if direction in self.skipping:
                self.skipping.discard(direction)
            else:
                self.line(ts, direction, bytes(buffer + piece))
            buffer.clear()
        buffer += rest
        if len(buffer) > LONGEST:
            self.lost += 1
            self.skipping.add(direction)
        if direction in self.skipping:
            buffer.clear()

    def line(self, ts: str, direction: str, raw: bytes, whole: bool = True) -> None:
        """One line of the log: the message as it was, byte for byte, where it is JSON."""
        text = raw.strip()
        if not text:
            return
        try:
            jsonl.parse(text)
            said = b'"message":' + text
        except ValueError:
            said = b'"raw":' + jsonl.dumps(raw.decode("utf-8", "backslashreplace"))
        end = b"" if whole else b',"unfinished":true'
        self.write(b'{"ts":"%s","direction":"%s",%s%s}' % (ts.encode(), direction.encode(), said, end))

    def write(self, line: bytes) -> None:
        """One append; what cannot be written is counted, and the proxy goes on."""
        data = (b"\n" if self.torn else b"") + line + b"\n"
        try:
            if self.descriptor is None:
                folder = paths.spool() / "mcp"
                for one in (folder.parent, folder):
                    one.mkdir(exist_ok=True, mode=0o700)
                self.descriptor = os.open(folder / self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            written = os.write(self.descriptor, data)
            self.written += 1
        except OSError:
            self.lost += 1
            return
        if written < len(data):
            self.lost += 1
        self.torn = 0 < written < len(data)
