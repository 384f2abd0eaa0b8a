"""SkyPilot itself reads the plans and prices, offline. Its price list is INVENTED here: no number is a real price."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from msgspec import structs

from bashgym import paths, places, recipe
from bashgym.config import validate
from bashgym.display import Terminal
from bashgym.errors import MissingPackage, PrivacyError, RecipeError
from bashgym.records import Job
from bashgym.registry import load
from bashgym.rented import caps, catalogue, quoting, rules, settings
from bashgym.rented.gpus import MEMORY
from bashgym.run import bare
from bashgym.stages.train import provisional
from tests.fakes import dry_sky, price_lists

pytest.importorskip("sky")
CANARY = "canary-8c1f7e2b90d4"


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """The user's HOME, with SkyPilot's price lists and keys, and a data home; nothing of this machine's own.

    One for all tests: a process of SkyPilot's answers until a price list changes, and takes seconds to start."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        patch.setenv("BASHGYM_HOME", str(tmp_path_factory.mktemp("data")))
        patch.delenv("SKY_RUNTIME_DIR", raising=False)
        for cloud in price_lists.MACHINES:
            price_lists.price_list(folder, cloud)
            key = folder / catalogue.KEYS[cloud]
            key.parent.mkdir(parents=True, exist_ok=True)
            key.write_text("[default]\napi_key = not-a-key\n")
        yield folder


@pytest.fixture(autouse=True)
def own_home(home, monkeypatch):
    """The data home of all tests here, in place of one for each: a process of SkyPilot's belongs to one."""
    for name in ("BASHGYM_PACKS", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(home / "no-claude"))
    return Path(os.environ["BASHGYM_HOME"])


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A HOME of the test's own, whose lists it may change."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("BASHGYM_HOME", str(tmp_path / "data"))
    return tmp_path / "home"


@pytest.fixture(scope="module")
def sky(home):
    """Asks the real SkyPilot (tests/fakes/dry_sky.py)."""
    folder = catalogue.place("dry")
    for cloud in MEMORY:
        catalogue.prices(cloud)
        shutil.copytree(home / Path(catalogue.KEYS[cloud]).parts[0], folder / Path(catalogue.KEYS[cloud]).parts[0])
    shutil.copytree(catalogue.place(catalogue.QUOTES) / catalogue.PRICES, folder / catalogue.PRICES)
    child = subprocess.Popen(
        [sys.executable, "-P", dry_sky.__file__],  # a fake `sky` may lie beside it
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(folder / "log").open("w"),
        env=catalogue.variables(folder),
        cwd=folder,
        text=True,
    )

    def ask(cloud: str, verb: str, file: str = "", name: str = "bg-test"):
        child.stdin.write(json.dumps({"cloud": cloud, "verb": verb, "file": file, "name": name}) + "\n")
        child.stdin.flush()
        answer = json.loads(child.stdout.readline() or '{"error": "it ended"}')
        assert not isinstance(answer, dict) or "error" not in answer, answer
        return answer

    ask.folder = folder
    yield ask
    child.kill()
    child.wait()


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


@pytest.mark.parametrize(
    ("cloud", "instance", "price"),
    [("runpod", "1x_L4_SECURE", 0.55), ("lambda", "gpu_1x_a10", 0.91), ("vast", "1x-RTX_4090-32-65536", 0.42)],
)
def test_the_quote_is_what_the_optimizer_would_rent(job, sky, cloud, instance, price):
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
    chosen = sky(cloud, "optimize", quote.details["sky_yaml"])
    assert chosen[0] == instance
    if cloud == "vast":  # SkyPilot's own price is that of any host of the region; its region may be a home
        assert (best.region, chosen[2]) == ("Hall", 0.31)
    else:
        assert (chosen[1], pytest.approx(chosen[2])) == (best.region, price)


def test_homes_are_quoted_only_when_allowed(job):
    safe = place("vast").quote(job)
    assert [(one.region, one.usd_per_hour) for one in safe.offers] == [("Hall", 0.42), ("Hall", 0.81)]
    assert safe.details["refused"]["RTX3090:1"] == "only on hosts outside datacentres"
    quote = place("vast", datacenter_only=False).quote(job)
    assert [(one.region, one.usd_per_hour) for one in quote.offers] == [("Home", 0.21), ("Home", 0.31), ("Hall", 0.81)]


