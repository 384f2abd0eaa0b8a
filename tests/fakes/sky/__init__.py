"""Stands in for SkyPilot's package in the driver's process: its calls, with a "cloud" of folders below HOME.

A machine is `$HOME/fake/<name>/home`; its job is really run there, by bash, as the task says. Requests, with the values
of secrets in them, are written where SkyPilot writes them, and its server's log too. tests/cloud/test_driver.py holds
names and parameters against the real package. `$HOME/fake/fault` says what goes wrong: a line `CALL EXCEPTION`."""

import enum
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HOME = Path(os.environ["HOME"])
CLOUD = HOME / "fake"
SERVER = HOME / ".sky" / "api_server"
PRICE = 0.55


class StatusRefreshMode(enum.Enum):
    NONE = "NONE"
    AUTO = "AUTO"
    FORCE = "FORCE"


class ClusterDoesNotExist(ValueError):
    pass


class ApiServerConnectionError(RuntimeError):
    pass


class ResourcesUnavailableError(Exception):
    pass


class Task:
    def __init__(self, config: dict[str, Any], variables: dict[str, str]) -> None:
        self.config, self.variables = config, variables

    @staticmethod
    def from_yaml_config(
        config: dict[str, Any],
        env_overrides: list[tuple[str, str]] | None = None,
        secrets_overrides: list[tuple[str, str]] | None = None,
    ) -> "Task":
        given = dict(secrets_overrides or [])
        missing = [name for name, value in (config.get("secrets") or {}).items() if value is None and name not in given]
        if missing:
            raise ValueError(f"No value available for secret(s): {missing}")
        return Task(config, {**dict(env_overrides or []), **given})


def told(request: str, result: Any = None, error: str = "") -> str:
    SERVER.mkdir(parents=True, exist_ok=True)
    (SERVER / f"{request}.json").write_text(json.dumps({"result": result, "error": error}))
    return request


def fault(call: str) -> None:
    path = CLOUD / "fault"
    lines = path.read_text().splitlines() if path.exists() else []
    for line in lines:
        name, kind = line.split()
        if name == call:
            path.write_text("\n".join(one for one in lines if one != line))
            raise globals().get(kind, RuntimeError)(f"{call}: planned")


def launch(
    task,
    cluster_name=None,
    retry_until_up=False,
    idle_minutes_to_autostop=None,
    wait_for=None,
    dryrun=False,
    down=False,
    backend=None,
    optimize_target=None,
    no_setup=False,
    clone_disk_from=None,
    fast=False,
    resize=False,
    _need_confirmation=False,
    _is_launched_by_jobs_controller=False,
    _is_launched_by_sky_serve_controller=False,
    _disable_controller_check=False,
    _file_mounts_blob_id=None,
    _extra_launch_context=None,
    _include_credentials=False,
):
    fault("launch")
    SERVER.mkdir(parents=True, exist_ok=True)
    with (SERVER / "requests.db").open("a") as file:
        file.write(json.dumps({"task": task.config, "variables": task.variables}) + "\n")
    with (CLOUD / "launches").open("a") as file:
        file.write(f"{cluster_name}\n")
    folder = CLOUD / cluster_name
    home = folder / "home"
    for there, here in task.config["file_mounts"].items():
        target = home / there.removeprefix("~/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(here, target) if Path(here).is_dir() else shutil.copy2(here, target)
    script = folder / "run.sh"
    script.write_text(task.config["run"])
    written = HOME / ".sky" / "generated" / "ssh" / cluster_name
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(f"Host {cluster_name}\n  HostName 127.0.0.1\n  IdentityFile ~/.sky/clients/key\n")
    variables = {"PATH": os.environ["PATH"], "HOME": str(home), **task.variables}
    line = f'cd "{folder}"; bash run.sh > log 2>&1; echo $? > code.part; mv code.part code'
    child = subprocess.Popen(["bash", "-c", line], env=variables, cwd=home, start_new_session=True)
    (folder / "pid").write_text(str(child.pid))
    return told(f"launch-{cluster_name}", 1)


def get(request_id):
    found = json.loads((SERVER / f"{request_id}.json").read_text())
    if found["error"]:
        raise RuntimeError(found["error"])
    if request_id.startswith("launch-"):
        return found["result"], None
    kind, _, name = request_id.partition("-")
    return {"status": records, "queue": listed, "job_status": jobs}.get(kind, lambda _: None)(name)


def api_status(request_ids=None, all_status=False, limit=None, fields=None, cluster_name=None):
    found = [SERVER / f"{one}.json" for one in request_ids or []]
    return [SimpleNamespace(request_id=one.stem, status="SUCCEEDED") for one in found if one.exists()]


def api_cancel(request_ids=None, all_users=False, silent=False):
    return told("cancelled-")


def status(
    cluster_names=None,
    refresh=StatusRefreshMode.NONE,
    all_users=False,
    *,
    _include_credentials=False,
    _summary_response=False,
):
    fault("status")
    return told(f"status-{cluster_names[0]}")


def records(name: str) -> list[dict[str, Any]]:
    if not (CLOUD / name).exists():
        return []
    taken = SimpleNamespace(instance_type="1x_L4_SECURE", region="US", cloud="Fake", get_cost=lambda seconds: PRICE)
    handle = SimpleNamespace(launched_resources=taken, launched_nodes=1, cluster_name_on_cloud=name)
    return [{"name": name, "handle": handle, "status": SimpleNamespace(value="UP")}]


def there(name: str) -> Path:
    if not (CLOUD / name).exists():
        raise ClusterDoesNotExist(name)
    return CLOUD / name


def queue(cluster_name, skip_finished=False, all_users=False):
    return told(f"queue-{cluster_name}")


def listed(name: str) -> list[dict[str, Any]]:
    return [{"job_id": 1}] if (there(name) / "pid").exists() else []


def job_status(cluster_name, job_ids=None):
    fault("job_status")
    return told(f"job_status-{cluster_name}")


def jobs(name: str) -> dict[int, Any]:
    code = there(name) / "code"
    value = "RUNNING" if not code.exists() else "SUCCEEDED" if code.read_text().strip() == "0" else "FAILED"
    return {1: SimpleNamespace(value=value)}


def tail_logs(cluster_name, job_id, follow, tail=0, output_stream=None, *, preload_content=True):
    fault("tail_logs")
    folder = there(cluster_name)
    return lines(folder)


def lines(folder: Path) -> Any:
    with (folder / "log").open() as file:
        while folder.exists():
            ended = (folder / "code").exists()
            for line in file:
                yield f"\x1b[36m(bg-job, pid=1)\x1b[0m {line}"
            if ended:
                return
            time.sleep(0.05)


def cancel(cluster_name, all=False, all_users=False, job_ids=None, _try_cancel_if_cluster_is_init=False):
    subprocess.run(["pkill", "-TERM", "-s", (there(cluster_name) / "pid").read_text()], check=False)
    return told("cancelled-")


def down(cluster_name, purge=False, graceful=False, graceful_timeout=None):
    fault("down")
    folder = there(cluster_name)
    subprocess.run(["pkill", "-KILL", "-s", (folder / "pid").read_text()], check=False)
    shutil.rmtree(folder)
    return told("down-")


def api_stop():
    fault("api_stop")
    (CLOUD / "stopped").touch()


def api_start(
    *,
    deploy=False,
    host="127.0.0.1",
    foreground=False,
    metrics=False,
    metrics_port=None,
    enable_basic_auth=False,
    port=None,
):
    (CLOUD / "stopped").unlink(missing_ok=True)
