"""Plans of DPO and its relatives; every preset of preferences against Axolotl's own schema."""

import json
from pathlib import Path

import pytest

from bashgym import environment
from bashgym.errors import RecipeError
from tests.training.plans import BIG, CONF, plan

PREFERENCES = sorted(
    path.stem
    for path in CONF.glob("*.yaml")
    if path.stem.split("_")[0] in {"dpo", "ipo", "simpo", "kto", "orpo", "reward"}
)


def test_the_losses_become_axolotls_keys(tmp_path: Path):
    config = plan(tmp_path, "dpo").config
    assert (config["rl"], config["rl_beta"], config["dpo_loss_type"]) == ("dpo", 0.1, ["sigmoid"])
    assert config["sample_packing"] is False and "dpo_label_smoothing" not in config
    assert plan(tmp_path, "ipo").config["dpo_loss_type"] == ["ipo"]
    robust = plan(tmp_path, "dpo", loss="robust", label_smoothing=0.1).config
    assert (robust["dpo_loss_type"], robust["dpo_label_smoothing"]) == (["robust"], 0.1)
    simpo = plan(tmp_path, "simpo").config
    assert (simpo["rl"], simpo["simpo_gamma"], simpo["cpo_alpha"]) == ("simpo", 1.0, 0.0)
    assert "dpo_loss_type" not in simpo and "warmup_ratio" not in simpo  # Axolotl refuses both with it
    assert plan(tmp_path, "simpo", max_steps=200, warmup_ratio=0.1).config["warmup_steps"] == 20


def test_the_reference_costs_memory_where_all_weights_are_trained(tmp_path: Path):
    def memory(preset: str) -> int:
        return plan(tmp_path, preset, BIG, device="gpu").gpu["min_vram_gb"]

    assert memory("dpo") > memory("simpo") >= memory("dpo_lora")


def test_what_cannot_be(tmp_path: Path):
    with pytest.raises(RecipeError, match="label_smoothing is for the losses sigmoid and robust, not ipo"):
        plan(tmp_path, "ipo", label_smoothing=0.1)
    with pytest.raises(RecipeError, match="loss robust needs label_smoothing"):
        plan(tmp_path, "dpo", loss="robust")
    with pytest.raises(RecipeError, match=r"training\.axolotl\.rl: .*choose one with training="):
        plan(tmp_path, "dpo", axolotl={"rl": "kto"})
    with pytest.raises(RecipeError, match=r"training\.axolotl\.rl_betta.*did you mean 'rl_beta'"):
        plan(tmp_path, "dpo", axolotl={"rl_betta": 1})


@pytest.mark.training
def test_axolotls_own_schema(training_python: Path, tmp_path: Path):
    """All presets in one process, whose imports take longer than the work."""
    for preset in PREFERENCES:
        plan(tmp_path / preset, preset)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((tmp_path / "dpo" / "axolotl.yaml").read_text() + "simpo_gama: 1\n")
    environment.place(tmp_path)
    there, files = environment.Environment(training_python), [f"{preset}/axolotl.yaml" for preset in PREFERENCES]
    files.append("wrong.yaml")
    said = environment.run(there, ["python", "-m", "check_config", *files], tmp_path, tmp_path / "log")
    assert json.loads(said)["faults"] == ["wrong.yaml: simpo_gama: no such key; did you mean 'simpo_gamma'?"]
