"""A Ray cluster on machines of one's own, started by SkyPilot, for executor=ray: the task file, to be launched by hand.

The stages that make a dataset read sessions as they are, so every machine of such a cluster sees them: it is made on
machines their user has (Kubernetes, ssh, Slurm), which share a file system, and on no rented one. It is a cluster of
its own, started by the template that SkyPilot puts on every machine: SkyPilot's internal one (port 6380) is not for
others' work."""

from typing import Any

from bashgym.errors import RecipeError
from bashgym.rented.catalogue import OWN

PORT = 6379  # of Ray's head; SkyPilot's own Ray is at 6380
SHARED = "/bashgym"  # where the volume is seen on every machine: sessions, data home, code
NAME = "bg-ray"


def cluster(infra: str, nodes: int, volume: str) -> dict[str, Any]:
    """The task. Raises RecipeError for machines that would be rented."""
    name = infra.split("/")[0]
    if name not in OWN:
        raise RecipeError(
            f"infra={infra}: every machine of the cluster reads sessions as they are, and a rented one must never; "
            f"name machines of your own ({', '.join(OWN)}), or take executor=local"
        )
    return {
        "name": NAME,
        "num_nodes": nodes,
        "resources": {"infra": infra, "cpus": "4+"},
        **({"volumes": {SHARED: volume}} if volume else {}),
        "envs": {"RAY_HEAD_PORT": str(PORT), "BASHGYM_HOME": f"{SHARED if volume else '~'}/.bashgym"},
        "setup": "pip install 'bashgym[ray]'\n",
        "run": (
            "~/sky_templates/ray/start_cluster || exit 1\n"
            'if [ "$SKYPILOT_NODE_RANK" = 0 ]; then\n'
            '  others=$(echo "$SKYPILOT_NODE_IPS" | tail -n +2 | paste -sd ,)\n'
            f'  echo "bashgym run recipe=NAME executor=ray executor.address=127.0.0.1:{PORT} '
            '\\"executor.trusted=[$others]\\""\n'
            "fi\n"
        ),
    }


def notes(volume: str) -> list[str]:
    """What its user has to know."""
    where = f"the volume {volume}, at {SHARED}," if volume else "a file system that all of them see (a shared home)"
    return [
        f"launch: sky launch -c {NAME} FILE, then ssh {NAME} and type what its log says",
        f"Sessions, the data home and the code have to lie on {where} under the same path on every machine.",
        f"afterwards: sky down {NAME}",
    ]
