"""Curves for TensorBoard and W&B: off unless asked, files only, the recipe's own keys before ours."""

from pathlib import Path

import yaml

from bashgym.records import Job
from bashgym.training.tracking import tracked


def job(folder: Path, **config: object) -> Job:
    (folder / "axolotl.yaml").write_text("# a note\n" + yaml.safe_dump(config))
    return Job(name="run-1", folder=str(folder), command=("x",), env={"A": "1"}, output="c", config=config, gpu={})


def test_off_unless_asked(tmp_path: Path):
    plain = job(tmp_path, base_model="m")
    assert tracked(plain, []) is plain and "tensorboard" not in (tmp_path / "axolotl.yaml").read_text()


def test_written_where_axolotl_reads_and_nothing_is_sent(tmp_path: Path):
    made = tracked(job(tmp_path, base_model="m", wandb_project="own"), ["wandb", "tensorboard"])
    text = (tmp_path / "axolotl.yaml").read_text()
    assert yaml.safe_load(text) == made.config and text.startswith("# a note\n")
    assert made.config["use_tensorboard"] is True and made.config["wandb_mode"] == "offline"
    assert (made.config["wandb_project"], made.config["wandb_name"]) == ("own", "run-1")
    assert made.env["A"] == "1" and made.env["WANDB_MODE"] == "offline" and made.env["WANDB_X_DISABLE_META"] == "true"
