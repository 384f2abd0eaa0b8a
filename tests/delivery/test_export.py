"""Exports of a model that was really trained, and of an adapter that is really merged; refused where renders differ."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import yaml

from bashgym import environment
from bashgym.delivery import bashbros
from bashgym.delivery.export import export
from bashgym.delivery.parity import TemplateDiffers, same_source
from bashgym.delivery.weights import Trained, reader
from bashgym.errors import InputError
from bashgym.records import ModelVersion, Score

pytestmark = pytest.mark.training


@pytest.fixture
def version(small_run: Any, training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelVersion:
    """The small run, registered, in a folder of its own."""
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    run = tmp_path / "run"
    shutil.copytree(small_run.folder, run, ignore=shutil.ignore_patterns("checkpoint-*", "logs"))
    score = Score(benchmark="lm_eval", metric="tool_accuracy", role="trained", value=0.75, evidence="measured", n=16)
    lineage = {"run_folder": str(run)}
    return ModelVersion(name="Mine", version="3", path=str(run / "checkpoint"), lineage=lineage, scores=(score,))


def quiet(_: str) -> None:
    """A screen that nobody looks at."""


def test_vllm_and_what_is_refused(version: ModelVersion, tmp_path: Path):
    done = export(version, "vllm", tmp_path / "out", quiet)
    seen = done["parity"]
    assert (seen["rows"], seen["replies"], seen["evidence"]) == (16, 32, "measured") and seen["tokens"] > 1000
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja", "serve.sh"} <= names(tmp_path / "out")
    served = (tmp_path / "out" / "serve.sh").read_text()
    assert "--served-model-name mine" in served and "--tool-call-parser hermes" in served and "384" in served
    with pytest.raises(InputError, match="there is something already"):
        export(version, "vllm", tmp_path / "out", quiet)
    with pytest.raises(InputError, match=r"BashBros takes LoRA adapters.*sft_lora"):
        export(version, "bashbros", tmp_path / "other", quiet)
    file = Path(version.path) / "chat_template.jinja"  # as a tokenizer of another day would have it
    file.write_text(file.read_text().replace("<tool_response>", "<tool_result>"))
    config = tmp_path / "run" / "axolotl.yaml"
    assert yaml.safe_load(config.read_text())["base_model"] == "model"  # whose template is as it was
    with pytest.raises(
        TemplateDiffers, match=r"row s\d+, the conversation, token \d+: trained on '.*', the server"
    ) as no:
        export(version, "ollama", tmp_path / "other", quiet)
    assert "\n" not in str(no.value) and not (tmp_path / "other").exists()
    assert not list(tmp_path.glob(".*.part"))


def test_rows_of_text_are_compared_by_the_template_that_wrote_them(version: ModelVersion, tmp_path: Path):
    """No Axolotl is needed to see that another template is served."""
    trained, model = Trained(version), tmp_path / "model"
    reader(trained, model)
    same_source(trained, model)
    file = model / "chat_template.jinja"
    file.write_text("x" + file.read_text())
    with pytest.raises(TemplateDiffers, match=r"differs from the one that wrote the rows: character 1$"):
        same_source(trained, model)


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


ADAPTER = """
import sys, torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM
torch.manual_seed(3)
settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
made = get_peft_model(AutoModelForCausalLM.from_pretrained("model"), settings)
for name, weight in made.named_parameters():
    if "lora_B" in name:
        torch.nn.init.normal_(weight, std=0.5)
made.save_pretrained("checkpoint")
"""


def test_an_adapter_is_merged_and_given_to_bashbros(version: ModelVersion, training_python: Path, tmp_path: Path):
    run = tmp_path / "run"
    (run / "checkpoint" / "model.safetensors").unlink()
    where = environment.Environment(training_python)
    environment.run(where, ["python", "-c", ADAPTER], run, run / "log")
    config = yaml.safe_load((run / "axolotl.yaml").read_text())
    config |= {"adapter": "lora", "lora_r": 4, "lora_alpha": 8, "lora_target_linear": True}
    (run / "axolotl.yaml").write_text(yaml.safe_dump(config))
    export(version, "merged", tmp_path / "out", quiet, checked=False)
    assert "model.safetensors" in names(tmp_path / "out") and "adapter_config.json" not in names(tmp_path / "out")
    assert different(where, tmp_path / "out", run / "model", tmp_path)
    (tmp_path / "adapters").mkdir()
    bashbros.write(Trained(version), tmp_path / "adapters" / "mine", "mine", "fix", "qwen2.5-coder:1.5b")
    manifest = json.loads((tmp_path / "adapters" / "mine" / "manifest.json").read_text())
    assert manifest["baseModel"] == "qwen2.5-coder:1.5b" and manifest["purpose"] == "fix"
    assert (manifest["qualityScore"], manifest["qualityEvidence"], manifest["tracesUsed"]) == (0.75, "measured", 48)
    data = (tmp_path / "adapters" / "mine" / "adapter.gguf").read_bytes()
    assert data[:4] == b"GGUF" and struct.unpack_from("<IQQ", data, 4) == (3, 28, 4)  # 2 layers of 7, both halves
    assert b"blk.1.ffn_down.weight.lora_b" in data


SAME = """
import sys
from safetensors.torch import load_file
one, other = (load_file(f"{folder}/model.safetensors") for folder in sys.argv[1:])
name = "model.layers.0.self_attn.q_proj.weight"
print("different" if abs(one[name] - other[name]).max() > 1e-3 else "same")
"""


def different(where: environment.Environment, one: Path, other: Path, folder: Path) -> bool:
    """Whether the merged weights are not those of the base."""
    said = environment.run(where, ["python", "-c", SAME, str(one), str(other)], folder, folder / "log")
    return said.strip().endswith("different")
