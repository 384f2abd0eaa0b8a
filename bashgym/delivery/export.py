"""A registered model written into a folder for a server, refused where it would be shown other text than it learnt."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from bashgym import jsonl
from bashgym.delivery import bashbros, ollama, parity
from bashgym.delivery.weights import TEMPLATE, Trained, ends, reader, whole
from bashgym.errors import InputError
from bashgym.records import ModelVersion

To = Literal["merged", "vllm", "ollama", "bashbros"]
TARGETS: tuple[To, ...] = ("ollama", "vllm", "bashbros", "merged")
NOTE = "parity.json"


def export(
    version: ModelVersion, to: To, folder: Path, say: Callable[[str], None], *, purpose: str = "general",
    base_name: str = "", checked: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """What was written: {folder, to, command, parity}. The folder is there whole or not at all.

    Raises InputError where the folder is not empty or the version's run is gone, TemplateDiffers, RunFailed."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder}: there is something already; name a folder that is empty or not there yet")
    trained = Trained(version)
    if to == "bashbros" and not trained.adapter:
        raise InputError(
            f"{version.name}@{version.version}: BashBros takes LoRA adapters and this is a whole model; train with "
            "training=sft_lora, or export it --to ollama"
        )
    if to == "bashbros" and not base_name:
        raise InputError(
            "models export: BashBros puts the adapter on a model of Ollama; name that: --base-name qwen2.5-coder:1.5b"
        )
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        model = part / "model" if to in ("ollama", "bashbros") else part
        if model == part:
            part.rmdir()
        say("merging the adapter into its base" if trained.adapter and to != "bashbros" else "copying the model")
        (reader if to == "bashbros" else whole)(trained, model)
        found = None
        if checked:
            say("comparing the template as trained with the one that is served, on the test rows")
            found = parity.check(trained, model)
        told: dict[str, Any] = (found or parity.Parity(0, 0, 0))._asdict()
        told["evidence"] = "missing" if found is None else "measured"
        command = laid_out(trained, to, part, folder, model, purpose, base_name)
        jsonl.replace(model / NOTE if to != "bashbros" else part / NOTE, json.dumps(told).encode())
        if folder.exists():
            folder.rmdir()
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return {"folder": str(folder), "to": to, "command": command, "parity": told}


def laid_out(trained: Trained, to: To, part: Path, folder: Path, model: Path, purpose: str, base_name: str) -> str:
    """Writes what the server wants beside the model; the command that starts it."""
    name, stops = plain(trained.version.name), ends(trained, model)
    context = int(trained.config["sequence_len"])
    card = trained.checkpoint / "README.md"
    if card.is_file():
        shutil.copy2(card, (part if to == "bashbros" else model) / card.name)
    stopping(model, stops)
    if to == "ollama":
        template = trained.template or own_template(model)
        jsonl.replace(part / "Modelfile", ollama.modelfile(template, context, stops).encode())
        return shlex.join(["ollama", "create", name, "-f", str(folder.resolve() / "Modelfile")])
    if to == "vllm":
        command = vllm(name, context, own_template(model))
        jsonl.replace(part / "serve.sh", f'#!/bin/sh\ncd "$(dirname "$0")" && exec {command}\n'.encode())
        (part / "serve.sh").chmod(0o755)
        return f"sh {shlex.quote(str(folder.resolve() / 'serve.sh'))}"
    if to == "bashbros":
        shutil.rmtree(model)  # only the comparison needed it
        bashbros.write(trained, part / name, name, purpose, base_name)
        return "BashBros finds it in ~/.bashgym/integration/models/adapters"
    return f"python -c \"from transformers import pipeline; pipeline('text-generation', '{folder.resolve()}')\""


def plain(name: str) -> str:
    """A name that every server takes."""
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-.") or "model"


def own_template(model: Path) -> str | None:
    file = model / TEMPLATE
    return file.read_text(encoding="utf-8") if file.is_file() else None


def stopping(model: Path, stops: list[str]) -> None:
    """Lets servers stop where the model learnt to: the ends of turns, by number, in generation_config.json."""
    tokens = jsonl.parse((model / "tokenizer.json").read_bytes()) if (model / "tokenizer.json").is_file() else {}
    known = {one["content"]: one["id"] for one in tokens.get("added_tokens") or []}
    ids = [known[stop] for stop in stops if stop in known]
    file = model / "generation_config.json"
    settings = jsonl.parse(file.read_bytes()) if file.is_file() else {}
    if ids:
        jsonl.replace(file, json.dumps({**settings, "eos_token_id": ids}, indent=2).encode())


def vllm(name: str, context: int, template: str | None) -> str:
    """vLLM's command in the model's folder; calls written as `<tool_call>{...}</tool_call>` are what `hermes` reads."""
    words = ["vllm", "serve", ".", "--served-model-name", name, "--max-model-len", str(context)]
    words += ["--chat-template", TEMPLATE] if template is not None else []
    if "<tool_call>" in (template or ""):
        words += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"]
    return shlex.join(words)
