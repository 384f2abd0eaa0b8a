"""A teacher's distributions: asked here and over a network, the rows they make, and a student that learns them."""

import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from bashgym import environment, registry
from bashgym.config import validate
from bashgym.errors import BashGymError, PrivacyError, RecipeError, RunFailed
from bashgym.gate.outgoing import Held
from bashgym.records import Dataset, Job, Model, Subject
from bashgym.training import teacher
from tests.fakes.logprob_server import MODEL, LogprobServer
from tests.fixed_key import keyed

CONF = Path(__file__).resolve().parent.parent.parent / "conf" / "training"


def planned(folder: Path, row: dict[str, Any] | None = None, **changes: Any) -> tuple[Any, Job]:
    """The plugin of conf/training/distill.yaml with `changes`, and its job on one row."""
    values = {**yaml.safe_load((CONF / "distill.yaml").read_text()), "seed": 5, **changes}
    cls = registry.load("training", values.pop("plugin"))
    (folder / "dataset").mkdir(exist_ok=True)
    (folder / "dataset" / "train.jsonl").write_text(json.dumps({"id": "1", "messages": [], "tools": [], **(row or {})}))
    rows = {"train": 1, "validation": 0, "test": 0}
    dataset = Dataset(folder=str(folder / "dataset"), sha256="", rows=rows, stanza={}, schema="chat")
    model = Model(base="Qwen/Qwen2.5-Coder-0.5B-Instruct", chat_template="chatml_tools", sequence_len=512)
    made = cls(validate(cls.Config, values, "training"))
    return made, made.plan(dataset, model, folder)


def test_what_is_asked_of_axolotl(tmp_path: Path):
    named = {"model": "Qwen/Qwen2.5-Coder-7B-Instruct"}
    _, job = planned(tmp_path, teacher=named, teacher_share=0.75, device="gpu", method="lora")
    assert job.config["plugins"][1:] == ["teach.TeachPlugin", "axolotl.integrations.kd.KDPlugin"]
    assert {key: job.config[key] for key in ("kd_trainer", "kd_alpha", "kd_ce_alpha", "kd_temperature")} == {
        "kd_trainer": True, "kd_alpha": 0.75, "kd_ce_alpha": 0.25, "kd_temperature": 1.0
    }  # fmt: skip
    assert job.config["bashgym_teacher"] == {"model": named["model"], "revision": "", "top_k": 16}
    assert job.gpu["min_vram_gb"] == 40  # the 7B teacher in bf16 is there before its student
    assert "TORCHDYNAMO_DISABLE" not in job.env and planned(tmp_path)[1].env["TORCHDYNAMO_DISABLE"] == "1"


def test_what_cannot_be(tmp_path: Path):
    with pytest.raises(BashGymError, match=r"teacher\.model is empty"):
        planned(tmp_path, teacher={})
    with pytest.raises(RecipeError, match=r"the sessions' own replies; take format=distill"):
        planned(tmp_path, learn="answers")
    assert "kd_trainer" not in planned(tmp_path, {"teacher": "big"}, learn="answers")[1].config


ROW = {"row": "r1", "ids": [5, 6, 7], "places": [0, 1], "text": "567"}


def collected(folder: Path, monkeypatch: pytest.MonkeyPatch, rows: list[dict], server: LogprobServer, **more: Any):
    """teacher.collect over rows that were tokenized elsewhere."""
    monkeypatch.setattr(teacher, "tokenized", lambda _: iter(rows))
    (folder / "teacher").mkdir(exist_ok=True)
    config = validate(teacher.TeacherConfig, {"model": MODEL, "url": server.url}, "training.teacher")
    return teacher.collect(folder, config, 2, more.get("check", lambda _: None), lambda _: None)


def numbers(text: str) -> list[int]:
    return [int(letter) for letter in text]


def think(ids: list[int]) -> list[dict[int, float]]:
    return [{}, *({one: -0.5, 9: -1.0, 8: -2.0} for one in ids[1:])]


