"""A LoRA adapter of PEFT as one GGUF file, the form llama.cpp, Ollama and BashBros take adapters in.

    python -m gguf_lora --adapter DIR --base DIR --out adapter.gguf

For models whose layers are named as Llama's (Llama, Mistral, Qwen 2 and 3). Written from the format's description
(GGUF version 3): rows of a Llama's query and key are reordered, as the base model's own are there, because its rotary
embedding turns neighbours where transformers turns halves. Prints one JSON line: tensors, rank, alpha."""

import argparse
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ALIGNED = 32  # bytes
STRING, FLOAT32 = 8, 6  # types of values
F32 = 0  # a type of tensors
REORDERED = ("llama", "mistral")
ARCHITECTURES = {"llama": "llama", "mistral": "llama", "qwen2": "qwen2", "qwen3": "qwen3"}
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="gguf_lora", description="an adapter as GGUF")
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    from safetensors.torch import load_file
    from transformers import AutoConfig

    settings = json.loads((options.adapter / "adapter_config.json").read_text(encoding="utf-8"))
    base = AutoConfig.from_pretrained(options.base).to_dict()
    check(settings, base)
    tensors = dict(renamed(load_file(options.adapter / "adapter_model.safetensors"), base))
    facts: dict[str, str | float] = {
        "general.architecture": ARCHITECTURES[base["model_type"]],
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": float(settings["lora_alpha"]),
    }
    write(options.out, facts, tensors)
    print(json.dumps({"tensors": len(tensors), "rank": settings["r"], "alpha": settings["lora_alpha"]}))


def check(settings: dict[str, Any], base: dict[str, Any]) -> None:
    """Raises ValueError for what this form of an adapter cannot say."""
    if base["model_type"] not in ARCHITECTURES:
        raise ValueError(f"no adapters of {base['model_type']} models as GGUF here; export the merged model")
    for key in ("use_rslora", "use_dora", "modules_to_save", "rank_pattern", "alpha_pattern"):
        if settings.get(key):
            raise ValueError(f"{key} has no place in a GGUF adapter; export the merged model")


def renamed(tensors: dict[str, Any], base: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each tensor under its GGUF name. Raises ValueError for one that has none."""
    for name, tensor in sorted(tensors.items()):
        layer, _, rest = name.removeprefix("base_model.model.model.layers.").partition(".")
        module, _, part = rest.partition(".lora_")
        if not layer.isdigit() or module not in NAMES or part not in ("A.weight", "B.weight"):
            raise ValueError(f"{name} has no place in a GGUF adapter; export the merged model")
        if (
            part == "B.weight"
            and base["model_type"] in REORDERED
            and module in ("self_attn.q_proj", "self_attn.k_proj")
        ):
            heads = base["num_attention_heads"]
            if module == "self_attn.k_proj":
                heads = base.get("num_key_value_heads") or heads
            tensor = reordered(tensor, heads)
        yield f"blk.{layer}.{NAMES[module]}.weight.lora_{part[0].lower()}", tensor


def reordered(rows: Any, heads: int) -> Any:
    """Rows of each head from halves to neighbours."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def write(path: Path, facts: dict[str, str | float], tensors: dict[str, Any]) -> None:
    """The file: header, facts, what the tensors are and where, the tensors in fp32, all little-endian."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(facts))
    for name, value in facts.items():
        written = struct.pack("<f", value) if isinstance(value, float) else text(value)
        head += text(name) + struct.pack("<I", FLOAT32 if isinstance(value, float) else STRING) + written
    place, data = 0, []
    for name, tensor in tensors.items():
        content = tensor.float().contiguous().numpy().astype("<f4").tobytes()
        sizes = list(reversed(tensor.shape))
        head += text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, F32, place)
        data.append(content + bytes(-len(content) % ALIGNED))
        place += len(data[-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + bytes(-len(head) % ALIGNED) + b"".join(data))


def text(value: str) -> bytes:
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


if __name__ == "__main__":
    main()
