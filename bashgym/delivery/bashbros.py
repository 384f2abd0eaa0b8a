"""BashBros: an adapter as it looks for it in ~/.bashgym/integration/models/adapters, NAME/ for NAME/."""

import json
from pathlib import Path

from bashgym import environment, jsonl
from bashgym.delivery.weights import Trained

PURPOSES = ("general", "suggest", "safety", "route", "explain", "fix", "script")  # what BashBros asks adapters for


def write(trained: Trained, folder: Path, name: str, purpose: str, base_name: str) -> None:
    """An adapter as BashBros looks for it: NAME/adapter.gguf beside NAME/manifest.json.

    `quality` is the model's first share of right answers; without one it is 0, and the evidence says missing."""
    environment.place(trained.run)
    where, log = environment.Environment(environment.python()), trained.run / "logs" / "gguf.log"
    command = [
        "python",
        "-m",
        "gguf_lora",
        "--adapter",
        str(trained.checkpoint),
        "--base",
        trained.config["base_model"],
    ]
    folder.mkdir(parents=True)
    environment.run(where, [*command, "--out", str((folder / "adapter.gguf").resolve())], trained.run, log)
    version = trained.version
    shares = [one for one in version.scores if one.role == "trained" and one.higher_is_better and one.value is not None]
    manifest = {
        "name": name,
        "baseModel": base_name,
        "purpose": purpose,
        "trainedAt": version.created,
        "tracesUsed": sessions(trained),
        "qualityScore": shares[0].value if shares else 0,
        "qualityMetric": f"{shares[0].benchmark}/{shares[0].metric}" if shares else "",
        "qualityEvidence": shares[0].evidence if shares else "missing",
        "version": version.version,
    }
    jsonl.replace(folder / "manifest.json", json.dumps(manifest, indent=2).encode())


def sessions(trained: Trained) -> int:
    """Sessions that it was trained on; rows without one are counted each."""
    file = trained.run / "dataset" / "train.jsonl"
    lines = jsonl.read_lines(file) if file.is_file() else ()
    return len({(line.value.get("meta") or {}).get("session") or line.number for line in lines})
