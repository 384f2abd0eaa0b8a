"""Plans of a reward model; it is trained for real by its tiny recipe (tests/training/test_preferences.py)."""

from pathlib import Path

from tests.training.plans import plan


def test_the_settings_become_axolotls_keys(tmp_path: Path):
    config = plan(tmp_path, "reward_model").config
    assert config["reward_model"] is True and config["model_type"] == "AutoModelForSequenceClassification"
    assert config["num_labels"] == 1 and "lora_modules_to_save" not in config
    (stanza,) = config["datasets"]
    assert stanza["type"] == "row_readers.pairs"
    assert (tmp_path / "inside" / "row_readers" / "pairs.py").is_file()


def test_an_adapter_takes_the_head_along(tmp_path: Path):
    assert plan(tmp_path, "reward_model_lora").config["lora_modules_to_save"] == ["score"]
