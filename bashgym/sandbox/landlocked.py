"""The box of Landlock and seccomp, for containers where bubblewrap may not run: no namespace and no mount is needed.

Stricter than the others: no sockets at all (but pairs), no shared memory, no folder of this machine at another path;
/tmp is not there, TMPDIR is. Where we are root, the command gets a user id that nobody else has; elsewhere it is the
user, Landlock keeps its signals in (Linux 6.12), and system calls that change modes and owners do nothing."""

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from bashgym.sandbox import landlock, seccomp
from bashgym.sandbox.command import Command, Result
from bashgym.sandbox.supervise import Start, supervise
from bashgym.sandbox.system import FILES, FOLDERS, environment, hand_over, let_through, own_uid, scratch

ROOT = Path(__file__).resolve().parents[2]  # of the package that this is part of
START = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from bashgym.sandbox import jail; sys.exit(jail.main())"


class Landlock:
    name = "landlock"
    maps = False

    def lacking(self) -> str:
        if sys.platform != "linux":
            return "it is a part of Linux"
        version = landlock.version()
        if version < landlock.NEEDED:
            return f"this kernel has Landlock {version or 'off'}; {landlock.NEEDED} is needed (Linux 6.2)"
        if os.geteuid() != 0 and version < 6:
            return "this kernel's Landlock cannot keep signals in, which takes Linux 6.12 where we are not root"
        return "" if seccomp.known() else "there is no filter of system calls for this kind of processor"

    def run(self, command: Command) -> Result:
        """Raises ValueError where the folder is to be seen at another path."""
        if command.at not in (None, command.folder):
            raise ValueError(f"the {self.name} box cannot show {command.folder} as {command.at}")
        uid = own_uid()
        with scratch() as temporary:
            if uid is not None:
                let_through(command.folder)
                hand_over(command.folder, uid)
                hand_over(temporary, uid)
            order = {
                "argv": command.argv,
                "environment": environment(command, str(temporary / "home"), str(temporary / "tmp")),
                "cwd": os.path.normpath(command.folder / command.cwd),
                "readable": [*FOLDERS, *FILES, *map(str, command.readable)],
                "writable": [str(command.folder), str(temporary)],
                "limits": asdict(command.limits),
                "uid": uid,
                "parent": os.getpid(),
            }
            start = Start(
                argv=[sys.executable, "-I", "-S", "-c", START, json.dumps(order)],
                environment={"PATH": os.defpath},
                ending=signal.SIGTERM,
            )
            return supervise(start, command, (command.folder, temporary))
