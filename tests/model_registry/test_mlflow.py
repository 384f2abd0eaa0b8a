"""The MLflow model registry on a real SQLite file; no test may reach the network."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from bashgym import registry
from bashgym.errors import InputError, RecipeError
from bashgym.records import ModelVersion, Score

ROOT = Path(__file__).resolve().parents[2]
SCORES = (
    Score(
        benchmark="next_tool",
        metric="acc,none",
        role="trained",
        value=0.1 + 0.2,
        evidence="measured",
        n=40,
        stderr=1 / 3,
    ),
    Score(benchmark="next_tool", metric="acc,none", role="most frequent", value=1.0, evidence="replayed", n=40),
    Score(
        benchmark="bpb", metric="bits per byte", role="base", value=None, evidence="missing", note="ran out of memory"
    ),
    Score(
        benchmark="bpb",
        metric="bits per byte",
        role="trained",
        value=1e-300,
        evidence="estimated",
        higher_is_better=False,
    ),
)
CURVES = [
    {
        "event": "log",
        "step": 1,
        "max_steps": 2,
        "time": 1763700000.5,
        "epoch": 0.5,
        "loss": 3.25,
        "lr": 1e-4,
        "metrics": None,
    },
    {
        "event": "log",
        "step": 2,
        "time": 1763700001.5,
        "loss": 2.5,
        "lr": 5e-5,
        "metrics": {"entropy": 0.5, "grad_norm": "nan"},
    },
    {"event": "eval", "step": 2, "time": 1763700002.5, "eval_loss": 2.75},
]

GUARD = """
import socket
def refuse(*words, **more):
    raise AssertionError("the network was asked for")
socket.socket.connect = socket.socket.connect_ex = refuse
socket.getaddrinfo = refuse
"""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch):
    def refuse(*words: object, **more: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database with its tables and nothing in it: making them takes some seconds, so most tests get a copy."""
    path = tmp_path_factory.mktemp("made") / "registry.db"
    plugin = registry.load("model_registry", "mlflow")
    kept = plugin(plugin.Config(uri=f"sqlite:///{path}"))
    with kept.alone():
        pass
    return path.read_bytes()


@pytest.fixture
def models(made: bytes, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (own_home / "models").mkdir()
    (own_home / "models" / "registry.db").write_bytes(made)
    return opened()


def opened(**settings):
    plugin = registry.load("model_registry", "mlflow")
    return plugin(plugin.Config(**settings))


def version(name: str = "shop", run: str = "run-1", **more) -> ModelVersion:
    lineage = {"run": run, "recipe": "quickstart", "base": "scratch", "dataset_sha256": "ab" * 32}
    return ModelVersion(
        name=name, path="/home/ada/ckpt", lineage=lineage, scores=SCORES, created="2026-11-21T07:00:00+00:00", **more
    )


def script(code: str, home: Path, cwd: Path) -> subprocess.Popen[str]:
    """A fresh process with the network refused."""
    env = {**os.environ, "BASHGYM_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", GUARD + code],
        env=env,
        cwd=cwd,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_what_is_added_comes_back_exactly(models):
    kept = models.add(version(), CURVES)
    assert kept.version == "1"
    assert msgspec.structs.replace(kept, version="") == version()
    assert models.get("shop") == kept
    assert models.get("shop", "1").scores == SCORES
    assert models.get("shop").scores[2].value is None
    assert models.get("shop").scores[2].evidence == "missing"
    assert models.lineage("shop", "1") == version().lineage


def test_a_run_with_history_metrics_parameters_and_tags(models):
    models.add(version(), CURVES)
    (run,) = models.client.search_runs([models.client.get_experiment_by_name("bashgym").experiment_id])
    history = models.client.get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 3.25), (2, 2.5)]
    assert models.client.get_metric_history(run.info.run_id, "lr")[1].value == 5e-5
    assert models.client.get_metric_history(run.info.run_id, "eval_loss")[0].timestamp == 1763700002500
    assert run.data.metrics["entropy"] == 0.5
    assert run.data.metrics["grad_norm"] != run.data.metrics["grad_norm"]  # NaN
    assert run.data.metrics["next_tool/acc_none/trained"] == 0.1 + 0.2
    assert "bpb/bits per byte/base" not in run.data.metrics  # missing is no number
    assert run.data.tags["evidence.bpb/bits per byte/base"] == "missing"
    assert run.data.tags["evidence.next_tool/acc_none/most frequent"] == "replayed"
    assert run.data.tags["lineage.dataset_sha256"] == "ab" * 32
    assert run.data.params == {"recipe": "quickstart", "base": "scratch"}
    assert run.info.status == "FINISHED"
    assert models.client.get_model_version("shop", "1").source == "/home/ada/ckpt"


