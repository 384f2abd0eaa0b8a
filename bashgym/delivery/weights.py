"""The whole model of a version in a folder: a copy of what was trained, or its adapter merged by Axolotl."""

import shutil
from pathlib import Path
from typing import Any

from bashgym import axolotl, checkpoint, environment, jsonl, yamls
from bashgym.errors import InputError
from bashgym.records import ModelVersion
from bashgym.training import job

TEMPLATE = "chat_template.jinja"
NOT_THE_MODEL = ("training_args.bin", "debug.log", "trainer_state.json", "README.md")


class Trained:
    """A version's run as it lies on this disk. Raises InputError, with the way out, where it is gone or cut short."""

    def __init__(self, version: ModelVersion) -> None:
        self.version = version
        self.run = Path(version.lineage.get("run_folder") or version.path)
        self.checkpoint = Path(version.path)
        lacking = checkpoint.lacks(self.checkpoint)
        name = f"{version.name}@{version.version}"
        if lacking:
            raise InputError(f"{name}: {self.checkpoint}: {lacking}; train it again: bashgym run recipe={version.name}")
        if not (self.run / axolotl.CONFIG).is_file():
            raise InputError(f"{name}: {self.run} has no {axolotl.CONFIG}, so nobody can tell how it was trained")
        self.config: dict[str, Any] = yamls.load((self.run / axolotl.CONFIG).read_text(encoding="utf-8"))

    @property
    def adapter(self) -> bool:
        return (self.checkpoint / "adapter_config.json").is_file()

    @property
    def template(self) -> str | None:
        """The chat template that it was trained with; None for the tokenizer's own."""
        named = self.config.get("chat_template_jinja")
        return (self.run / named).read_text(encoding="utf-8") if named else None


def whole(trained: Trained, folder: Path) -> None:
    """Writes the model into `folder`, with the template it was trained with as its own.

    Raises RunFailed, naming the log, where the merge fails."""
    source = merged(trained) if trained.adapter else trained.checkpoint
    folder.mkdir(parents=True)
    for file in sorted(source.iterdir()):
        if file.is_file() and file.name not in NOT_THE_MODEL:
            shutil.copy2(file, folder / file.name)
    if trained.template is not None:
        jsonl.replace(folder / TEMPLATE, trained.template.encode())


def reader(trained: Trained, folder: Path) -> None:
    """Writes tokenizer and template alone into `folder`: all that is needed to see what a model would read."""
    folder.mkdir(parents=True)
    for file in sorted(trained.checkpoint.iterdir()):
        if file.is_file() and file.suffix in (".json", ".txt", ".model", ".jinja") and "index" not in file.name:
            shutil.copy2(file, folder / file.name)
    (folder / "adapter_config.json").unlink(missing_ok=True)
    if trained.template is not None:
        jsonl.replace(folder / TEMPLATE, trained.template.encode())


def merged(trained: Trained) -> Path:
    """The adapter and its base as one model, by `axolotl merge-lora` in the run's folder; some ten seconds and more."""
    environment.place(trained.run)
    where = environment.Environment(environment.python())
    local = axolotl.is_local(trained.config, trained.run)
    log = trained.run / "logs" / "merge.log"
    command = ["axolotl", "merge-lora", axolotl.CONFIG]
    environment.run(where, command, trained.run, log, env=job.surroundings(local), online=not local)
    made = trained.checkpoint / "merged"
    lacking = checkpoint.lacks(made)
    if lacking:
        raise InputError(f"{made}: {lacking}; the log: {log}")
    return made


def ends(trained: Trained, folder: Path) -> list[str]:
    """The tokens that end a turn, by which a server knows when to stop."""
    named = list(trained.config.get("eot_tokens") or [])
    settings = jsonl.parse((folder / "tokenizer_config.json").read_bytes())
    own = settings.get("eos_token")
    own = own.get("content") if isinstance(own, dict) else own
    return list(dict.fromkeys([*named, *([own] if own else [])]))
