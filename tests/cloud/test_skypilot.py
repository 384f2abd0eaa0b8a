"""SkyPilot itself reads the plans and prices, offline. Its price list is INVENTED here: no number is a real price."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from msgspec import structs

from bashgym import paths
from bashgym.config import validate
from bashgym.errors import MissingPackage, PrivacyError, RecipeError, RunFailed
from bashgym.records import Job, Submission
from bashgym.registry import load
from bashgym.rented import catalogue, quoting
from bashgym.rented.gpus import MEMORY

pytest.importorskip("sky")
CANARY = "canary-8c1f7e2b90d4"

# the columns of SkyPilot's schema v8; invented prices
COLUMNS = {
    "runpod": "InstanceType AcceleratorName AcceleratorCount vCPUs MemoryGiB Region SpotPrice Price AvailabilityZone "
    "GpuInfo",
    "lambda": "InstanceType AcceleratorName AcceleratorCount vCPUs MemoryGiB Price Region GpuInfo SpotPrice",
    "vast": "InstanceType AcceleratorName AcceleratorCount vCPUs MemoryGiB GpuInfo Price SpotPrice Region HostingType",
}
MACHINES = {
    "runpod": [
        {
            "InstanceType": "1x_RTX4090_SECURE",
            "AcceleratorName": "RTX4090",
            "Price": 0.77,
            "SpotPrice": 0.11,
            "Region": "CZ",
        },
        {
            "InstanceType": "1x_RTX4090_SECURE",
            "AcceleratorName": "RTX4090",
            "Price": 0.77,
            "SpotPrice": 0.11,
            "Region": "US",
        },
        {"InstanceType": "1x_L4_SECURE", "AcceleratorName": "L4", "Price": 0.55, "SpotPrice": 0.22, "Region": "US"},
        {
            "InstanceType": "1x_A100-80GB_SECURE",
            "AcceleratorName": "A100-80GB",
            "Price": 3.33,
            "SpotPrice": 1.0,
            "Region": "US",
        },
        {"InstanceType": "1x_A40_SECURE", "AcceleratorName": "A40", "Price": 0.0, "SpotPrice": 0.0, "Region": "US"},
    ],
    "lambda": [
        {"InstanceType": "gpu_1x_a10", "AcceleratorName": "A10", "Price": 0.91, "SpotPrice": "", "Region": "us-east-1"},
        {
            "InstanceType": "gpu_1x_a100",
            "AcceleratorName": "A100",
            "Price": 1.51,
            "SpotPrice": "",
            "Region": "us-west-1",
        },
        {
            "InstanceType": "gpu_8x_h100",
            "AcceleratorName": "H100",
            "AcceleratorCount": 8,
            "Price": 19.0,
            "Region": "us-east-1",
        },
    ],
    "vast": [
        {
            "InstanceType": "1x-RTX_4090-32-65536",
            "AcceleratorName": "RTX4090",
            "Price": 0.31,
            "Region": "Home",
            "HostingType": 0,
        },
        {
            "InstanceType": "1x-RTX_4090-32-65536",
            "AcceleratorName": "RTX4090",
            "Price": 0.42,
            "Region": "Hall",
            "HostingType": 1,
        },
        {
            "InstanceType": "1x-RTX_3090-16-32768",
            "AcceleratorName": "RTX3090",
            "Price": 0.21,
            "Region": "Home",
            "HostingType": 0,
        },
    ],
}
ZONES = {"CZ": "EU-CZ-1", "US": "US-TX-1"}
REST = {"AcceleratorCount": 1, "vCPUs": 8, "MemoryGiB": 64, "SpotPrice": 0.0}


def price_list(home: Path, cloud: str, machines: list[dict] | None = None) -> None:
    import csv

    file = home / catalogue.PRICES / cloud / "vms.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS[cloud].split(), extrasaction="ignore")
        writer.writeheader()
        for machine in MACHINES[cloud] if machines is None else machines:
            row = REST | {"AvailabilityZone": ZONES.get(machine["Region"], "")} | machine
            gpu = {"Name": row["AcceleratorName"], "Count": 1.0, "MemoryInfo": {"SizeInMiB": 24576}}
            writer.writerow(row | {"GpuInfo": str({"Gpus": [gpu], "TotalGpuMemoryInMiB": 24576})})


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """The user's HOME, with SkyPilot's price lists, and a data home; nothing of this machine's own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("SKY_RUNTIME_DIR", raising=False)
    for cloud in MACHINES:
        price_list(folder, cloud)
    return folder


