"""The box of bubblewrap: namespaces of its own for files, processes, network and names, and a filter of system calls.

Where we are root, the command gets a user id that nobody else has (setpriv): the kernel's limit on processes does not
bite root. Elsewhere bubblewrap makes a user namespace."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bashgym.sandbox import seccomp
from bashgym.sandbox.command import Command, Result
from bashgym.sandbox.supervise import Start, supervise
from bashgym.sandbox.system import FILES, FOLDERS, environment, hand_over, limiter, own_uid, scratch

NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
# bytes of shared memory, which no other limit counts
SHARED = ("--perms", "1777", "--size", str(64 << 20), "--tmpfs", "/dev/shm")
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"


class Bubblewrap:
    name = "bubblewrap"
    maps = True

    def lacking(self) -> str:
        if shutil.which("bwrap") is None:
            return "it is not installed (apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap)"
        if os.geteuid() == 0 and shutil.which("setpriv") is None:
            return "setpriv is not installed, which gives root's boxes a user of their own (apt install util-linux)"
        return "" if seccomp.known() else "there is no filter of system calls for this kind of processor"

    def run(self, command: Command) -> Result:
        uid = own_uid()
        with scratch() as temporary, files(uid) as opened:
            if uid is not None:
                hand_over(command.folder, uid)
                hand_over(temporary, uid)
            start = Start(
                argv=arguments(command, temporary, uid, opened),
                environment=environment(command, "/tmp/home", "/tmp/tmp"),
                prepare=limiter(command.limits, uid),
                pass_fds=tuple(opened.values()),
            )
            return supervise(start, command, (command.folder, temporary))


@contextmanager
def files(uid: int | None) -> Iterator[dict[str, int]]:
    """Open files that bubblewrap copies into the box: names of its own instead of this machine's; and the filter."""
    number = os.getuid() if uid is None else uid
    texts = {
        "filter": seccomp.program(network_namespace=True),
        "/etc/passwd": f"root:x:0:0::/:/bin/false\nbox:x:{number}:{number}::/tmp/home:/bin/sh\n".encode(),
        "/etc/group": f"root:x:0:\nbox:x:{number}:\n".encode(),
        "/etc/hosts": HOSTS.encode(),
        "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
    }
    opened = {}
    try:
        for name, text in texts.items():
            with tempfile.TemporaryFile() as file:
                file.write(text)
                file.seek(0)
                opened[name] = os.dup(file.fileno())
        yield opened
    finally:
        for descriptor in opened.values():
            os.close(descriptor)


def arguments(command: Command, temporary: Path, uid: int | None, opened: dict[str, int]) -> list[str]:
    """The command line; later mounts lie on top of earlier ones, so the folder comes first and what is only to be
    read within it after it."""
    at = str(command.at or command.folder)
    line = ["bwrap", *NAMESPACES, "--die-with-parent", "--new-session", "--hostname", "box"]
    line += ["--unshare-user"] if uid is None else []
    for place in FOLDERS:
        path = Path(place)
        if path.is_symlink():
            line += ["--symlink", str(path.readlink()), place]
        elif path.exists():
            line += ["--ro-bind", place, place]
    line += ["--perms", "0755", "--dir", "/etc"]
    for place in filter(os.path.exists, FILES):
        line += [*above(place), "--ro-bind", place, place]
    for name, descriptor in opened.items():
        how = ["--perms", "0444", "--ro-bind-data", str(descriptor), name]
        line += ["--seccomp", str(descriptor)] if name == "filter" else how
    line += ["--proc", "/proc", "--dev", "/dev", *SHARED]
    line += ["--bind", str(temporary), "/tmp", *above(at), "--bind", str(command.folder), at]
    for path in command.readable:
        line += [*above(str(path)), "--ro-bind", str(path), str(path)]
    line += ["--remount-ro", "/dev", "--remount-ro", "/"]
    # the folder is the box's own user's, so that only this user may go there
    enter = ["sh", "-c", 'cd -- "$0" && exec "$@"', os.path.normpath(Path(at) / command.cwd)]
    return [*line, *identity(uid), *enter, *command.argv]


def above(path: str) -> list[str]:
    """The folders on the way to a mount, for everybody to pass: bubblewrap would make them for root alone."""
    parents = [str(parent) for parent in reversed(Path(path).parents) if parent != Path("/")]
    return [word for parent in parents for word in ("--perms", "0755", "--dir", parent)]


def identity(uid: int | None) -> list[str]:
    """How the command loses root."""
    if uid is None:
        return ["--cap-drop", "ALL", "--"]
    line = ["--cap-drop", "ALL"]
    for capability in ("SETUID", "SETGID", "SETPCAP"):
        line += ["--cap-add", f"CAP_{capability}"]
    setpriv = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--inh-caps=-all"]
    return [*line, "--", *setpriv, "--bounding-set=-all", "--"]
