"""A measured model in; a version in the model registry, with its lineage, out."""

import hashlib
import time
from pathlib import Path

import orjson

from bashgym import pseudonyms
from bashgym.records import Dataset, ModelVersion, Score
from bashgym.stages import model_card
from bashgym.stages.context import Run
from bashgym.stages.train import Trained


def run_register(run: Run, dataset: Dataset, trained: Trained, scores: list[Score]) -> ModelVersion:
    """Adds the version once, however often the run is repeated, and moves the alias `latest` to it."""
    started = time.perf_counter()
    registry = run.plugin(run.recipe.one("model_registry"))
    content = run.manifest.content
    model_card.write(run, dataset, trained, scores)
    version = ModelVersion(
        name=run.recipe.model_name,
        path=trained.checkpoint.path,
        lineage={
            "run": content["run"],
            "run_folder": str(run.folder),
            "recipe": run.recipe.name,
            "overrides": " ".join(run.recipe.overrides),  # what tells the runs of a sweep apart
            "lock_sha256": run.recipe.lock_hash(),
            "sessions_sha256": content["sessions"]["sha256"],
            "dataset_sha256": dataset.sha256,
            "pseudonym_key": pseudonyms.key_id(pseudonyms.load_key()),
            "base": run.recipe.settings.model.base,
            "checkpoint_sha256": folder_sha256(Path(trained.checkpoint.path)),
        },
        scores=tuple(scores),
        created=content["started"],
    )
    version = registry.add(version, trained.curves)
    registry.alias(version.name, version.version, "latest")
    run.manifest.update(
        model={"name": version.name, "version": version.version, "path": version.path, "lineage": version.lineage}
    )
    run.manifest.stage(
        "register", 1, 1, {}, time.perf_counter() - started, registry=run.recipe.one("model_registry").label
    )
    return version


def folder_sha256(folder: Path) -> str:
    """One hash over names and bytes of a checkpoint's own files; intermediate checkpoint-N folders are left out."""
    digest: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file():
            with path.open("rb") as file:
                digest[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(orjson.dumps(digest, option=orjson.OPT_SORT_KEYS)).hexdigest()
