"""SkyPilot's home for one cloud while it rents: that cloud's key alone, a port of its own, nothing left afterwards."""

import contextlib
import fcntl
import os
import re
import shlex
import shutil
import signal
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from bashgym import jsonl, processes
from bashgym.errors import RecipeError
from bashgym.rented import catalogue

PORTS = range(47000, 49000)  # apart from SkyPilot's own 46580, where a server of the user's may run
# what it takes to reach a cloud from here; quotes (catalogue.variables) have no network and none of these
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
# Where SkyPilot writes what it is asked: `requests.db` has the values of secrets, logs may have them. What names
# machines (state.db), its ssh key, which the cloud knows by now, and price lists stay.
LEFT_BEHIND = (".sky/api_server", ".sky/generated", "sky_logs", ".sky/managed_jobs", ".sky/tmp", "driver.log")


def place(cloud: str) -> Path:
    return catalogue.place(cloud)


def port(cloud: str) -> int:
    """The same for all programs of this home, so that a later one finds the server of one that was killed."""
    return PORTS[zlib.crc32(str(place(cloud)).encode()) % len(PORTS)]


def variables(cloud: str) -> dict[str, str]:
    """The driver's environment: nothing of the user's but where programs are and how the network is reached."""
    quiet = catalogue.variables(place(cloud))
    names = [*NETWORK, *(name.lower() for name in NETWORK)]
    proxies = {name: os.environ[name] for name in names if os.environ.get(name)}
    kept = {name: value for name, value in quiet.items() if name.upper() not in NETWORK}
    return {**kept, **proxies, "SKYPILOT_API_SERVER_LOCAL_PORT": str(port(cloud)), "PYTHONUNBUFFERED": "1"}


def lacks(cloud: str) -> Iterator[str]:
    """What this machine must have before anything is rented, and has not."""
    for program in ("rsync", "ssh"):
        if shutil.which(program) is None:
            yield f"`{program}` is not installed here, and results are fetched with it; install it"
    name = catalogue.KEYS.get(cloud)
    if name and not (Path.home() / name).is_file() and not (place(cloud) / name).is_file():
        yield f"no key of {cloud} in ~/{name}; put it there"


def ready(cloud: str) -> None:
    """Puts this cloud's key there, readable for its owner alone. Raises RecipeError where the user has none."""
    name = catalogue.KEYS.get(cloud)
    if name is None:
        return
    users, ours = Path.home() / name, place(cloud) / name
    if users.is_file():
        jsonl.replace(ours, users.read_bytes())  # mode 0600 from its first byte on
    elif not ours.is_file():
        raise RecipeError(f"cloud={cloud}: no key of {cloud} in ~/{name}; put it there")


def unblock(cloud: str, living: bool = False) -> None:
    """Ends what a killed server of SkyPilot's left of itself in this home: its queue holds the port that the next one
    needs, so that nothing could be rented, nor brought down, any more. Linux; a living server stays, with its children,
    unless `living` ones are to end too."""
    wanted = {f"HOME={place(cloud)}".encode(), b"IS_SKYPILOT_SERVER=true"}
    table = processes.running()
    ours = {pid for pid in table if wanted <= set(processes.told(pid, "environ"))}
    for pid in ours:
        child = any(b"multiprocessing" in word for word in processes.told(pid, "cmdline"))
        if living or (child and table[pid].parent not in ours):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def clean(cloud: str) -> None:
    """Takes away the key, requests and logs. Call it when SkyPilot's server has ended and nothing is rented there."""
    folder = place(cloud)
    for name in (*LEFT_BEHIND, catalogue.KEYS.get(cloud)):
        path = folder / name if name else None
        if path is not None and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path is not None:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(cloud: str) -> Iterator[None]:
    """Held while an entry of the ledger is opened, and while this home is cleaned: the two must not meet."""
    with (place(cloud) / ".bashgym.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def ssh(cloud: str, name: str) -> str:
    """The ssh command, in one string, that reaches a cluster by the settings SkyPilot has written for it.

    They name keys as `~/.sky/...`, and ssh takes `~` for the user's home and not for HOME: paths are made whole."""
    folder = place(cloud)
    written = folder / ".sky" / "generated" / "ssh" / name
    text = written.read_text(encoding="utf-8") if written.exists() else ""
    whole = re.sub(r"(?<=[\s=])~(?=/)", str(folder).replace("\\", r"\\"), text)
    ours = folder / ".sky" / "generated" / f"bashgym-{name}"
    jsonl.replace(ours, whole.encode())
    return f"ssh -F {shlex.quote(str(ours))} -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15"


def by_hand(cloud: str, name: str) -> str:
    """What a person types who brings a machine down."""
    program = Path(sys.executable).parent / "sky"
    settings = f"HOME={shlex.quote(str(place(cloud)))} SKYPILOT_API_SERVER_LOCAL_PORT={port(cloud)}"
    return f"{settings} {program} down -y {name}"
