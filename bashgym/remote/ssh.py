"""Another machine over ssh: programs of ours run there, and errors told with the way out. The system's own `ssh`."""

import json
import os
import re
import select
import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from bashgym import jsonl, paths
from bashgym.errors import RunFailed
from bashgym.remote.there import SIGN
from bashgym.training_log import CONTROL

LOST = 255  # what ssh ends with when it is the connection that failed
SILENCE = 60.0  # seconds without a sign of life after which a connection counts as lost
# Nothing is ever asked at a prompt, and a host nobody has vouched for is not spoken to. What the user's own
# configuration would add (forwardings, a shared connection that is kept open, commands) is left out.
OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": "15",
    "ServerAliveInterval": "10",
    "ServerAliveCountMax": "3",
    "ControlMaster": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "LogLevel": "ERROR",
}
SHIPPED = ("processes.py", "machine.py", "remote/there.py", "remote/supervisor.py")  # in this order
# How ssh says what is wrong, and the way out; {host} and {ssh} (the command by hand) are filled in.
REASONS = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed",
        "its host key is another one than the one you know, which may be an attack; find out why before you go on "
        "(`ssh-keygen -R` forgets the old key)",
    ),
    (
        r"[Hh]ost key (?:is )?known|Host key verification failed|No .* host key",
        "its host key is not known yet; connect once by hand and compare the fingerprint: {ssh}",
    ),
    (r"Permission denied", "it lets you in with none of your keys; make `{ssh}` work without a password first "
     "(ssh-copy-id, ssh-agent)"),
    (r"Could not resolve hostname|Name or service not known",
     "there is no host of that name; name one of your ssh configuration, or user@machine, in cloud.host"),
    (r"Connection refused", "nothing listens for ssh there; is it running? try: {ssh}"),
    (r"timed out|No route to host|Network is unreachable|not responding", "it does not answer; is it on? try: {ssh}"),
    (r"Can't open user config file|Bad configuration option|configuration options", "{said} (cloud.config_file)"),
)  # fmt: skip


class Unreachable(RunFailed):
    """The connection failed; what runs there goes on."""