def preset(cloud: str) -> dict:
    values = yaml.safe_load((paths.shipped("conf") / "cloud" / f"{cloud}.yaml").read_text())
    assert values.pop("plugin") == "skypilot"
    return values


def place(cloud: str, **values):
    cls = load("cloud", "skypilot")
    return cls(validate(cls.Config, preset(cloud) | values, "cloud"))


def limits(**values) -> dict:
    return {"max_hourly_usd": 2.0, "max_hours": 4.0, "max_usd": 8.0, "launch_minutes": 15} | values


@pytest.fixture
def job(tmp_path) -> Job:
    folder = tmp_path / "run"
    (folder / "dataset").mkdir(parents=True)
    (folder / "axolotl.yaml").write_text("base_model: tiny\n")
    return Job(
        name="SFT codellama/2026",
        folder=str(folder),
        command=("axolotl", "train", f"{folder}/axolotl.yaml", "--launcher", "python"),
        env={"PYTHONPATH": f"{folder}/inside", "NOTE": "it's $HOME", "HF_TOKEN": CANARY},
        output="output",
        config={},
        gpu={"min_vram_gb": 24, "count": 1},
        uploads=("axolotl.yaml", "dataset"),
    )


def changed(job: Job, **values) -> Job:
    return Job(**{name: getattr(job, name) for name in job.__struct_fields__} | values)


# Runs the real optimizer on a rendered plan, with SkyPilot's check of credentials taken out: here only, never in
# product code. What it chooses is what a launch would rent.
OPTIMIZER = """
import json, os, sys
out = os.dup(1); os.dup2(2, 1)
from unittest import mock
import sky, yaml
from sky import execution, optimizer
from sky.utils import registry
cloud = registry.CLOUD_REGISTRY.from_str(sys.argv[2])
task = sky.Task.from_yaml_config(yaml.safe_load(open(sys.argv[1])))
dag = sky.Dag(); dag.add(task)
with mock.patch("sky.check.get_cached_enabled_clouds_or_refresh", lambda *a, **k: [cloud]), \\
     mock.patch("sky.check.check_capability", lambda *a, **k: None):
    if sys.argv[3] == "optimize":
        optimizer.Optimizer.optimize(dag, quiet=True)
        best = task.best_resources
        answer = [best.instance_type, best.region, best.get_cost(3600)]
    else:
        answer = execution.launch(task, cluster_name="bg-test", dryrun=True)
with os.fdopen(out, "w") as file:
    json.dump(answer, file)
"""