def test_the_same_run_added_twice_is_one_version(models):
    first = models.add(version(), CURVES)
    assert models.add(version(), CURVES) == first
    assert opened().add(version(), CURVES) == first
    assert [found.version for found in models.list()] == ["1"]
    assert models.add(version(run="run-2")).version == "2"
    assert models.add(version(name="other")).version == "1"


@pytest.mark.parametrize("step", ["log_batch", "create_registered_model", "create_model_version", "set_terminated"])
def test_an_add_that_was_cut_off_is_completed(models, step: str, monkeypatch: pytest.MonkeyPatch):
    """Stopped at any of its writes, and added again: one run, one version, nothing doubled."""

    def die(*words: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models.client, step, die)
    with pytest.raises(KeyboardInterrupt):
        models.add(version(), CURVES)
    again = opened()
    kept = again.add(version(), CURVES)
    assert kept.scores == SCORES
    assert [found.version for found in again.list()] == ["1"]
    (run,) = again.client.search_runs([again.client.get_experiment_by_name("bashgym").experiment_id])
    assert run.info.status == "FINISHED"
    assert [point.value for point in again.client.get_metric_history(run.info.run_id, "loss")] == [3.25, 2.5]


def test_history_is_not_doubled_when_it_was_cut_off_in_the_middle(models, monkeypatch: pytest.MonkeyPatch):
    curves = [{"step": n, "time": 1000 + n, "loss": 5 - n / 1000} for n in range(2500)]
    log, calls = models.client.log_batch, []

    def die_at_the_fourth(*words: object, **more: object) -> None:
        calls.append(more)
        if len(calls) == 4:
            raise KeyboardInterrupt
        log(*words, **more)

    monkeypatch.setattr(models.client, "log_batch", die_at_the_fourth)
    with pytest.raises(KeyboardInterrupt):
        models.add(version(), curves)
    again = opened()
    again.add(version(), curves)
    (run,) = again.client.search_runs([again.client.get_experiment_by_name("bashgym").experiment_id])
    assert len(again.client.get_metric_history(run.info.run_id, "loss")) == 2500


def test_aliases(models):
    models.add(version())
    models.add(version(run="run-2"))
    models.alias("shop", "1", "latest")
    models.alias("shop", "1", "champion")
    assert models.get("shop", "latest").version == models.get("shop", "champion").version == "1"
    models.alias("shop", "2", "latest")
    assert models.get("shop", "latest").aliases == ("latest",)
    assert models.get("shop", "champion").aliases == ("champion",)
    assert [(found.version, found.aliases) for found in models.list()] == [("2", ("latest",)), ("1", ("champion",))]
    for alias in ("7", "v1", "a b", ""):
        with pytest.raises(InputError, match="alias"):
            models.alias("shop", "1", alias)
    with pytest.raises(InputError, match="no such model version"):
        models.alias("shop", "9", "champion")


def test_what_is_not_there(models):
    assert list(models.list()) == []
    assert models.get("shop") is None
    models.add(version())
    assert models.get("shop", "9") is None
    assert models.get("shop", "champion") is None
    assert models.get("not/a name") is None
    with pytest.raises(InputError, match="shop@9"):
        models.lineage("shop", "9")