def test_collected_once_and_where_it_is_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = {"row": "r2", "ids": [1, 2], "places": [0], "text": "12"}
    path = tmp_path / teacher.COLLECTED
    with LogprobServer(numbers, think) as server:
        first = collected(tmp_path, monkeypatch, [ROW], server)
        assert first == (1, 0, 0, 0.0)
        path.write_bytes(path.read_bytes() + b'{"row": "r2", "ids": [[')  # what a kill leaves
        assert collected(tmp_path, monkeypatch, [ROW, other], server).rows == 2
        assert len(server.requests) == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"row": "r1", "ids": [[6, 9], [7, 9]], "logprobs": [[-0.5, -1.0], [-0.5, -1.0]]}
    assert [line["row"] for line in lines] == ["r1", "r2"]


def test_what_the_gate_holds_is_left_out_and_nothing_goes_without_it(tmp_path, monkeypatch):
    def check(data: bytes) -> None:
        if b"567" in data:
            raise Held("leak gate: found")

    rows = [ROW, {"row": "r2", "ids": [1, 2], "places": [0], "text": "12"}]
    with LogprobServer(numbers, think) as server:
        found = collected(tmp_path, monkeypatch, rows, server, check=check)
        assert (found.rows, found.held) == (1, 1)
        assert [request["prompt"] for request in server.requests] == ["12"]
        with pytest.raises(RunFailed, match="held back every row"):
            collected(tmp_path, monkeypatch, [ROW], server, check=check)
        with pytest.raises(PrivacyError, match="broken"):
            collected(tmp_path, monkeypatch, [ROW | {"row": "r3"}], server, check=broken)


def broken(data: bytes) -> None:
    raise PrivacyError("broken")


def test_a_teacher_of_another_family_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = [{"row": f"r{n}", "ids": [1, 2, n], "places": [0], "text": f"12{n}"} for n in range(9)]
    with LogprobServer(lambda text: [*numbers(text), 0], think) as server:
        with pytest.raises(RecipeError, match=r"reads 3 of 3 rows as other tokens.*of the student's family"):
            collected(tmp_path, monkeypatch, rows, server)
        assert len(server.requests) == 3  # and no more is paid for


def test_what_a_teacher_said_outlives_a_kill(tmp_path: Path):
    """The side that runs in the training environment; this part of it needs the standard library alone."""
    spec = importlib.util.spec_from_file_location("kept", Path(environment.__file__).parent / "inside" / "teacher.py")
    there = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(there)
    path = tmp_path / "teacher" / "said.jsonl"
    there.Kept(path).add("one", there.Top([[3, 1]], [[-0.1234567, -2.0]]))
    path.write_bytes(path.read_bytes() + b'{"row": "two", "ids": [[1')
    again = there.Kept(path)
    assert again.get("two") is None
    again.add("two", there.Top([], []))
    assert there.Kept(path).get("one") == ([[3, 1]], [[-0.12346, -2.0]]) and there.Kept(path).get("two") == ([], [])
    assert there.positions([-100, -100, 5, 6, -100, 7]) == [1, 2, 4]
    assert there.row_key([1, 2], [-100, 2]) != there.row_key([1, 2], [1, 2])


ALIGNED = """
import json, sys, torch, teach, teacher
from types import SimpleNamespace as Space
from axolotl.integrations.kd.kernels.liger import LigerFusedLinearKLTopKLogprobLoss
torch.manual_seed(1)
ids = torch.randint(0, 50, (1, 12)).tolist()[0]
labels = [-100] * 5 + ids[5:10] + [-100] * 2
logits = torch.randn(12, 50)
best = torch.log_softmax(logits[teacher.positions(labels)], -1).topk(50, -1)
kept = Space(get=lambda _: teacher.Top(best.indices.tolist(), best.values.tolist()))
row = teach.columns({"input_ids": ids, "labels": labels}, kept, 50, 1.0, 50)
columns = [torch.tensor([row[name]]) for name in ("target_token_ids", "target_logprobs", "target_mask")]
def distance(by):
    options = {"compiled": False, "compute_ce_loss": False, "normalize_topk": False}
    loss = LigerFusedLinearKLTopKLogprobLoss(0.0, 1.0, 1.0, 0.0, **options)
    moved = [torch.roll(column, by, 1) for column in columns]
    return float(loss(torch.eye(50), logits[None], *moved, torch.tensor([labels])))
print(json.dumps({"ours": distance(0), "theirs": distance(1), "learnt": int(columns[2][0, :, 0].sum())}))
"""


