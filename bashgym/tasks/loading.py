"""Reward plugins as they were when a job or an environment was made: their code beside a file that names it."""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

ORDER = "rewards.json"  # {rewards: [{label, file, sha256, config, apart}], selftest, episode}


class Refused(RuntimeError):
    """The rewards are not what they were, or cannot be trusted here."""


def order(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / ORDER).read_text(encoding="utf-8")))


def reward(folder: Path, told: dict[str, Any]) -> Any:
    """The plugin with its settings, one of a pack in a process of its own; raises Refused where its code is not what
    was meant."""
    path = folder / told["file"]
    if hashlib.sha256(path.read_bytes()).hexdigest() != told["sha256"]:
        raise Refused(f"reward.{told['label']}: {path} is not the file that this was made with")
    if told.get("apart"):
        from bashgym.tasks import apart

        return apart.Reward(folder, told)
    name = f"bashgym_reward_{told['label']}_{told['sha256'][:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks annotations up there
    spec.loader.exec_module(module)
    return module.Reward(module.Reward.Config(**told["config"]))
