"""Plans of ORPO; it is trained for real by its tiny recipe (tests/training/test_preferences.py)."""

from pathlib import Path

from tests.training.plans import BIG, plan


def test_the_settings_become_axolotls_keys(tmp_path: Path):
    config = plan(tmp_path, "orpo", alpha=0.3).config
    assert (config["rl"], config["orpo_alpha"]) == ("orpo", 0.3)
    assert "rl_beta" not in config  # Axolotl would take it for alpha


def test_no_reference_stays_in_memory(tmp_path: Path):
    orpo, dpo = (plan(tmp_path, name, BIG, device="gpu").gpu["min_vram_gb"] for name in ("orpo", "dpo"))
    assert orpo < dpo
