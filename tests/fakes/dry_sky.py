"""Runs the real SkyPilot, with nobody's credentials: its optimizer and its dry run, for tests alone.

What is taken out is its check of which clouds the user has a key for, as product code must never do. A line of JSON in,
{file, cloud, verb, name}; a line out."""

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from unittest import mock


def main() -> None:
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import sky
    from sky.utils import annotations, registry

    annotations.is_on_api_server = False
    for line in sys.stdin:
        question = json.loads(line)
        cloud = registry.CLOUD_REGISTRY.from_str(question["cloud"])
        with (
            redirect_stdout(sys.stderr),
            mock.patch("sky.check.get_cached_enabled_clouds_or_refresh", lambda *a, cloud=cloud, **k: [cloud]),
            mock.patch("sky.check.check_capability", lambda *a, **k: None),
        ):
            try:
                answer = ANSWERS[question["verb"]](sky, cloud, question)
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
        out.write(json.dumps(answer) + "\n")
        out.flush()


def task(sky, question):
    import yaml

    return sky.Task.from_yaml_config(yaml.safe_load(Path(question["file"]).read_text()))


def optimize(sky, cloud, question):
    """What a launch would rent: [instance, region, dollars an hour]."""
    from sky import optimizer

    made, dag = task(sky, question), sky.Dag()
    dag.add(made)
    optimizer.Optimizer.optimize(dag, quiet=True)
    best = made.best_resources
    return [best.instance_type, best.region, best.get_cost(3600)]


def dryrun(sky, cloud, question):
    """The cluster as it would be made."""
    from sky import execution

    return execution.launch(task(sky, question), cluster_name=question["name"], dryrun=True)


def autostop(sky, cloud, question):
    """When a machine ends itself, by each of the resources a task may get: [set, minutes, down, waits for]."""
    found = [one.autostop_config for one in task(sky, question).resources]
    return sorted({(one.enabled, one.idle_minutes, one.down, one.wait_for.value) for one in found})


def cards(sky, cloud, question):
    """What SkyPilot's makers of price lists know: MiB of Lambda's cards, the names of RunPod's."""
    import ast

    def table(name, of):
        file = Path(sky.__file__).parent / "catalog" / "data_fetchers" / name
        nodes = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.Assign | ast.AnnAssign)]
        named = {ast.unparse(getattr(node, "target", None) or node.targets[0]): node.value for node in nodes}
        return ast.literal_eval(named[of])

    runpod = list(table("fetch_runpod.py", "DEFAULT_GPU_INFO"))
    return {"lambda": table("fetch_lambda_cloud.py", "GPU_TO_MEMORY"), "runpod": runpod}


def features(sky, cloud, question):
    """What SkyPilot itself says this cloud cannot do."""
    return sorted(one.name for one in cloud._unsupported_features_for_resources(sky.Resources()))


def names(sky, cloud, question):
    """All clouds that SkyPilot knows, aliases included."""
    from sky.utils import registry

    found = {name: str(one) for name, one in registry.CLOUD_REGISTRY.items()}
    return found | {alias: found[name] for alias, name in registry.CLOUD_REGISTRY._aliases.items()}


def copied(sky, cloud, question):
    """The key files that SkyPilot would copy to a machine of this cloud."""
    return list(cloud.get_credential_file_mounts())


ANSWERS = {answer.__name__: answer for answer in (optimize, dryrun, autostop, cards, features, names, copied)}

if __name__ == "__main__":
    main()