def test_a_price_of_nought_is_no_price_and_not_the_cheapest(job, sky):
    quote = place("runpod").quote(job)
    last = quote.offers[-1]  # after all that have a price
    assert (last.accelerators, last.usd_per_hour, last.evidence) == ("A40:1", None, "missing")
    assert [one.usd_per_hour for one in quote.offers[:-1]] == [0.55, 0.77, 0.93]
    # SkyPilot would take what costs nothing: it is not asked for
    assert sky("runpod", "optimize", quote.details["sky_yaml"])[0] == "1x_L4_SECURE"
    mixed = [{"accelerators": "A40:1", "usd_per_hour": price} for price in (None, 0.5)]
    assert [one["usd_per_hour"] for one in quoting.unpriced_apart(mixed)] == [None, None]
    alone = place("runpod", gpu={"prefer": ["A40"]})
    assert "nothing is rented unpriced" in caps.beyond(alone.quote(job), alone.config.limits)


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
    assert any("500 GB a GPU" in one.message for one in place("vast").preflight(vast) if one.level == "error")


def test_no_gpu_is_no_business_of_a_rented_machine(job):
    none = changed(job, gpu={})
    assert "cloud=local" in place("runpod").quote(none).note
    assert any("training.device=cpu" in one.message for one in place("runpod").preflight(none))


def test_the_plan(job, sky):
    quote = place("vast", secrets=["HF_TOKEN"], limits=limits(max_hourly_usd=1.0)).quote(job)
    text = Path(quote.details["sky_yaml"]).read_text()
    plan = yaml.safe_load(text)
    assert plan["name"] == "bg-sft-codellama-2026"
    assert plan["file_mounts"] == {
        "~/bashgym-job/axolotl.yaml": f"{job.folder}/axolotl.yaml",
        "~/bashgym-job/dataset": f"{job.folder}/dataset",
    }
    assert plan["resources"]["autostop"] == {"idle_minutes": 10, "down": True, "wait_for": "jobs"}
    # its server sets that as part of the launch, before the job: nobody has to be there for it
    assert sky("vast", "autostop", quote.details["sky_yaml"]) == [[True, 10, True, "jobs"]]
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


def test_no_secret_is_written_anywhere(job, sky, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", CANARY)
    monkeypatch.setenv("RUNPOD_API_KEY", CANARY)
    place("runpod", secrets=["HF_TOKEN"]).quote(job)
    sky("runpod", "optimize", f"{job.folder}/sky.yaml")
    read = [path for folder in (tmp_path, paths.home()) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "sky.yaml" for path in read)
    assert not [path for path in read if CANARY.encode() in path.read_bytes()]
    leaking = changed(job, command=("axolotl", "train", f"--hub-token={CANARY}"))
    with pytest.raises(PrivacyError, match="the value of HF_TOKEN would be written"):
        place("runpod", secrets=["HF_TOKEN"]).quote(leaking)


def test_a_quote_sees_no_key_and_writes_nothing_into_the_users_home(job, home):
    """Key files of other clouds in HOME would be copied to the rented machine; SkyPilot must not know of them."""
    before = sorted(home.rglob("*"))
    place("lambda").quote(job)
    assert sorted(home.rglob("*")) == before
    folder = paths.home() / "sky" / catalogue.QUOTES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / ".sky").is_dir()
    assert not [name for name in catalogue.KEYS.values() if (folder / name).exists()]
    assert catalogue.variables(folder)["HOME"] == str(folder)


def test_the_tables_are_those_of_skypilot(sky):
    cards = sky("lambda", "cards")
    assert {name: cards["lambda"][name] / 1024 for name in MEMORY["lambda"]} == MEMORY["lambda"]
    assert set(MEMORY["runpod"]) <= set(cards["runpod"])
    assert {cloud: sky(cloud, "copied") for cloud in MEMORY} == {name: [f"~/{catalogue.KEYS[name]}"] for name in MEMORY}
    assert sky("lambda", "names") == catalogue.NAMES | {"digitalocean": "DO"}
    lacking = {cloud: set(sky(cloud, "features")) for cloud in MEMORY}
    assert {cloud for cloud in MEMORY if "MULTI_NODE" in lacking[cloud]} == set(settings.NO_NODES)
    # on Vast it says it can, and cannot: its spot price is nought, and the machine an ordinary one
    assert {cloud for cloud in MEMORY if "SPOT_INSTANCE" in lacking[cloud]} == set(settings.NO_SPOT) - {"vast"}
    assert not [cloud for cloud in MEMORY if "AUTODOWN" in lacking[cloud] or "DOCKER_IMAGE" in lacking[cloud]]


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


