"""The process in which SkyPilot rents: questions on stdin, answers on stdout, a line of JSON each.

Question: {call: NAME, ...}, see `CALLS`. Answer: any number of {line: TEXT} where a log is followed, then {result: ...}
or {error: {type, message}}. HOME, port and proxies are set by who starts it (bashgym/rented/client.py). The values of
secrets come on stdin and go on to SkyPilot's own door for them; nothing here writes them anywhere."""

import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

LAUNCH = "launch"  # what such a request is called, with or without `sky.` before it
# Where each cloud says what a machine really costs: SkyPilot's own list of machines, its key, and the price's
LIVE = {
    "vast": ("sky.provision.vast.utils", "list_instances", "name", "dph_total"),
    "runpod": ("sky.provision.runpod.utils", "_sky_get_pods", "name", "costPerHr"),
}


def main() -> None:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what sky prints must not get between us and who asks
    threading.Thread(target=end_with_parent, args=(os.getppid(),), daemon=True).start()
    for line in sys.stdin:
        for answer in answers(json.loads(line)):
            out.write(json.dumps(answer) + "\n")
            out.flush()


def end_with_parent(parent: int) -> None:
    """Who was killed reads no answers; what SkyPilot's server has under way goes on there."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def answers(question: dict[str, Any]) -> Iterator[dict[str, Any]]:
    call = CALLS[question.pop("call")]
    try:
        result = call(**question)
        if isinstance(result, Iterator):
            yield from ({"line": line} for line in result)
            result = None
    except Exception as error:  # SkyPilot's own are of sixty kinds: who asked judges them by name
        yield {"error": {"type": type(error).__name__, "message": " ".join(str(error).split())[:500]}}
        return
    yield {"result": result}


def launch(task: str, name: str, secrets: dict[str, str], variables: dict[str, str]) -> str:
    """Asks for a machine and a job on it; the id of the request, which goes on without us."""
    import sky
    import yaml

    config = yaml.safe_load(Path(task).read_text(encoding="utf-8"))
    built = sky.Task.from_yaml_config(
        config, env_overrides=list(variables.items()), secrets_overrides=list(secrets.items())
    )
    return str(sky.launch(built, cluster_name=name))


def launched(request: str) -> dict[str, Any] | None:
    """{job: id} of a launch that is through, None while it is under way; raises what it failed with.

    Without an id where SkyPilot's server, started anew, knows of no such request."""
    import sky

    found = sky.api_status([request], all_status=True)
    if not found:
        return {"job": None}
    if found[0].status not in ("SUCCEEDED", "FAILED", "CANCELLED"):
        return None
    through: Any = sky.get(cast("Any", request))  # (job, handle)
    return {"job": through[0]}


def requests(name: str) -> list[str]:
    """Launches of this cluster that are under way."""
    import sky

    sky.api_start()  # unlike the other calls, the next one does not start SkyPilot's server where it has ended
    pending = sky.api_status(cluster_name=name)
    return [one.request_id for one in pending if one.name.removeprefix("sky.") == LAUNCH]


def cancel_request(request: str) -> None:
    import sky

    sky.get(sky.api_cancel(request, silent=True))


def cluster(name: str) -> dict[str, Any] | None:
    """Status and price of a cluster as its cloud tells it now; None where there is none."""
    import sky

    records = sky.get(sky.status([name], refresh=sky.StatusRefreshMode.FORCE))
    return machine(records[0]) if records else None


def machine(record: Any) -> dict[str, Any]:
    taken = getattr(record["handle"], "launched_resources", None)
    nodes = getattr(record["handle"], "launched_nodes", None) or 1
    found: dict[str, Any] = {"status": record["status"].value, "usd_per_hour": None, "instance": "", "live": False}
    if taken is None:
        return found
    found |= {"instance": f"{taken.instance_type} {taken.region}", "usd_per_hour": taken.get_cost(3600) * nodes}
    paid = live_price(str(taken.cloud).lower(), getattr(record["handle"], "cluster_name_on_cloud", ""))
    return found | ({"usd_per_hour": paid, "live": True} if paid else {})


def live_price(cloud: str, name: str) -> float | None:
    """Dollars an hour of all machines whose name begins with a cluster's; None where the cloud does not tell.

    A list price is not what a marketplace takes: SkyPilot rents the first offer on Vast, whatever it costs."""
    if cloud not in LIVE or not name:
        return None
    module, function, label, price = LIVE[cloud]
    try:
        listed = getattr(importlib.import_module(module), function)()
        rows = listed.values() if isinstance(listed, dict) else listed
        return sum(float(row[price]) for row in rows if str(row.get(label) or "").startswith(name)) or None
    except Exception as error:  # another version of a vendor's package, or no network: the list price counts then
        print(f"bashgym: no live price of {cloud} ({type(error).__name__}: {error})", file=sys.stderr)
        return None


def jobs(name: str) -> list[int]:
    """The jobs of a cluster, in the order they were sent."""
    import sky

    return sorted(int(record["job_id"]) for record in sky.get(sky.queue(name)))


def job(name: str, job: int) -> str | None:
    """The status of a job, as SkyPilot spells it; None where the cluster knows no such job."""
    import sky

    found = {int(key): status for key, status in sky.get(sky.job_status(name, [job])).items() if key is not None}
    status = found.get(job)
    return None if status is None else status.value


def tail(name: str, job: int) -> Iterator[str]:
    """A job's log from its beginning, until the job ends."""
    import sky

    for line in sky.tail_logs(name, job, follow=True, preload_content=False):
        if line is not None:
            yield line


def cancel(name: str, job: int) -> None:
    import sky

    sky.get(sky.cancel(name, job_ids=[job]))


def down(name: str) -> None:
    import sky

    sky.get(sky.down(name))


def stop() -> None:
    """Ends SkyPilot's server, which holds keys and requests."""
    import sky

    sky.api_stop()


CALLS: dict[str, Callable[..., Any]] = {
    call.__name__: call
    for call in (launch, launched, requests, cancel_request, cluster, jobs, job, tail, cancel, down, stop)
}

if __name__ == "__main__":
    main()