def sky(cloud: str, file: str, verb: str = "optimize"):
    folder = catalogue.place(cloud)
    done = subprocess.run(
        [sys.executable, "-c", OPTIMIZER, file, cloud, verb],
        env=catalogue.variables(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("cloud", "instance", "price"),
    [("runpod", "1x_L4_SECURE", 0.55), ("lambda", "gpu_1x_a10", 0.91), ("vast", "1x-RTX_4090-32-65536", 0.42)],
)
def test_the_quote_is_what_the_optimizer_would_rent(job, cloud, instance, price):
    quote = place(cloud, gpu={"prefer": ["L4", "RTX4090"] if cloud == "runpod" else []}).quote(job)
    best = quote.offers[0]
    assert (best.instance, best.usd_per_hour, best.evidence) == (instance, price, "estimated")
    assert (quote.evidence, quote.hours, quote.usd) == ("estimated", None, None)
    assert "price list of 20" in best.note
    if cloud == "lambda":  # 10^18 operations on an A10: a quarter of 125 * 10^12 a second, and a quarter of an hour
        told = place(cloud).quote(structs.replace(job, estimate={"flops": 1e18}))
        hours = 0.25 + 1e18 / (125e12 / 4) / 3600
        assert (told.hours, told.usd) == (round(hours, 2), round(hours * price, 2))
        assert "limits allow" in told.note
    chosen = sky(cloud, quote.details["sky_yaml"])
    assert chosen[0] == instance
    if cloud == "vast":  # SkyPilot's own price is that of any host of the region; its region may be a home
        assert (best.region, chosen[2]) == ("Hall", 0.31)
    else:
        assert (chosen[1], pytest.approx(chosen[2])) == (best.region, price)


def test_homes_are_quoted_only_when_allowed(job):
    safe = place("vast").quote(job)
    assert [(one.region, one.usd_per_hour) for one in safe.offers] == [("Hall", 0.42)]
    assert safe.details["refused"]["RTX3090:1"] == "only on hosts outside datacentres"
    quote = place("vast", datacenter_only=False).quote(job)
    assert [(one.region, one.usd_per_hour) for one in quote.offers] == [("Home", 0.21), ("Home", 0.31)]


def test_a_price_list_that_knows_no_homes_says_so(job, home, monkeypatch):
    monkeypatch.setitem(COLUMNS, "vast", COLUMNS["vast"].replace(" HostingType", ""))
    price_list(home, "vast")
    assert "does not tell datacentres from private hosts" in place("vast").quote(job).note


def test_a_price_of_nought_is_no_price(job):
    quote = place("runpod").quote(job)
    last = quote.offers[-1]  # after all that have a price
    assert (last.accelerators, last.usd_per_hour, last.evidence) == ("A40:1", None, "missing")
    assert [one.usd_per_hour for one in quote.offers[:-1]] == [0.55, 0.77]


def test_spot_has_the_spot_price_where_there_is_spot(job):
    quote = place("runpod", spot=True, gpu={"prefer": ["RTX4090"]}).quote(job)
    assert quote.offers[0].usd_per_hour == 0.11
    assert yaml.safe_load(Path(quote.details["sky_yaml"]).read_text())["resources"]["use_spot"] is True


@pytest.mark.parametrize("cloud", ["lambda", "vast"])
def test_spot_is_refused_where_it_is_none(cloud):
    with pytest.raises(RecipeError, match=r"cloud\.spot: .*cloud=runpod"):
        place(cloud, spot=True)


def test_what_cannot_be_had_says_why(job):
    dear = place("runpod", gpu={"prefer": ["A100-80GB"]}).quote(job)
    assert (dear.offers, dear.evidence) == ((), "missing")
    assert "A100-80GB:1 costs $3.33/h or more" in dear.note
    assert "cloud.limits" in dear.note
    many = place("lambda", limits=limits(max_hourly_usd=50, max_usd=200)).quote(
        changed(job, gpu={"min_vram_gb": 80, "count": 1})
    )
    assert "H100:1 not offered" in many.note
    vast = changed(job, gpu={"min_vram_gb": 500, "count": 1})
    assert "500 GB a GPU" in place("vast").quote(vast).note
    assert [one.level for one in place("vast").preflight(vast)] == ["error", "error"]


def test_no_gpu_is_no_business_of_a_rented_machine(job):
    none = changed(job, gpu={})
    assert "cloud=local" in place("runpod").quote(none).note
    assert any("training.device=cpu" in one.message for one in place("runpod").preflight(none))


def test_without_a_price_list_the_plan_is_made_and_nothing_is_guessed(job, home):
    shutil.rmtree(home / ".sky")
    quote = place("vast").quote(job)
    assert (quote.offers, quote.usd, quote.hours, quote.evidence) == ((), None, None, "missing")
    assert "sky gpus list --infra vast" in quote.note
    assert "at most $4.00" in quote.note
    assert yaml.safe_load(Path(quote.details["sky_yaml"]).read_text())["resources"]["infra"] == "vast"


def test_a_newer_price_list_of_the_user_is_taken(job, home):
    assert catalogue.prices("lambda").source.is_relative_to(home)
    price_list(home, "lambda", [MACHINES["lambda"][0] | {"Price": 0.5}])
    os.utime(home / catalogue.PRICES / "lambda" / "vms.csv", (4e9, 4e9))
    quote = place("lambda").quote(job)
    assert quote.offers[0].usd_per_hour == 0.5
    assert quote.details["prices"]["date"] == "2096-10-02"


def test_the_plan(job):
    quote = place("vast", secrets=["HF_TOKEN"], limits=limits(max_hourly_usd=1.0)).quote(job)
    text = Path(quote.details["sky_yaml"]).read_text()
    plan = yaml.safe_load(text)
    assert plan["name"] == "bg-sft-codellama-2026"
    assert plan["file_mounts"] == {
        "~/bashgym-job/axolotl.yaml": f"{job.folder}/axolotl.yaml",
        "~/bashgym-job/dataset": f"{job.folder}/dataset",
    }
    assert plan["resources"]["autostop"] == {"idle_minutes": 10, "down": True, "wait_for": "jobs"}
    assert plan["resources"]["max_hourly_cost"] == 1.0
    assert plan["config"] == {"vast": {"datacenter_only": True}}
    assert plan["secrets"] == {"HF_TOKEN": None}
    # four hours, less a quarter for the start and ten minutes of idling
    assert quote.details["limits"]["train_seconds"] == 4 * 3600 - 25 * 60
    assert "seconds=${BASHGYM_SECONDS:-12900}" in plan["run"]
    assert 'timeout -k 60 "${training}s" axolotl train "$PWD"/axolotl.yaml' in plan["run"]
    assert quote.details["uploads"] == ["axolotl.yaml", "dataset"]
    assert quote.details["credentials"] == [str(paths.home() / "sky/vast/.config/vastai/vast_api_key")]
    assert "sky launch --down -c bg-sft-codellama-2026 --secret HF_TOKEN" in text


def test_money_limits_time():
    """Two dollars at two dollars an hour are one hour, whatever max_hours says."""
    assert quoting.limits(place("lambda", limits=limits(max_usd=2.0)).config)["train_seconds"] == 3600 - 25 * 60
    with pytest.raises(RecipeError, match=r"cloud\.limits: no time to train is left.*max_usd"):
        place("lambda", limits=limits(max_usd=0.5))


def test_the_shell_of_the_plan_runs(job, tmp_path):
    """The run part under a real bash, with a home and an axolotl that are ours."""
    file = quoting.render(place("runpod", secrets=["HF_TOKEN"]).config, job, ("L4:1",))
    script = yaml.safe_load(file.read_text())["run"]
    there, tools = tmp_path / "there" / "bashgym-job", tmp_path / "tools"
    there.mkdir(parents=True)
    tools.mkdir()
    (tools / "axolotl").write_text('#!/bin/sh\nprintf "%s\\n" "$@" "$PYTHONPATH" "$NOTE" "$PWD"\nexit 7\n')
    (tools / "axolotl").chmod(0o755)
    variables = {"HOME": str(there.parent), "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], env=variables, capture_output=True, text=True)
    assert done.returncode == 7, done.stderr
    assert [line.removeprefix("bashgym log 1 ")[2:] for line in done.stdout.splitlines()[:-1]] == [
        "train", f"{there}/axolotl.yaml", "--launcher", "python", f"{there}/inside", "it's $HOME", str(there),
    ]  # fmt: skip
    (tools / "axolotl").write_text("#!/bin/sh\nexec sleep 30\n")
    variables["BASHGYM_SECONDS"] = "2"
    slow = subprocess.run(["bash", "-c", script], env=variables, capture_output=True, text=True)
    assert slow.returncode == 124
    assert "cloud.limits" in slow.stderr


def test_no_secret_is_written_anywhere(job, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", CANARY)
    monkeypatch.setenv("RUNPOD_API_KEY", CANARY)
    place("runpod", secrets=["HF_TOKEN"]).quote(job)
    sky("runpod", f"{job.folder}/sky.yaml")
    read = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "sky.yaml" for path in read)
    assert not [path for path in read if CANARY.encode() in path.read_bytes()]
    leaking = changed(job, command=("axolotl", "train", f"--hub-token={CANARY}"))
    with pytest.raises(PrivacyError, match="the value of HF_TOKEN would be written"):
        place("runpod", secrets=["HF_TOKEN"]).quote(leaking)


def test_skypilot_sees_nothing_of_the_users_home(job, home):
    """Key files of other clouds in HOME would be copied to the rented machine; SkyPilot must not know of them."""
    before = sorted(home.rglob("*"))
    place("lambda").quote(job)
    assert sorted(home.rglob("*")) == before  # and it writes nothing there
    folder = paths.home() / "sky" / "lambda"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".sky").is_dir()
    assert catalogue.variables(folder)["HOME"] == str(folder)


def test_key_files_are_those_skypilot_would_copy():
    program = (
        "import json, os\nout = os.dup(1); os.dup2(2, 1)\nimport sky\nfrom sky.utils import registry\n"
        "find = lambda name: list(registry.CLOUD_REGISTRY.from_str(name).get_credential_file_mounts())\n"
        f"found = {{name: find(name) for name in {list(MEMORY)}}}\n"
        "os.write(out, json.dumps(found).encode())"
    )
    folder = catalogue.place("runpod")
    done = subprocess.run(
        [sys.executable, "-c", program], env=catalogue.variables(folder), capture_output=True, check=True
    )
    assert json.loads(done.stdout) == {name: [f"~/{catalogue.KEYS[name]}"] for name in MEMORY}


def test_what_skypilot_refuses_is_told(job):
    with pytest.raises(RecipeError, match="SkyPilot refuses"):
        place("runpod", infra="runpod/US/nowhere/at/all").quote(job)


def test_uploads_stay_in_the_run_folder(job, tmp_path):
    (Path(job.folder) / "link").symlink_to(tmp_path / "home")
    for name in ("../home", "/etc", "link"):
        leading = changed(job, uploads=(name,))
        with pytest.raises(RecipeError, match="leads out of"):
            place("runpod").quote(leading)
        assert any("leads out of" in one.message for one in place("runpod").preflight(leading))


def test_nothing_pretends_to_launch(job):
    ours, submission = place("runpod"), Submission(job="x", folder=job.folder, id="x")
    (finding,) = ours.preflight(job)
    assert finding.level == "error"
    assert "--plan" in finding.message
    assert "cloud=local" in finding.message
    for call in (ours.submit, ours.follow, ours.fetch, ours.cancel, ours.down):
        with pytest.raises(RunFailed, match="does not launch rented machines"):
            call(job if call == ours.submit else submission)


def test_warnings_before_anything_is_spent(job, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    ours = place(
        "vast", image="docker:axolotlai/axolotl-uv:main-latest", datacenter_only=False, secrets=["WANDB_API_KEY"]
    )
    warned = [one.message for one in ours.preflight(job) if one.level == "warning"]
    assert [text.split("=")[0].split(":")[0] for text in warned] == [
        "cloud.image",
        "cloud.datacenter_only",
        "cloud.secrets",
    ]


def test_spelling():
    with pytest.raises(RecipeError, match="did you mean 'vast'"):
        place("vast", infra="vastai")
    with pytest.raises(RecipeError, match="lambda has no GPU 'RTX4090'"):
        place("lambda", gpu={"prefer": ["RTX4090"]})


def test_without_skypilot_the_extra_is_named(job, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"skypilot is not installed.*bashgym\[cloud\]"):
        place("runpod").quote(job)


@pytest.mark.parametrize("cloud", sorted(MEMORY))
def test_presets_have_the_keys_of_the_config(cloud):
    cls = load("cloud", "skypilot")
    made = validate(cls.Config, preset(cloud), "cloud")
    assert made.model_dump(mode="json") == preset(cloud)


@pytest.mark.skipif(shutil.which("rsync") is None, reason="SkyPilot wants rsync even for a dry run")
def test_a_dry_run_renders_a_cluster(job):
    folder = catalogue.place("runpod")
    key = folder / catalogue.KEYS["runpod"]
    key.parent.mkdir(parents=True, exist_ok=True)
    key.write_text('[default]\napi_key = "not-a-key"\n')
    quote = place("runpod", gpu={"prefer": ["L4"]}).quote(job)
    assert sky("runpod", quote.details["sky_yaml"], "dryrun") == [None, None]
    (rendered,) = (folder / ".sky/generated").glob("bg-test.yml*")
    text = rendered.read_text()
    assert "1x_L4_SECURE" in text
    assert "axolotlai/axolotl-uv:0.19.0" in text