@pytest.mark.training
def test_a_student_that_is_its_teacher_has_no_distance(training_python: Path, tmp_path: Path):
    """Axolotl's own loss over our rows: zero. Over rows that put a token's distribution at its own place: far."""
    environment.place(tmp_path)
    where = environment.Environment(training_python)
    said = environment.run(where, ["python", "-c", ALIGNED], tmp_path, tmp_path / "log", {"PYTHONPATH": "inside"})
    found = json.loads(said.strip().splitlines()[-1])
    assert abs(found["ours"]) < 1e-4 and found["theirs"] > 1 and found["learnt"] == 5


@pytest.mark.training
def test_nearer_to_the_teacher_than_by_words_alone(bashgym: Any, training_python: Path, tmp_path: Path):
    """The recipe as a user runs it, to the model registry; then the same rows, model and steps without the teacher."""
    run, _ = tmp_path / "run", keyed(Path(os.environ["BASHGYM_HOME"]))
    done = bashgym("run", "recipe=tiny_distill", f"run_dir={run}", "track=[tensorboard]")
    assert done.returncode == 0, done.stderr[-2000:]
    version = json.loads(bashgym("models", "show", "tiny_distill", "--json").stdout)
    taught = {one["metric"]: one for one in version["scores"] if one["role"] == "trained"}
    base = next(one for one in version["scores"] if (one["role"], one["metric"]) == ("base", "forward_kl"))
    assert taught["forward_kl"]["value"] < base["value"] / 4 and taught["forward_kl"]["n"] > 300
    carded(version)
    memory = json.loads((run / "manifest.json").read_text())["training"]["memory"]
    assert memory["estimated_gb"] == pytest.approx(memory["peak_gb"], rel=0.3)
    assert curve(version) >= 59 and list((run / "checkpoint" / "runs").rglob("events.out.tfevents.*"))
    alone = tmp_path / "alone"
    shutil.copytree(run, alone, ignore=shutil.ignore_patterns("checkpoint", "metrics.jsonl", "logs", "benchmarks"))
    config = yaml.safe_load((alone / "axolotl.yaml").read_text()) | {"kd_alpha": 0.0, "kd_ce_alpha": 1.0}
    (alone / "axolotl.yaml").write_text(yaml.safe_dump(config))
    env = {"PYTHONPATH": "inside", "TORCHDYNAMO_DISABLE": "1", "AXOLOTL_DO_NOT_TRACK": "1"}
    command = ["axolotl", "train", "axolotl.yaml", "--launcher", "python"]
    environment.run(environment.Environment(training_python), command, alone, alone / "log", env)
    cls = registry.load("benchmark", "teacher_kl")
    subject = Subject(
        role="trained", path=str(alone / "checkpoint"), dataset=str(alone / "dataset"), folder=str(alone / "kl"),
        chat_template="tokenizer_default", sequence_len=384,
    )  # fmt: skip
    words = next(iter(cls(cls.Config(teacher=str(run / "teacher" / "model"))).run(subject)))
    assert words.n == taught["forward_kl"]["n"]
    assert taught["forward_kl"]["value"] < words.value < base["value"]


def curve(version: dict[str, Any]) -> int:
    """How many steps have a loss in the model registry."""
    from mlflow import MlflowClient

    uri = f"sqlite:///{os.environ['BASHGYM_HOME']}/models/registry.db"
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    kept = client.get_model_version(version["name"], version["version"])
    return len({one.step for one in client.get_metric_history(kept.run_id, "loss")})


def carded(version: dict[str, Any]) -> None:
    """The model's card: what the Hub reads, and each of its parts."""
    _, head, text = version["card"].split("---\n", 2)
    front = yaml.safe_load(head)
    assert front["license"] == "unknown" and "base_model" not in front  # made of random weights
    metrics = {one["type"] for one in front["model-index"][0]["results"][0]["metrics"]}
    assert metrics == {"forward_kl", "agreement"}
    for part in ("Model", "Rows", "Sessions by class", "Scores", "Loss", "Privacy", "Use"):
        assert f"\n## {part}\n" in text
    assert "| teacher_kl forward_kl | trained |" in text and "measured" in text
    assert "bashgym models export tiny_distill" in text and os.environ["BASHGYM_HOME"] not in version["card"]
