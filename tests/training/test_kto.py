"""Plans of KTO; it is trained for real by its tiny recipe (tests/training/test_preferences.py)."""

from pathlib import Path

import pytest

from bashgym.errors import RecipeError
from tests.training.plans import plan


def test_the_settings_become_axolotls_keys(tmp_path: Path):
    config = plan(tmp_path, "kto", bad_weight=1.5).config
    assert (config["rl"], config["rl_beta"]) == ("kto", 0.1)
    assert (config["kto_desirable_weight"], config["kto_undesirable_weight"]) == (1.0, 1.5)
    assert config["remove_unused_columns"] is False  # Axolotl refuses KTO otherwise
    (stanza,) = config["datasets"]
    assert stanza["type"] == {"field_prompt": "prompt", "field_completion": "completion", "field_label": "label"}


def test_one_row_at_a_time_is_refused(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"training\.batch_size is 1: .*set 2 or more"):
        plan(tmp_path, "kto", batch_size=1)
