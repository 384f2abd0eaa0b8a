"""What is asked before anything is rented, and what `bashgym clouds quote` shows. Prices are INVENTED."""

import importlib.metadata
import io
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
import yaml

from bashgym import recipe
from bashgym.choices import Recipe
from bashgym.display import Terminal
from bashgym.errors import BashGymError, RecipeError
from bashgym.rented import asking, catalogue, rayed
from bashgym.rented.budget import Budget
from bashgym.run import bare
from bashgym.stages import agreement, train
from bashgym.verbs import clouds
from bashgym.verbs import run as run_verb
from tests.fakes import price_lists

pytest.importorskip("sky")
RECIPE = ["recipe=sft_codellama", "source.claude_code.path=."]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("BASHGYM_HOME", str(tmp_path_factory.mktemp("data")))
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the Hub tells nothing
        patch.delenv("SKY_RUNTIME_DIR", raising=False)
        for cloud in ("runpod", "lambda", "vast"):
            price_lists.price_list(folder, cloud)
            key = folder / catalogue.KEYS[cloud]
            key.parent.mkdir(parents=True, exist_ok=True)
            key.write_text("api_key = not-a-key\n")
        yield folder


@pytest.fixture(autouse=True)
def own_home(home, monkeypatch):
    """The data home of all tests here, in place of one for each: a process of SkyPilot's belongs to one."""
    for name in ("BASHGYM_PACKS", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "no-claude"))
    return Path(os.environ["BASHGYM_HOME"])


