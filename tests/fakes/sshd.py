"""A real sshd on loopback, with keys and settings of its own: nothing of the user's or the system's is read or changed.

Whoever logs in is the user who runs the tests."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

SETTINGS = """\
Port {port}
ListenAddress 127.0.0.1
HostKey "{folder}/host_key"
PidFile "{folder}/sshd.pid"
AuthorizedKeysFile "{folder}/user_key.pub"
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PrintMotd no
"""
CLIENT = """\
Host box
    HostName 127.0.0.1
    Port {port}
    User {user}
    IdentityFile "{folder}/user_key"
    IdentitiesOnly yes
    UserKnownHostsFile "{folder}/known_hosts"
    GlobalKnownHostsFile none
"""


class Sshd:
    """`config` is the client's configuration; the host's name in it is `box`. `more` are lines of sshd's own."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder, self.more = folder, more
        self.program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if self.program is None:
            pytest.skip("needs sshd")
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        for name in ("host_key", "user_key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
        self.config = folder / "config"
        self.config.write_text(CLIENT.format(port=self.port, user=getpass.getuser(), folder=folder))
        self.vouched(folder / "host_key.pub")
        self.process: subprocess.Popen[bytes] | None = None

    def vouched(self, key: Path | None) -> None:
        """Which host key the client knows; None for none."""
        text = f"[127.0.0.1]:{self.port} {' '.join(key.read_text().split()[:2])}\n" if key else ""
        (self.folder / "known_hosts").write_text(text)

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd insists on it, as root
        settings = self.folder / "sshd_config"
        settings.write_text(SETTINGS.format(port=self.port, folder=self.folder) + self.more)
        with (self.folder / "sshd.log").open("ab") as log:
            self.process = subprocess.Popen([str(self.program), "-D", "-e", "-f", str(settings)], stderr=log)
        for _ in range(200):
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError((self.folder / "sshd.log").read_text())

    def __exit__(self, *_: object) -> None:
        if self.process:
            self.cut()
            self.process.kill()
            self.process.wait()

    def cut(self) -> int:
        """Kills what serves the connections there are, as a lost network does; how many there were."""
        assert self.process is not None
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        for pid in found:
            children = subprocess.run(["pgrep", "-P", pid], capture_output=True, text=True).stdout.split()
            for one in (*[child for child in children if "sshd" in name(child)], pid):
                subprocess.run(["kill", "-9", one], check=False)
        return len(found)


def name(pid: str) -> str:
    file = Path(f"/proc/{pid}/comm")
    return file.read_text() if file.exists() else ""
