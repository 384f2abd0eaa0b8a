"""What of the machine a box shows, and who runs in it."""

import itertools
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bashgym.sandbox.command import Command, Limits

MB = 1 << 20
# programs and libraries; nothing of a user, no service's data
FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store")
FILES = (
    "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime",
    "/etc/mime.types", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/fonts", "/etc/protocols", "/etc/services",
)  # fmt: skip
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
# ids that neither distributions nor systemd hand out (systemd's table of UIDs calls them unused)
FIRST_UID, UIDS = 0x70000000, 0x0FFFFFFF
PARALLEL = 64  # boxes of one process at a time that surely have different ids
turns = itertools.count()


def own_uid() -> int | None:
    """A user id for one box, which nobody else has: limits of root's processes do not bite. None where we are not root.

    Made of our pid and a number, so that two boxes at a time differ; in a container with few ids, from its upper half
    of the first 65,536."""
    if os.geteuid() != 0:
        return None
    wanted = (os.getpid() * PARALLEL + next(turns) % PARALLEL) % UIDS
    if mapped(FIRST_UID + wanted):
        return FIRST_UID + wanted
    return 32_768 + wanted % 28_000


def mapped(uid: int) -> bool:
    """Whether this user namespace has the id."""
    try:
        lines = Path("/proc/self/uid_map").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return True
    return any(int(first) <= uid < int(first) + int(count) for first, _, count in map(str.split, lines))


def hand_over(folder: Path, uid: int) -> None:
    """Makes `uid` the owner of everything in the folder; links themselves, not what they point to."""
    os.lchown(folder, uid, uid)
    for place, folders, files in os.walk(folder):
        for name in itertools.chain(folders, files):
            os.lchown(os.path.join(place, name), uid, uid)  # noqa: PTH118 - thousands of files


def let_through(folder: Path) -> None:
    """Lets another user go through what lies above a folder to it, where that is a temporary folder of ours, which
    nobody else may enter. Others cannot list it, and its name is drawn."""
    above = folder.absolute().parent
    if above.parent == Path(tempfile.gettempdir()).absolute() and above.stat().st_uid == os.geteuid():
        above.chmod(above.stat().st_mode | 0o001)


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder with `home` and `tmp`, removed with whatever a hostile command made of it."""
    folder = Path(tempfile.mkdtemp(prefix="bashgym-box-"))
    try:
        for name in ("home", "tmp"):
            (folder / name).mkdir()
        yield folder
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Removes a tree, also one that a command made hard to remove: deeper than a path is long, or of folders that
    nobody may read. No link is followed."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        subprocess.run(["chmod", "-R", "u+rwx", "--", str(folder)], stderr=subprocess.DEVNULL, check=False)
        subprocess.run(["rm", "-rf", "--", str(folder)], check=True)


def environment(command: Command, home: str, tmp: str) -> dict[str, str]:
    """All that the command sees of an environment."""
    base: Mapping[str, str] = {"PATH": PATH, "HOME": home, "TMPDIR": tmp, "LANG": "C.UTF-8", "USER": "box"}
    return {**base, **command.environment}


def limiter(limits: Limits, uid: int | None) -> Callable[[], None]:
    """What a child does before it becomes the box: sets the limits that the kernel keeps for each process.

    RLIMIT_DATA and not RLIMIT_AS: node and Java reserve far more addresses than they use. Where we are not root the
    user's other processes count, too, so they are added."""
    processes = limits.processes + (0 if uid is not None else tasks_of(os.getuid()))
    bounds = {
        resource.RLIMIT_CPU: (limits.cpu_seconds, limits.cpu_seconds + 1),
        resource.RLIMIT_FSIZE: (limits.file_mb * MB,) * 2,
        resource.RLIMIT_DATA: (limits.memory_mb * MB,) * 2,
        resource.RLIMIT_NPROC: (processes,) * 2,
        resource.RLIMIT_NOFILE: (1024,) * 2,
        resource.RLIMIT_CORE: (0, 0),
    }

    def limit() -> None:
        for bound, (soft, hard) in bounds.items():
            most = resource.getrlimit(bound)[1]
            if most != resource.RLIM_INFINITY:
                soft, hard = min(soft, most), min(hard, most)
            resource.setrlimit(bound, (soft, hard))

    return limit


def tasks_of(uid: int) -> int:
    """Threads of all processes of a user, as RLIMIT_NPROC counts them."""
    total = 0
    for name in os.listdir("/proc") if Path("/proc").is_dir() else []:  # noqa: PTH208
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:  # noqa: PTH116
                total += len(os.listdir(f"/proc/{name}/task"))  # noqa: PTH208
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # ended meanwhile
    return total
