"""The variables that a command in the training environment, or its installation, gets to see, and no others."""

import os
from dataclasses import dataclass
from pathlib import Path

from bashgym import paths

# fmt: off
KEPT = frozenset([
    "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "HF_HOME", "HF_HUB_CACHE", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
])
# fmt: on
KEPT_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "ROCR_", "HIP_", "NCCL_")
ONLINE = frozenset(["HF_TOKEN", "HF_ENDPOINT"])
PROXIES = frozenset(
    name for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY") for name in (proxy, proxy.lower())
)


@dataclass(frozen=True)
class Environment:
    """A Python with the training packages: ours, or one the user named."""

    python: Path

    @property
    def bin(self) -> Path:
        return self.python.parent


def variables(environment: Environment, run_folder: Path | None = None, online: bool = False) -> dict[str, str]:
    """What a command over there gets to see: no secret of the user, and a Hugging Face token only when `online`
    (a model is to be downloaded); else nothing there may reach a network for models. Nobody is told of the run."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith(KEPT_PREFIXES) or (online and name in ONLINE | PROXIES)
    }
    path = f"{environment.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, **ours(run_folder, online)}


def ours(run_folder: Path | None, online: bool) -> dict[str, str]:
    """Variables that we set ourselves, whatever the machine."""
    said = {
        "AXOLOTL_DO_NOT_TRACK": "1",  # with telemetry on and no network the process never exits
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "WANDB_MODE": "disabled",
        "TOKENIZERS_PARALLELISM": "false",
        # threads that spin while they wait made a training ten times slower beside other work on two cores
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
    }
    if not online:
        said |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
    if run_folder is not None:
        # copies of the dataset that the loader makes stay in the run's folder, with the dataset itself
        said |= {"PYTHONPATH": str(run_folder / paths.INSIDE)}
        said |= {"HF_DATASETS_CACHE": str(run_folder / "prepared" / "cache")}
    return said


def for_pip() -> dict[str, str]:
    """pip needs its own settings and the proxies, and nothing else of the user's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT | PROXIES | {"PATH"} or name.startswith((*KEPT_PREFIXES, "PIP_"))
    }
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }
