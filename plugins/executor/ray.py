"""Worker processes of a Ray cluster, on this machine and on others that see its files."""

import logging
import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from bashgym import paths
from bashgym.config import Config as BaseConfig
from bashgym.errors import BashGymError, MissingPackage, RunFailed

AHEAD = 4  # tasks waiting per core
PATIENCE = 120.0  # seconds for a node to start a worker and say what it is


class Executor:
    """Results are those of executor=local, byte for byte.

    A worker reads sessions as they are, so it runs only on this machine and on those in `trusted`; each of them must
    see this machine's files (sessions, data home, code) under the same paths, which is checked before any work."""

    class Config(BaseConfig):
        address: str = Field("auto", min_length=1)
        """The cluster: auto (that `ray start` made here), HOST:PORT of its head, or local (one for this run alone)."""
        trusted: tuple[str, ...] = ()
        """Other machines that may see sessions as they are, by the address or host name that Ray knows them by."""
        sessions_per_worker: int = Field(200, ge=0)
        """Sessions a worker handles before a fresh one takes its place, which keeps memory flat; 0: never."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def map(self, function: Callable[[Any], Any], refs: Iterable[Any]) -> Iterator[Any]:
        """Results in the order of `refs`; raises what a worker raised, RunFailed when one was lost or the cluster has a
        machine that may not do this work."""
        from bashgym.stages import elsewhere

        ray = self.connected()
        asked = elsewhere.ask(paths.home() / "tmp")
        try:
            cores = self.nodes(ray)
            self.check(ray, cores, asked)
            yield from self.worked(ray, cores, function, iter(refs), asked)
        finally:
            Path(asked.token).unlink(missing_ok=True)
            ray.shutdown()

    def connected(self) -> Any:
        """Ray, as a client of the cluster. Its usage reports stay off."""
        if ":" in self.config.address and not answers(self.config.address):  # Ray itself would ask for minutes
            raise no_cluster(self.config.address, "nothing answers")
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError:
            raise MissingPackage("ray", "ray") from None
        code = os.pathsep.join(filter(None, [str(paths.HERE.parent), os.environ.get("PYTHONPATH")]))
        try:
            ray.init(
                address=self.config.address,
                runtime_env={"env_vars": {"PYTHONPATH": code}},
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, ValueError) as error:
            raise no_cluster(self.config.address, str(error).split("\n")[0][:160]) from None
        return ray

    def nodes(self, ray: Any) -> dict[str, int]:
        """Cores by node, of those that may do the work; none that may not is in the cluster."""
        mine = ray.get_runtime_context().get_node_id()
        found = {}
        for node in ray.nodes():
            names = {node["NodeManagerAddress"], node["NodeManagerHostname"]}
            if not node["Alive"] or not node["Resources"].get("CPU"):
                continue
            if node["NodeID"] != mine and not names & set(self.config.trusted):
                raise RunFailed(
                    f"executor.trusted: {node['NodeManagerAddress']} of the cluster is not in it, and would see "
                    "sessions as they are; add it, or take it out of the cluster"
                )
            found[node["NodeID"]] = max(1, int(node["Resources"]["CPU"]))
        if not found:
            raise RunFailed("the Ray cluster has no cores; start it with --num-cpus=N")
        return found

    def check(self, ray: Any, cores: dict[str, int], asked: Any) -> None:
        """Raises RunFailed for a node that is not as this machine."""
        from bashgym.stages import elsewhere

        ask = ray.remote(elsewhere.there)
        mine = elsewhere.here(asked)
        names = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes()}
        for node in cores:
            try:
                other = ray.get(ask.options(num_cpus=0, scheduling_strategy=on(node)).remote(asked), timeout=PATIENCE)
            except ray.exceptions.RayError as error:
                reason = str(error).strip().split("\n")[-1][:160]
                raise RunFailed(f"{names[node]} of the Ray cluster cannot run our code ({reason})") from None
            for told in elsewhere.differences(mine, elsewhere.Machine(*other)):
                raise RunFailed(f"{names[node]} of the Ray cluster {told}")

    def worked(
        self, ray: Any, cores: dict[str, int], function: Callable[[Any], Any], refs: Iterator[Any], asked: Any
    ) -> Iterator[Any]:
        """A task more goes to the node with the least to do for its cores, and nowhere else."""
        from bashgym.stages import elsewhere

        run = ray.remote(num_cpus=1, max_retries=1, max_calls=self.config.sessions_per_worker)(elsewhere.work)
        given = ray.put(asked)
        busy: Counter[str] = Counter()
        pending: deque[tuple[str, Any]] = deque()

        def send(task: Any) -> None:
            node = min(cores, key=lambda one: (busy[one] / cores[one], one))
            busy[node] += 1
            pending.append((node, run.options(scheduling_strategy=on(node)).remote(function, task, given)))

        for task in islice(refs, sum(cores.values()) * AHEAD):
            send(task)
        while pending:
            node, result = pending.popleft()
            yield answered(ray, result)
            busy[node] -= 1
            for task in islice(refs, 1):
                send(task)


def answers(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, ValueError):
        return False
    return True


def no_cluster(address: str, reason: str) -> RunFailed:
    told = f"executor.address={address}: no Ray cluster there ({reason})"
    return RunFailed(f"{told}; start one with `ray start --head`, or take executor.address=local")


def on(node: str) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node, soft=False)


def answered(ray: Any, result: Any) -> Any:
    """One result; raises what the worker raised, without Ray's own words around it."""
    try:
        return ray.get(result)
    except ray.exceptions.RayTaskError as error:
        raise error.cause if isinstance(error.cause, BashGymError) else error from None
    except ray.exceptions.RayError as error:
        reason = type(error).__name__
        way_out = "run again: what is done is kept"
        raise RunFailed(
            f"a worker of the Ray cluster was lost, perhaps for want of memory ({reason}); {way_out}"
        ) from None