def typed(monkeypatch, text: str) -> None:
    """A person at the terminal who types `text`."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)


def started(folder: Path, *words: str, yes: bool = False):
    made: Recipe = recipe.load([*RECIPE, "cloud=runpod", *words])
    return bare(made, folder, Terminal(yes=yes))


def test_clouds_stand_side_by_side(capsys):
    assert clouds.main(["quote", *RECIPE, "--json"]) == 0
    found = {one["cloud"]: one for one in orjson.loads(capsys.readouterr().out)}
    first = {
        cloud: one["quote"]["offers"][0] for cloud, one in found.items() if one["quote"] and one["quote"]["offers"]
    }
    assert {cloud: offer["usd_per_hour"] for cloud, offer in first.items()} == {
        "runpod": 0.55,
        "lambda": 0.91,
        "vast": 0.42,
    }
    assert found["lambda"]["limits"]["max_usd"] == 8.0
    assert found["vast"]["quote"]["details"]["uploads"] == ["axolotl.yaml", "inside"]
    assert "local" not in found


def test_what_is_typed_for_one_cloud_is_not_asked_of_another(capsys):
    words = ["cloud=runpod", "cloud.spot=true", "cloud.limits.max_hourly_usd=0.5"]
    assert clouds.main(["quote", *RECIPE, *words, "--json"]) == 0
    found = {one["cloud"]: one for one in orjson.loads(capsys.readouterr().out)}
    assert found["runpod"]["quote"]["offers"][0]["usd_per_hour"] == 0.11  # spot
    assert found["vast"]["quote"]["offers"][0]["usd_per_hour"] == 0.42
    assert "A10:1 costs $0.91/h or more" in found["lambda"]["refused"]  # the limit is for all
    assert clouds.main(["quote", *RECIPE, *words]) == 0
    assert "lambda         would be refused" in capsys.readouterr().out


def test_without_any_price_list_nothing_is_quoted(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "data"))
    with pytest.raises(BashGymError, match="no cloud has an offer") as error:
        clouds.main(["quote", *RECIPE])
    assert error.value.exit_code == 2
    assert "sky gpus list --infra vast" in capsys.readouterr().out
    with pytest.raises(BashGymError, match="no price list of runpod") as error:
        run_verb.main([*RECIPE, "cloud=runpod", "--plan"])
    assert error.value.exit_code == 2
    assert "cost           missing: no price list of runpod" in capsys.readouterr().out  # all of the plan is shown


def test_nobody_to_ask(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(BashGymError, match=r"nobody is at a terminal to agree.*--yes") as error:
        run_verb.main([*RECIPE, "cloud=runpod"])
    assert error.value.exit_code == 2


def test_the_quote_is_agreed_to(tmp_path, monkeypatch, capsys):
    run = started(tmp_path)
    job = train.provisional(run)
    typed(monkeypatch, "n\n")
    with pytest.raises(BashGymError, match="nothing is rented"):
        agreement.agreed(run, job)
    shown = capsys.readouterr().err
    for words in ("1x_L4_SECURE", "$0.55 an hour", "at most $4.00", "axolotl.yaml", ".runpod/config.toml", "[y/N]"):
        assert words in shown
    typed(monkeypatch, "y\n")
    agreement.agreed(run, job)
    assert run.manifest.content["quote"]["usd_per_hour"] == 0.55


def test_a_sweep_is_agreed_to_once(tmp_path, monkeypatch, capsys):
    budget = Budget(limit=4.0)
    for taken, answers in ((0.0, "y\n"), (1.5, "")):
        run = started(tmp_path / str(taken))
        run.budget, budget.taken = budget, taken
        typed(monkeypatch, answers)
        agreement.agreed(run, train.provisional(run))
    asked = capsys.readouterr().err
    assert asked.count("[y/N]") == 1 and "$4.00 of $4.00 for all of them?" in asked
    assert "$2.50 of $4.00 are left" in asked
    budget.limit = 9.0  # of another cloud in the same sweep: asked for again
    with pytest.raises(BashGymError, match="nothing is rented"):
        agreement.agreed(run, train.provisional(run))


@pytest.mark.parametrize(
    ("words", "flops", "told"),
    [
        ("cloud.limits.max_hourly_usd=0.1", None, "L4:1 costs"),
        ("cloud.limits.max_usd=2.0", 1e18, "cloud.limits.max_usd is 2"),
        ("cloud.limits.max_usd=3.9", 3.6e17, "cloud.limits leave"),
        ("cloud.limits.max_hours=3", 1e18, "cloud.limits.max_hours is 3"),
        ("cloud.gpu.prefer=[A40]", None, "nothing is rented unpriced"),
    ],
)
def test_beyond_the_limits_nothing_is_rented_whoever_agrees(tmp_path, words, flops, told):
    from msgspec import structs

    run = started(tmp_path, words, yes=True)
    job = structs.replace(train.provisional(run), estimate={"flops": flops})
    with pytest.raises(RecipeError, match=told):
        agreement.agreed(run, job)
    assert "quote" not in run.manifest.content


def test_a_ray_cluster_is_made_of_ones_own_machines(tmp_path, capsys):
    """Its task is one that SkyPilot reads; its script says what to type on the head."""
    assert clouds.main(["ray", "infra=k8s/office", "nodes=3", "volume=shared"]) == 0
    text = capsys.readouterr().out
    file = tmp_path / "ray.yaml"
    file.write_text(text)
    catalogue.prices("k8s")
    assert asking.ask("k8s", file, quote=False, datacenter_only=False)["error"] is None
    task = yaml.safe_load(text)
    template = Path(str(importlib.metadata.distribution("skypilot").locate_file("sky_templates/ray/start_cluster")))
    assert f"RAY_HEAD_PORT:-{rayed.PORT}" in template.read_text() and "~/sky_templates/ray/start_cluster" in task["run"]
    template = tmp_path / "sky_templates" / "ray" / "start_cluster"
    template.parent.mkdir(parents=True)
    template.write_text("#!/bin/sh\necho started on $RAY_HEAD_PORT\n")
    template.chmod(0o755)
    nodes = {"SKYPILOT_NODE_RANK": "0", "SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2\n10.0.0.3"}
    variables = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", **task["envs"], **nodes}
    done = subprocess.run(["bash", "-c", task["run"]], env=variables, capture_output=True, text=True, check=True)
    first, last = done.stdout.splitlines()
    assert first == "started on 6379"
    assert last.endswith('executor.address=127.0.0.1:6379 "executor.trusted=[10.0.0.2,10.0.0.3]"')
    with pytest.raises(RecipeError, match="a rented one must never"):
        rayed.cluster("runpod", 2, "")


def test_a_process_that_is_just_going_to_rest_is_started_anew(tmp_path, monkeypatch):
    """It has closed its door, and takes a moment to end."""
    program = "import sys, time, os; os.close(1); time.sleep(0.3); sys.exit(0)"
    going = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    coming = subprocess.Popen(
        [sys.executable, "-c", "print('{\"error\": null}', flush=True); input(); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    processes = [asking.Process(one, (tmp_path / "errors").open("w+b"), {}) for one in (going, coming)]
    left = iter(processes)
    monkeypatch.setattr(asking, "started", lambda home: next(left))
    assert asking.ask("runpod", tmp_path / "sky.yaml", quote=False) == {"error": None}
    for one in processes:
        one.child.kill()
        one.child.communicate()
        one.errors.close()
