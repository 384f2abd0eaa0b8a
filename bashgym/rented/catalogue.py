"""SkyPilot at arm's length: a HOME of its own for each cloud, and price lists where it will look for them.

Importing sky writes into HOME and would upload every cloud's key file found there to the machine it rents, so it
only ever sees `home()/sky/<cloud>`, with that cloud's prices and nothing of the user's environment. Quotes of all
clouds come from one HOME, `home()/sky/quotes`, in which there is no key at all (bashgym/rented/asking.py)."""

import csv
import datetime
import io
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from bashgym import jsonl, paths
from bashgym.rented.gpus import ANYWHERE, MEMORY

PRICES = Path(".sky/catalogs/v8")  # v8: what skypilot 0.14.1 reads (sky/skylet/constants.py)
INDEX = PRICES / "common" / "accelerators.csv"
# the clouds of skypilot 0.14.1, as its price lists spell them
NAMES = {
    "aws": "AWS",
    "azure": "Azure",
    "cudo": "Cudo",
    "do": "DO",
    "fluidstack": "Fluidstack",
    "gcp": "GCP",
    "hyperbolic": "Hyperbolic",
    "ibm": "IBM",
    "k8s": "Kubernetes",
    "kubernetes": "Kubernetes",
    "lambda": "Lambda",
    "mithril": "Mithril",
    "nebius": "Nebius",
    "oci": "OCI",
    "paperspace": "Paperspace",
    "primeintellect": "PrimeIntellect",
    "runpod": "RunPod",
    "scp": "SCP",
    "seeweb": "Seeweb",
    "shadeform": "Shadeform",
    "slurm": "Slurm",
    "ssh": "SSH",
    "vast": "Vast",
    "verda": "Verda",
    "vsphere": "vSphere",
    "yotta": "Yotta",
}
OWN = ("k8s", "kubernetes", "slurm", "ssh", "vsphere")  # machines their user has: nothing is rented, nothing priced
# the file a cloud's key is in; a cloud that is not here keeps more than one
KEYS = {
    "runpod": ".runpod/config.toml",
    "lambda": ".lambda_cloud/lambda_keys",
    "vast": ".config/vastai/vast_api_key",
    "aws": ".aws/credentials",
    "kubernetes": ".kube/config",
    "k8s": ".kube/config",
}
QUOTES = "quotes"
OLD = 14  # days after which a price list is said to be old
NOWHERE = "http://127.0.0.1:9"  # a quote needs no network: an attempt fails at once instead of hanging


class Prices(NamedTuple):
    """A cloud's price list on this disk: the file it came from and when that was written."""

    source: Path
    date: str

    def age(self) -> int:
        """Days."""
        return (datetime.datetime.now(tz=datetime.UTC).date() - datetime.date.fromisoformat(self.date)).days


def place(cloud: str) -> Path:
    """SkyPilot's HOME for one cloud."""
    folder = paths.home() / "sky" / cloud
    folder.mkdir(parents=True, exist_ok=True)
    for part in (folder.parent, folder):
        part.chmod(0o700)
    return folder


def prices(cloud: str) -> Prices | None:
    """The newest price list there is, put where SkyPilot will look; None when there is none on this machine.

    It is copied without SkyPilot's checksum beside it, which makes it a file that SkyPilot never fetches anew: what is
    rented is what was quoted."""
    users = Path(os.environ.get("SKY_RUNTIME_DIR") or Path.home())
    there = [home / PRICES / cloud / "vms.csv" for home in (place(cloud), users)]
    source = max((path for path in there if path.is_file()), key=lambda path: path.stat().st_mtime, default=None)
    for home in (place(cloud), place(QUOTES)):
        if source is not None:
            copied(source.parent, home / PRICES / cloud)
        index(home, users)
    if source is None:
        return None
    written = datetime.datetime.fromtimestamp(source.stat().st_mtime, tz=datetime.UTC)
    return Prices(source, written.date().isoformat())


def copied(source: Path, folder: Path) -> None:
    """The lists of one cloud, those that are not there yet as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.glob("*.csv"):
        ours = folder / file.name
        if ours != file and not (ours.exists() and ours.stat().st_mtime_ns == file.stat().st_mtime_ns):
            shutil.copy2(file, ours)


def index(home: Path, users: Path) -> None:
    """SkyPilot reads a list of all GPU names before it parses a task, and would fetch it from the network.

    It is the same whichever cloud is asked first: a process that has read another one would have to start anew."""
    found: dict[str, set[str]] = {}
    for one in {*NAMES, *(path.parent.name for path in (home / PRICES).glob("*/vms.csv"))}:
        lists = {home / PRICES / one / "vms.csv", *([users / PRICES / one / "vms.csv"] if one in MEMORY else ())}
        for name in {*MEMORY.get(one, ANYWHERE), *(name for file in lists for name in listed(file))}:
            found.setdefault(name, set()).add(NAMES.get(one, one))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["AcceleratorName", "Clouds"])
    writer.writerows([name, str(sorted(clouds))] for name, clouds in sorted(found.items()))
    file = home / INDEX
    if not file.exists() or file.read_bytes() != text.getvalue().encode():
        jsonl.replace(file, text.getvalue().encode())


def listed(file: Path) -> Iterable[str]:
    """The GPUs of a price list; none where there is no list."""
    if not file.is_file():
        return set()
    with file.open(newline="", encoding="utf-8") as lines:
        return {row.get("AcceleratorName") or "" for row in csv.DictReader(lines)} - {""}


def variables(folder: Path) -> dict[str, str]:
    """Nothing of the user's environment but where programs are: what is not passed on cannot be written down."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return kept | {
        "HOME": str(folder),
        "PYTHONPATH": str(paths.HERE.parent),
        "SKYPILOT_DISABLE_USAGE_COLLECTION": "1",
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "http_proxy": NOWHERE,
        "https_proxy": NOWHERE,
    }
