"""A job as a SkyPilot task: the YAML that would be launched, with names of secrets and never their values."""

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bashgym.errors import PrivacyError, RecipeError
from bashgym.records import Job

THERE = "bashgym-job"  # the job's folder on the rented machine, below its home
TEMPLATES = Path(__file__).parent
MEETING_PORT = 29500  # where the processes of several machines meet, on the first of them
RESERVE = 90  # seconds of a machine's time that are no training: to end one that ignores SIGTERM, to hash the result
PUSHING = 300  # and to push the last checkpoint


class Terms(NamedTuple):
    """On what terms a machine is rented; the values of a preset in conf/cloud/."""

    infra: str  # runpod, lambda/us-east-1 ...
    accelerators: tuple[str, ...]  # `L4:1`, any of them
    spot: bool
    disk_gb: int
    image: str
    max_hourly_usd: float  # of one machine
    seconds: int  # the training command is killed after so many
    idle_minutes: int
    secrets: tuple[str, ...]  # names
    datacenter_only: bool
    nodes: int = 1  # machines that train together
    cards: int = 1  # of each
    push: bool = False  # checkpoints go to the Hub while it trains (bashgym/inside/push.py)

    @property
    def cloud(self) -> str:
        return self.infra.split("/")[0]


def task(job: Job, terms: Terms) -> dict[str, Any]:
    """SkyPilot's task for a job. Raises RecipeError for an upload that leads out of the job's folder."""
    resources: dict[str, Any] = {
        "infra": terms.infra,
        "any_of": [{"accelerators": name} for name in terms.accelerators],
        "use_spot": terms.spot,
        "disk_size": terms.disk_gb,
        "image_id": terms.image,
        "max_hourly_cost": terms.max_hourly_usd,
        # `wait_for: jobs`: a forgotten ssh session must not keep a machine that costs
        "autostop": {"idle_minutes": terms.idle_minutes, "down": True, "wait_for": "jobs"},
    }
    found: dict[str, Any] = {
        "name": cluster(job),
        "num_nodes": terms.nodes,
        "resources": resources,
        "file_mounts": {f"~/{THERE}/{name}": str(Path(job.folder) / name) for name in inside(job)},
        "setup": fill("setup.sh", program=shlex.quote(Path(job.command[0]).name)),
        "run": fill(
            "run.sh",
            there=THERE,
            seconds=terms.seconds,
            reserve=RESERVE + (PUSHING if terms.push else 0),
            exports=exports(job, terms),
            command=command(job, terms),
            push=terms.push,
            output=shlex.quote(job.output),
        ),
    }
    if terms.secrets:
        found["secrets"] = dict.fromkeys(terms.secrets)
    if terms.cloud == "vast":
        found["config"] = {"vast": {"datacenter_only": terms.datacenter_only}}
    return found


def cluster(job: Job) -> str:
    """A name that says whose it is: `bg-` and the job's, in letters all clouds take."""
    return "bg-" + (re.sub(r"[^a-z0-9]+", "-", job.name.lower()).strip("-")[:40].rstrip("-") or "job")


def inside(job: Job) -> list[str]:
    """The uploads, each below the job's folder, also where a link leads."""
    folder = Path(job.folder).resolve()
    for name in job.uploads:
        if Path(name).is_absolute() or not (folder / name).resolve().is_relative_to(folder):
            raise RecipeError(f"upload {name} of job {job.name} leads out of {job.folder}; copy it into the run folder")
    return list(job.uploads)


def exports(job: Job, terms: Terms) -> list[tuple[str, str]]:
    """The job's variables for the shell; those that are secrets come from SkyPilot's own door instead."""
    return [(name, moved(job, value)) for name, value in sorted(job.env.items()) if name not in terms.secrets]


def command(job: Job, terms: Terms) -> str:
    """The job's command for the shell; with more than one card, started by torchrun, which begins a process for each.

    SkyPilot tells every machine its rank and the addresses of all, the first of which they meet at."""
    if terms.nodes * terms.cards == 1:
        return " ".join(moved(job, part) for part in job.command)
    words = [moved(job, part) for part in job.command]
    if "--launcher" not in words:
        raise RecipeError(f"the command of job {job.name} cannot be started on several cards; set cloud.gpu.count=1")
    at = words.index("--launcher")
    meeting = [
        '--nnodes "$SKYPILOT_NUM_NODES"',
        '--node_rank "$SKYPILOT_NODE_RANK"',
        f"--nproc_per_node {terms.cards}",
        '--master_addr "$(echo "$SKYPILOT_NODE_IPS" | head -n 1)"',
        f"--master_port {MEETING_PORT}",
    ]
    return " ".join([*words[:at], "--launcher torchrun", *words[at + 2 :], "--", *meeting])


def moved(job: Job, text: str) -> str:
    """Quoted for the shell, with the job's folder here replaced by its folder there."""
    return '"$PWD"'.join(shlex.quote(part) if part else "" for part in text.split(job.folder.rstrip("/"))) or "''"


def fill(name: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, autoescape=False)
    return environment.from_string((TEMPLATES / name).read_text(encoding="utf-8")).render(**values)


def write(task: dict[str, Any], notes: Iterable[str]) -> bytes:
    """YAML with the shell parts as blocks, `notes` as a comment on top.

    Raises PrivacyError when the value of one of the task's secrets stands anywhere in it."""
    import yaml

    class Dumper(yaml.SafeDumper):
        pass

    def block(dumper: Any, text: str) -> Any:
        style = "|" if "\n" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Dumper.add_representer(str, block)
    body = yaml.dump(task, Dumper=Dumper, sort_keys=False, width=1000, allow_unicode=True)
    text = "".join(f"# {line}\n" for line in notes) + body
    for name in task.get("secrets", {}):
        if os.environ.get(name) and os.environ[name] in text:
            raise PrivacyError(f"the value of {name} would be written into sky.yaml; take it out of the recipe")
    return text.encode()