def test_what_is_told_before_anything_is_spent(job, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    ours = place("vast", image="docker:other/image:1", datacenter_only=False, secrets=["WANDB_API_KEY"])
    found = [(one.level, one.message) for one in ours.preflight(job)]
    for level, words in (
        ("error", "pip install 'bashgym[vast]'"),
        ("error", "WANDB_API_KEY is not set"),
        ("warning", "private computers"),
        ("warning", "not the one this version is tested with"),
        ("info", "vast_api_key goes to the rented machine"),
        ("info", "charges for the disk"),
    ):
        assert [text for one, text in found if one == level and words in text], (words, found)
    clean = list(place("lambda").preflight(job))
    assert [one.level for one in clean] == ["info"], clean  # its key goes along
    for image, words in (("axolotlai/axolotl-uv:main-latest", "fixed tag"), ("axolotlai/axolotl-cloud:1", "terminal")):
        errors = [
            one.message for one in place("lambda", image=f"docker:{image}").preflight(job) if one.level == "error"
        ]
        assert [text for text in errors if words in text and "axolotl-uv:0.19.0" in text], errors


@pytest.mark.parametrize(("cloud", "box"), [("lambda", "docker"), ("runpod", "bubblewrap")])
def test_a_box_that_does_not_work_over_there_is_refused(job, cloud, box):
    order = Path(job.folder) / "inside" / "rewards.json"
    order.parent.mkdir()
    rewards = {"rewards": [{"label": "unit_tests", "config": {"box": box}}]}
    order.write_text(json.dumps(rewards))
    (error,) = (one.message for one in place(cloud).preflight(job) if one.level == "error")
    assert f"reward.unit_tests.box={box}" in error
    assert "leave it empty" in error


def test_machines_that_train_together(job, tmp_path):
    """Two of Lambda's, eight cards each: their price is that of both; the rendered script starts torchrun, and only on
    the first machine pushes checkpoints."""
    with pytest.raises(RecipeError, match=r"cloud\.num_nodes: .*cloud=lambda"):
        place("runpod", num_nodes=2)
    terms = limits(max_hourly_usd=40.0, max_usd=200.0)
    together = {"num_nodes": 2, "gpu": {"count": 8, "min_vram_gb": 80}}
    ours = place("lambda", **together, limits=terms, checkpoint={"to": "hub:me/checkpoints"})
    quote = ours.quote(structs.replace(job, estimate={"flops": 1e20}))
    (offer,) = quote.offers
    assert (offer.instance, offer.usd_per_hour, offer.accelerators) == ("2 x gpu_8x_h100", 38.0, "H100:8")
    assert offer.hours == round(0.25 + 1e20 / (756e12 / 4 * 16) / 3600, 2)
    plan = yaml.safe_load(Path(quote.details["sky_yaml"]).read_text())
    assert (plan["num_nodes"], plan["resources"]["max_hourly_cost"]) == (2, 20.0)
    there, tools = tmp_path / "there" / "bashgym-job", tmp_path / "tools"
    there.mkdir(parents=True)
    tools.mkdir()
    (tools / "axolotl").write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$HOME/words"\nexit 7\n')
    (tools / "python").write_text('#!/bin/sh\necho "$@" >> "$HOME/pushed"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    nodes = {"SKYPILOT_NUM_NODES": "2", "SKYPILOT_NODE_RANK": "1", "SKYPILOT_NODE_IPS": "10.0.0.1\n10.0.0.2"}
    variables = {"HOME": str(there.parent), "PATH": f"{tools}:{os.environ['PATH']}", **nodes}
    done = subprocess.run(["bash", "-c", plan["run"]], env=variables, capture_output=True, text=True, timeout=60)
    assert done.returncode == 7, done.stderr
    assert (there.parent / "words").read_text().split() == [
        "train", f"{there}/axolotl.yaml", "--launcher", "torchrun", "--", "--nnodes", "2", "--node_rank", "1",
        "--nproc_per_node", "8", "--master_addr", "10.0.0.1", "--master_port", "29500",
    ]  # fmt: skip
    assert (there.parent / "pushed").read_text().splitlines() == ["inside/push.py fetch"]


def test_any_other_cloud_by_its_name(job):
    (offer,) = place("lambda", infra="aws/us-east-1").quote(job).offers
    assert (offer.cloud, offer.instance, offer.usd_per_hour) == ("aws", "g6.xlarge", 0.83)
    ours = place("lambda", infra="k8s/office", gpu={"prefer": ["H100"]})
    quote = ours.quote(job)
    assert caps.beyond(quote, ours.config.limits) == ""
    assert "machines of your own" in quote.note
    plan = yaml.safe_load(Path(quote.details["sky_yaml"]).read_text())
    assert plan["resources"]["any_of"] == [{"accelerators": "H100:1"}]
    told = place("lambda", infra="nebius").quote(job)  # no list of it here
    assert "sky gpus list --infra nebius" in told.note


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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("rsync") is None, reason="SkyPilot wants rsync even for a dry run")
def test_every_recipe_renders_and_runs_dry_on_every_cloud(sky, tmp_path):
    """Also those that train on a CPU, told to take a GPU. Tasks that differ in names alone are dry-run once."""
    dry = set()
    for name, cloud in itertools.product(places.recipes(), MEMORY):
        words = [f"recipe={name}", f"cloud={cloud}", "training.device=gpu"]
        job, plugin = planned(words, tmp_path / name / cloud)
        quote = plugin.quote(job)
        assert quote.offers, (words, quote.note)
        assert not caps.beyond(quote, plugin.config.limits), words
        plan = yaml.safe_load(Path(quote.details["sky_yaml"]).read_text())
        same = json.dumps([plan["resources"], job.uploads])
        if same in dry:
            continue
        dry.add(same)
        for upload in job.uploads:  # a model made from the data is made when it is trained
            (Path(job.folder) / upload).exists() or (Path(job.folder) / upload).mkdir()
        cluster = f"bg-{name}-{cloud}".replace("_", "-")
        assert sky(cloud, "dryrun", quote.details["sky_yaml"], cluster) == [None, None]
        (rendered,) = (sky.folder / ".sky/generated").glob(f"{cluster}.yml*")
        wanted = {quote.offers[0].instance, rules.TESTED.removeprefix("docker:"), catalogue.KEYS[cloud]}
        assert not [part for part in wanted if part not in rendered.read_text()], cluster
    assert len(dry) > 6


# each with price lists of its own, for which SkyPilot's process starts anew: last, so that no other one waits


def test_a_price_list_that_knows_no_homes_says_so(job, own):
    price_lists.price_list(own, "vast", without="HostingType")
    assert "does not tell datacentres from private hosts" in place("vast").quote(job).note


def test_without_a_price_list_the_plan_is_made_and_nothing_is_guessed(job, own):
    quote = place("vast").quote(job)
    assert (quote.offers, quote.usd, quote.hours, quote.evidence) == ((), None, None, "missing")
    assert "sky gpus list --infra vast" in quote.note
    assert "at most $4.00" in quote.note
    assert yaml.safe_load(Path(quote.details["sky_yaml"]).read_text())["resources"]["infra"] == "vast"


def test_a_newer_price_list_of_the_user_is_taken(job, own):
    price_lists.price_list(own, "lambda")
    assert catalogue.prices("lambda").source.is_relative_to(own)
    price_lists.price_list(own, "lambda", [price_lists.MACHINES["lambda"][0] | {"Price": 0.5}])
    os.utime(own / catalogue.PRICES / "lambda" / "vms.csv", (4e9, 4e9))
    quote = place("lambda").quote(job)
    assert quote.offers[0].usd_per_hour == 0.5
    assert quote.details["prices"]["date"] == "2096-10-02"


def planned(words: list[str], folder: Path):
    folder.mkdir(parents=True)
    run = bare(recipe.load(words), folder, Terminal(quiet=True))
    return provisional(run), run.plugin(run.recipe.one("cloud"))
