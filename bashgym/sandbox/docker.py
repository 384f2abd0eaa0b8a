"""The box of Docker: a container without network and capabilities, whose files are this machine's own programs.

The image it starts from is empty and made here, so nothing is downloaded and what runs inside is what runs outside.
Where the machine's programs are none of Linux (macOS, Windows), an image has to be named that is there already."""

import os
import shutil
import subprocess
import sys
import tarfile
import uuid
from io import BytesIO
from pathlib import Path

from bashgym.sandbox.command import Command, NoBox, Result
from bashgym.sandbox.supervise import Start, supervise
from bashgym.sandbox.system import FILES, FOLDERS, environment, hand_over, own_uid, scratch

IMAGE = "bashgym-box:empty"
ASK = 10.0  # seconds for an answer of the daemon
GRACE = 5.0  # seconds after which a container ends by itself, should nobody be left to end it


class Docker:
    name = "docker"
    maps = True

    def __init__(self, image: str = "") -> None:
        self.image = image

    def lacking(self) -> str:
        if shutil.which("docker") is None:
            return "it is not installed (docs.docker.com/get-docker)"
        answer = ask("info", "--format", "{{.OSType}}")
        if answer is None:
            return "its daemon does not answer (start Docker, and see that you may use it)"
        if answer != "linux":
            return f"its containers are of {answer}; switch it to Linux containers"
        if not self.image and sys.platform != "linux":
            return "the programs of this machine cannot run in it: name an image that is there, with sandbox.image"
        if self.image and ask("image", "inspect", self.image) is None:
            return f"the image {self.image} is not there (docker pull {self.image})"
        return ""

    def run(self, command: Command) -> Result:
        name = f"bashgym-{uuid.uuid4().hex}"
        uid = own_uid()
        image = self.image or empty_image()
        with scratch() as temporary:
            if uid is not None:
                hand_over(command.folder, uid)
                hand_over(temporary, uid)
            start = Start(
                argv=arguments(command, temporary, uid, name, image, bare=not self.image),
                environment=dict(os.environ),  # of the client alone: where the daemon is, and who we are to it
                watched=False,
                at_kill=lambda: remove(name),
            )
            try:
                return supervise(start, command, (command.folder, temporary))
            finally:
                remove(name)


def ask(*words: str) -> str | None:
    """What the client prints; None where it fails or does not answer in time."""
    try:
        answer = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=ASK, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def remove(name: str) -> None:
    """Ends and removes the container; one that is gone already is none."""
    ask("rm", "--force", name)


def empty_image() -> str:
    """The image without a file, made where it is not there yet."""
    if ask("image", "inspect", IMAGE) is None:
        archive = BytesIO()
        tarfile.open(fileobj=archive, mode="w").close()
        made = subprocess.run(
            ["docker", "import", "-", IMAGE], input=archive.getvalue(), capture_output=True, timeout=ASK, check=False
        )
        if made.returncode:
            raise NoBox(f"docker: the empty image cannot be made: {made.stderr.decode(errors='replace').strip()}")
    return IMAGE


def arguments(command: Command, temporary: Path, uid: int | None, name: str, image: str, bare: bool) -> list[str]:
    """The command line of the client; coreutils' timeout ends the container should we be killed."""
    limits, user = command.limits, os.getuid() if uid is None else uid
    at = str(command.at or command.folder)
    memory = f"{limits.memory_mb}m"
    line = ["docker", "run", "--rm", "--name", name, "--network", "none", "--read-only", "--cap-drop", "ALL"]
    line += ["--security-opt", "no-new-privileges", "--pull", "never", "--log-driver", "none", "--hostname", "box"]
    line += ["--user", f"{user}:{user}", "--pids-limit", str(limits.processes), "--memory", memory]
    line += ["--memory-swap", memory, "--ulimit", f"cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}"]
    line += ["--ulimit", f"fsize={limits.file_mb << 20}", "--ulimit", "core=0", "--ulimit", "nofile=1024"]
    line += ["--shm-size", "64m", "--ipc", "private", "--oom-score-adj", "1000", "--interactive"]
    line += ["--workdir", os.path.normpath(Path(at) / command.cwd)]
    for place in (*FOLDERS, *FILES) if bare else ():
        if Path(place).exists():
            line += ["--volume", f"{Path(place).resolve()}:{place}:ro"]
    line += ["--volume", f"{temporary}:/tmp", "--volume", f"{command.folder}:{at}"]
    for path in command.readable:
        line += ["--volume", f"{path}:{path}:ro"]
    for key, value in environment(command, "/tmp/home", "/tmp/tmp").items():
        line += ["--env", f"{key}={value}"]
    return [*line, image, "timeout", "-s", "KILL", str(limits.seconds + GRACE), *command.argv]
