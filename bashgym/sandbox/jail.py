"""A program: starts one command under Landlock, a filter of system calls and limits, and ends all it leaves behind.

`python -m bashgym.sandbox.jail JSON`. It stays outside itself: it adopts what the command's processes orphan (they
cannot leave its tree by setsid or a double fork), and ends them when the command ends, when it is told to (SIGTERM),
or when whoever started it dies."""

import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from bashgym.sandbox import landlock, seccomp
from bashgym.sandbox.command import Limits
from bashgym.sandbox.supervise import Task, descendants
from bashgym.sandbox.system import limiter

DEATH_SIGNAL, DUMPABLE, SECCOMP, SUBREAPER, NO_NEW_PRIVILEGES = 1, 4, 22, 36, 38  # prctl's options
CLEAR_AMBIENT, DROP_BOUND = (47, 4), 24
FILTER = 2
NOT_STARTED = 126
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
OF_PROC = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/version")


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def main() -> int:
    order = json.loads(sys.argv[1])
    prctl(SUBREAPER, 1)
    prctl(DEATH_SIGNAL, signal.SIGTERM)
    prctl(DUMPABLE, 0)
    signal.signal(signal.SIGTERM, stop)
    if os.getppid() != order["parent"]:
        return NOT_STARTED  # whoever started this is dead already
    child = os.fork()
    if child == 0:
        try:
            enter(order)
        except BaseException as error:
            print(f"the box cannot start {order['argv'][0]}: {error}", file=sys.stderr)
        os._exit(NOT_STARTED)
    status = ended(child)
    clear()
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def ended(child: int) -> int:
    """Waits for the command, and meanwhile buries what it orphaned."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return status


def enter(order: Mapping[str, Any]) -> None:
    """What the child does before it becomes the command: each step takes something that a later one needs."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    uid = order["uid"]
    os.setsid()
    limiter(Limits(**order["limits"]), uid)()
    system = [Path(path) for path in (*order["readable"], *OF_PROC)]
    rules = landlock.ruleset(system, [Path(path) for path in order["writable"]], [Path(path) for path in DEVICES])
    if uid is not None:
        become(uid)
    os.chdir(order["cwd"])
    prctl(NO_NEW_PRIVILEGES, 1)
    prctl(DUMPABLE, 1)  # an exec would do the same; before it, /proc/self would be root's
    landlock.restrict(rules)
    code = seccomp.program(network_namespace=False, same_user=uid is None)
    program = Program(len(code) // 8, code)
    prctl(SECCOMP, FILTER, ctypes.addressof(program))
    os.closerange(3, 1024)
    os.execvpe(order["argv"][0], order["argv"], order["environment"])


def become(uid: int) -> None:
    """The box's own user, without a way back."""
    capability = 0
    try:
        while True:
            prctl(DROP_BOUND, capability)
            capability += 1
    except OSError:
        pass  # the kernel knows no capability of this number: all are dropped
    prctl(*CLEAR_AMBIENT)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def prctl(option: int, *values: int) -> None:
    """Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    wide = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if library.prctl(ctypes.c_int(option), *wide) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def clear() -> None:
    """Ends all that is left: first everybody is stopped, so that nobody forks away, then killed."""
    stopped: set[Task] = set()
    while left := descendants(os.getpid()):
        fresh = set(left) - stopped
        for task in left:
            send(task.pid, signal.SIGSTOP if task in fresh else signal.SIGKILL)
        stopped |= fresh
        bury()
        if not fresh:
            time.sleep(0.001)


def send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # ended meanwhile


def bury() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return  # no child is left


def stop(number: int, frame: FrameType | None) -> None:
    """Told to end, or orphaned: everything ends."""
    clear()
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
