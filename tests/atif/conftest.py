"""Harbor's own models of ATIF, from its wheel. Its wheel wants Python 3.12, its models do not."""

import importlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

WHEEL = "harbor==0.25.0"


@pytest.fixture(scope="session")
def harbor(pytestconfig: pytest.Config):
    """The module `harbor.models.trajectories`, fetched once into pytest's cache folder."""
    folder = pytestconfig.cache.mkdir(WHEEL.replace("==", "-"))
    if not (folder / "harbor").is_dir():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        fetch = [*pip, "--only-binary=:all:", "--python-version=3.12", f"--dest={folder}", WHEEL]
        subprocess.run(fetch, check=True, timeout=300)
        (wheel,) = folder.glob("*.whl")
        unpack(wheel, folder)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("harbor.models.trajectories")
    sys.path.remove(str(folder))


def unpack(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            if name.startswith("harbor/models/trajectories/"):
                packed.extract(name, folder)