def test_versions_come_newest_first_also_past_nine(models):
    for number in range(11):
        models.add(version(run=f"run-{number}"))
    assert [found.version for found in models.list()] == [str(number) for number in range(11, 0, -1)]
    assert models.get("shop").version == "11"


def test_looking_makes_no_database(own_home: Path):
    empty = opened()
    assert list(empty.list()) == []
    assert empty.get("shop") is None
    assert list(own_home.rglob("*")) == []


@pytest.mark.parametrize("name", ["a/b", "a:b", "a@1", "", " ", "../up", "a b", "a'b", "a\nb", "x" * 300])
def test_odd_names_are_refused_in_one_line(models, name: str):
    with pytest.raises(InputError) as caught:
        models.add(version(name=name))
    assert "\n" not in str(caught.value)
    assert "for example" in str(caught.value)


def test_numbers_that_json_has_not_and_long_notes(models):
    scores = (
        Score(benchmark="b", metric="m", role="r", value=float("inf"), evidence="measured"),
        Score(benchmark="b", metric="long", role="r", value=None, evidence="missing", note="é" * 200_000),
    )
    kept = models.add(msgspec.structs.replace(version(), scores=scores))
    assert kept.scores == scores


def test_a_version_made_with_mlflow_itself_is_listed(models):
    models.client.create_registered_model("theirs")
    models.client.create_model_version("theirs", "/home/ada/other")
    (found,) = models.list()
    assert (found.name, found.version, found.path, found.scores) == ("theirs", "1", "/home/ada/other", ())


def test_bad_settings_and_a_damaged_file(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"model_registry\.uri"):
        opened(uri="file:///home/ada/mlruns")
    damaged = tmp_path / "registry.db"
    damaged.write_bytes(b"not a database" * 100)
    with pytest.raises(InputError, match="cannot be opened") as caught:
        opened(uri=f"sqlite:///{damaged}").add(version())
    assert "\n" not in str(caught.value)


ADD = """
from bashgym import registry
from bashgym.records import ModelVersion
plugin = registry.load("model_registry", "mlflow")
version = ModelVersion(name="shop", path="/p", lineage={{"run": {run!r}}})
kept = plugin(plugin.Config()).add(version, [{{"step": n, "loss": 2.0}} for n in range({steps})])
print(kept.version)
"""


def test_two_processes_add_at_once_to_a_database_that_is_not_there_yet(own_home: Path, tmp_path: Path):
    """Each brings its own training, and both succeed; nothing is written but in the data home, nothing is printed."""
    both = [script(ADD.format(run=f"run-{number}", steps=3), own_home, tmp_path) for number in range(2)]
    told = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sorted(out.strip() for out, _ in told) == ["1", "2"]
    assert [err for _, err in told] == ["", ""]
    assert list(tmp_path.iterdir()) == []
    assert sorted(path.name for path in own_home.rglob("*")) == ["models", "registry.db", "registry.lock"]
    assert len(list(opened().list())) == 2


def test_a_fresh_process_reads_what_another_wrote(models, own_home: Path, tmp_path: Path):
    models.add(version(), CURVES)
    models.alias("shop", "1", "latest")
    code = """
import json, msgspec
from bashgym import registry
plugin = registry.load("model_registry", "mlflow")
print(json.dumps(msgspec.to_builtins(plugin(plugin.Config()).get("shop", "latest"))))
"""
    out, err = script(code, own_home, tmp_path).communicate(timeout=300)
    assert err == ""
    assert msgspec.convert(json.loads(out), ModelVersion).scores == SCORES
    assert list(tmp_path.iterdir()) == []


def test_killed_while_adding_and_added_again(models, own_home: Path, tmp_path: Path):
    """SIGKILL at a moment of its own choosing: the lock is free at once, and one version stands in the end."""
    process = script(ADD.format(run="run-1", steps=200_000), own_home, tmp_path)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if list(opened().client.search_runs(["1"])):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.05)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    kept = opened().add(ModelVersion(name="shop", path="/p", lineage={"run": "run-1"}), [{"step": 1, "loss": 2.0}])
    assert kept.version == "1"
    assert [found.version for found in models.list()] == ["1"]