class Machine(NamedTuple):
    """A host as ssh knows it, and the Python there that runs our programs."""

    host: str
    config_file: str = ""
    python: str = "python3"

    def ssh(self) -> list[str]:
        """The command up to the host."""
        chosen = ["-F", self.config_file] if self.config_file else []
        return ["ssh", "-T", "-x", "-a", *chosen, *(f"-o{name}={value}" for name, value in OPTIONS.items())]

    def by_hand(self, *words: str) -> str:
        chosen = ["-F", self.config_file] if self.config_file else []
        return shlex.join(["ssh", *chosen, self.host, *words])

    def ask(self, word: str, patience: float = 90.0, **arguments: Any) -> dict[str, Any]:
        """One answer. Raises Unreachable where the connection fails, RunFailed where the machine cannot do it."""
        command = [*self.ssh(), "--", self.host, interpreter(self.python)]
        sent = program(word, arguments).encode()
        try:
            done = subprocess.run(command, input=sent, capture_output=True, timeout=patience, start_new_session=True)
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{self.host}: no answer within {patience:g} seconds") from None
        except FileNotFoundError:
            raise RunFailed("there is no `ssh` on this machine; install OpenSSH's client") from None
        answers = list(map(parsed, done.stdout.splitlines()))
        told = next((one for one in answers if one is not None), None)
        if told is None:
            raise self.failure(done.returncode, done.stderr.decode(errors="replace"))
        return self.accepted(told)

    def listen(self, word: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Answers as they come, until the last. Raises as `ask` does, also after SILENCE seconds without any."""
        command = [*self.ssh(), "--", self.host, interpreter(self.python)]
        with (
            tempfile.TemporaryFile() as sent,
            tempfile.TemporaryFile() as errors,
        ):
            sent.write(program(word, arguments).encode())
            sent.seek(0)
            # a session of its own: Ctrl-C is ours to handle
            process = subprocess.Popen(
                command, stdin=sent, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
            )
            try:
                for line in lines(process):
                    if (told := parsed(line)) is not None:
                        yield self.accepted(told)
                code = process.wait(timeout=SILENCE)
            except subprocess.TimeoutExpired:
                raise Unreachable(f"{self.host}: no sign of life for {SILENCE:g} seconds") from None
            finally:
                process.kill()
                process.wait()
            if code:
                errors.seek(0)
                raise self.failure(code, errors.read().decode(errors="replace"))

    def accepted(self, told: dict[str, Any]) -> dict[str, Any]:
        if "refused" in told:
            raise RunFailed(f"{self.host}: {CONTROL.sub('', str(told['refused']))[:500]}")
        return told

    def failure(self, code: int, said: str) -> RunFailed:
        """The error for a call that brought no answer; `said` is what ssh or the machine wrote."""
        plain = [line.strip() for line in CONTROL.sub("", said).splitlines() if line.strip()]
        if code == LOST:
            last = plain[-1] if plain else "the connection failed"
            for pattern, way in REASONS:
                if re.search(pattern, said):
                    return Unreachable(f"{self.host}: {way.format(ssh=self.by_hand(), said=last)}")
            return Unreachable(f"{self.host}: {last[:300]}; try: {self.by_hand()}")
        if code in (126, 127):
            return RunFailed(f"{self.host}: no `{self.python}` there; name one with cloud.remote_python")
        return RunFailed(f"{self.host}: {(plain[-1] if plain else f'it ended with {code} and said nothing')[:300]}")


def interpreter(python: str) -> str:
    """The command for whatever shell the user has there; `~` is that user's home. Nothing else passes through it."""
    if python.startswith("~/"):
        return f'"$HOME"/{shlex.quote(python[2:])} -I -'
    return f"{shlex.quote(python)} -I -"


def supervisor(**arguments: Any) -> str:
    """The program that stays above a job; see bashgym/remote/supervisor.py."""
    return f"{modules()}sys.modules['bashgym.remote.supervisor'].main({json.dumps(arguments)!r})\n"


def program(word: str, arguments: dict[str, Any]) -> str:
    """One word with its arguments as a program of its own, from the modules it needs."""
    call = f"sys.modules['bashgym.remote.there'].run({word!r}, json.loads({json.dumps(arguments)!r}))"
    return f"{modules()}{call}\n"


@lru_cache
def modules() -> str:
    """Text that makes our modules; what annotations say is compiled as text, for the sake of an older Python."""
    sources = {f"bashgym.{name[:-3].replace('/', '.')}": (paths.HERE / name).read_text("utf-8") for name in SHIPPED}
    return (
        "import __future__, json, sys, types\n"
        "sys.modules['bashgym'] = types.ModuleType('bashgym')\n"
        f"for name, text in {sources!r}.items():\n"
        "    made = sys.modules[name] = types.ModuleType(name)\n"
        "    setattr(sys.modules['bashgym'], name.split('.')[-1], made)\n"
        "    exec(compile(text, name, 'exec', __future__.annotations.compiler_flag), made.__dict__)\n"
    )


def parsed(line: bytes) -> dict[str, Any] | None:
    """An answer of ours, or None for anything else that was printed."""
    at = line.find(SIGN.encode())
    return jsonl.parse(line[at + len(SIGN) :]) if at >= 0 else None


def lines(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """Lines of its output as they come; raises TimeoutExpired after SILENCE seconds without a byte."""
    assert process.stdout is not None
    out, rest = process.stdout.fileno(), b""
    while True:
        if not select.select([out], [], [], SILENCE)[0]:
            raise subprocess.TimeoutExpired(process.args, SILENCE)
        new = os.read(out, 1 << 16)
        if not new:
            return
        *whole, rest = (rest + new).split(b"\n")
        yield from whole
