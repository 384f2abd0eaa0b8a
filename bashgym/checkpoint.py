"""Whether a folder holds a whole trained model, so that half a one is never measured, registered or served."""

from pathlib import Path
from typing import Any

from bashgym import jsonl

ADAPTERS = ("adapter_model.safetensors", "adapter_model.bin")
MODELS = ("model.safetensors", "pytorch_model.bin")


def lacks(folder: Path) -> str | None:
    """What a checkpoint folder lacks, in words; None when it is whole.

    Whole: settings and weights (a LoRA adapter's or a model's), each part of them there, none cut short."""
    if not folder.is_dir():
        return "the folder is not there"
    adapter = (folder / "adapter_config.json").is_file()
    settings = "adapter_config.json" if adapter else "config.json"
    if readable(folder / settings) is None:
        return f"{settings} is not there or not whole"
    names = parts(folder, ADAPTERS if adapter else MODELS)
    if not names:
        return "there are no weights"
    broken = [name for name in names if not whole(folder / name)]
    return f"{', '.join(sorted(broken))} is not there or not whole" if broken else None


def parts(folder: Path, single: tuple[str, ...]) -> list[str]:
    """The files of the weights: one, or those that an index names."""
    for name in single:
        index = folder / f"{name}.index.json"
        found = readable(index)
        if found is not None:
            return sorted(set(found.get("weight_map", {}).values()))
        if (folder / name).exists():
            return [name]
    return []


def readable(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None."""
    try:
        value = jsonl.parse(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def whole(path: Path) -> bool:
    """Safetensors say in their header how long they are (8 bytes of its length, JSON, data); others are not empty."""
    if not path.is_file() or path.stat().st_size == 0:
        return False
    if path.suffix != ".safetensors":
        return True
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size - 8:
            return False
        try:
            header = jsonl.parse(file.read(length))
        except ValueError:
            return False
    ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
    return path.stat().st_size == 8 + length + max(ends, default=0)


def weights(path: Path) -> tuple[str, str | None]:
    """What to load: a model's folder; or, where the folder holds an adapter, its base model and the adapter.

    The base may be named relative to the folder the training ran in, which is above the adapter's."""
    settings = path / "adapter_config.json"
    if not settings.exists():
        return str(path), None
    base = str(jsonl.parse(settings.read_bytes())["base_model_name_or_path"])
    near = [parent / base for parent in path.resolve().parents if (parent / base / "config.json").exists()]
    return str(near[0]) if near else base, str(path)
