"""Files to another machine and back, by rsync over ssh: only what a job names; back only what its hashes vouch for."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bashgym.errors import PrivacyError, RecipeError, RunFailed
from bashgym.records import Job
from bashgym.remote.ssh import LOST, Machine, Unreachable
from bashgym.remote.there import listing
from bashgym.training_log import CONTROL

TRIES = 4  # an interrupted transfer goes on where it was
PATIENCE = 120  # seconds without a byte after which rsync gives up
# How rsync says what the way out depends on.
FULL = re.compile(r"No space left on device|Disk quota exceeded")
UNCLEAN = re.compile(r"is your shell clean|protocol version mismatch")
MISSING = re.compile(r"rsync: (?:command )?not found|remote command not found")
WRITING = 11
BROKEN = (12, 30, 35, LOST)  # protocol stream, two kinds of timeout, ssh itself


def leaving(job: Job) -> list[str]:
    """The job's uploads. Raises RecipeError for one that is not there, and PrivacyError for one that leads out of the
    job's folder, itself or by a link anywhere in it."""
    folder = Path(job.folder).resolve()
    for name in job.uploads:
        top = folder / name
        if not top.exists():
            raise RecipeError(f"upload {name} of job {job.name} is not in {job.folder}; run it again with --fresh")
        for path in (top, *(top.rglob("*") if top.is_dir() else ())):
            if Path(name).is_absolute() or not path.resolve().is_relative_to(folder):
                raise PrivacyError(f"upload {name}: {path} leads out of {job.folder}, so nothing leaves this machine")
    return list(job.uploads)


def send(machine: Machine, job: Job, there: str) -> None:
    """The job's uploads into its folder `there`; what lies in folders that are sent and is not here is removed there.

    Raises RunFailed with rsync's own words."""
    options = ["--relative", "--delete", "--copy-links", "--chmod=D700,F600", "--exclude=__pycache__"]
    names = [f"./{name}" for name in leaving(job)]
    rsync(machine, [*options, "--", *names, f"{machine.host}:{there}/"], Path(job.folder))


def fetch(machine: Machine, there: str, output: Path) -> None:
    """The checkpoint's files from the folder `there` into `output`, which is replaced only once every file's hash is
    the one taken there.

    Raises RunFailed where the disk does not suffice or the hashes differ, also after a second look at every byte."""
    wanted = machine.ask("hashes", patience=3600, folder=there)["files"]
    part = output.with_name(f"{output.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    room(wanted, part)
    for thorough in ([], ["--checksum"]):
        options = ["--delete", "--exclude=/checkpoint-*/", *thorough]
        rsync(machine, [*options, "--", f"{machine.host}:{there}/", f"./{part.name}/"], part.parent)
        if (found := listing(part)) == wanted:
            return replace(part, output)
    wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    raise RunFailed(f"{len(wrong)} files are not what {machine.host} has, {wrong[0]!r} among them; they lie in {part}")


def room(wanted: dict[str, list[object]], part: Path) -> None:
    here = sum(file.lstat().st_size for file in part.rglob("*"))
    missing = sum(int(str(size)) for size, _ in wanted.values()) - here
    free = shutil.disk_usage(part).free
    if free < missing:
        raise RunFailed(
            f"{part.parent}: {free / 1e9:.1f} GB free and {missing / 1e9:.1f} GB to be fetched; make room and run it "
            "again, the model stays where it is until then"
        )


def replace(part: Path, output: Path) -> None:
    aside = output.with_name(f"{output.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if output.exists():
        output.rename(aside)
    part.rename(output)
    shutil.rmtree(aside, ignore_errors=True)


def rsync(machine: Machine, words: Sequence[str], folder: Path, pause: Callable[[float], None] = time.sleep) -> None:
    """Raises Unreachable when the connection is lost time and again, RunFailed for what another try would not change.

    `-s` sends names past the shell over there; `-e` is read by rsync's own rules, see `quoted`."""
    shell = " ".join(map(quoted, machine.ssh()))
    command = ["rsync", "-rt", "-s", "--partial", f"--timeout={PATIENCE}", "-e", shell, *words]
    for number in range(TRIES):
        try:
            done = subprocess.run(
                command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, env=plain()
            )
        except FileNotFoundError:
            raise RunFailed("there is no `rsync` on this machine; install it") from None
        if done.returncode == 0:
            return
        error = failure(machine, done.returncode, done.stderr.decode(errors="replace"))
        if not isinstance(error, Unreachable) or number == TRIES - 1:
            raise error
        pause(2.0**number)


def failure(machine: Machine, code: int, said: str) -> RunFailed:
    """The error for what rsync ended with; `said` holds its words and those of ssh."""
    lines = [line.strip() for line in CONTROL.sub("", said).splitlines() if line.strip()] or ["it said nothing"]
    if full := [line for line in lines if FULL.search(line)]:
        return RunFailed(f"the disk is full: {full[0][:300]}; make room, and run it again")
    if MISSING.search(said):
        return RunFailed(f"{machine.host}: there is no rsync there; install it")
    if UNCLEAN.search(said):
        return RunFailed(f"{machine.host}: rsync is disturbed by what {machine.by_hand('true')} prints; silence that")
    if code in BROKEN:
        return machine.failure(LOST, "\n".join(line for line in lines if not line.startswith("rsync")) or lines[0])
    if code == WRITING:  # its reason may be lost with the connection
        return RunFailed(f"rsync with {machine.host}: a file cannot be written ({lines[0][:200]}); is the disk full?")
    return RunFailed(f"rsync with {machine.host} ended with {code}: {lines[0][:300]}")


def quoted(word: str) -> str:
    """As rsync splits its `-e`: at blanks, and a doubled quote within quotes is one."""
    return "'" + word.replace("'", "''") + "'"


def plain() -> dict[str, str]:
    """rsync's own variables could change what it copies and how."""
    return {name: value for name, value in os.environ.items() if not name.startswith("RSYNC_")} | {"LC_ALL": "C"}
