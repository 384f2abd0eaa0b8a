"""A run's tasks and rewards as an environment of `verifiers` (0.1: `load_environment`, a rubric, a dataset).

`export` writes a package that anybody with bashgym and verifiers installed can load by its name; its rubric has the
recipe's rewards as its functions and the recipe's weights as theirs. One turn is a SingleTurnEnv; with more, each reply
is a command in the task's box, and the verifying rewards look at what it left."""

import asyncio
import json
from pathlib import Path
from typing import Any

from bashgym import jsonl, sandbox
from bashgym.errors import InputError, MissingPackage
from bashgym.gate.report import require
from bashgym.tasks import BadTask, Task, as_verifier, loading, of_row, read, write
from bashgym.tasks.episode import Budget, Episode, command_of

TASKS = "tasks.jsonl"
MODULE = '''"""{title}: tasks of bashgym as an environment for verifiers."""

from pathlib import Path
from typing import Any

from bashgym.episodes.verifiers import environment


def load_environment(**settings: Any) -> Any:
    return environment(Path(__file__).parent, **settings)
'''
PROJECT = """[project]
name = "{name}"
version = "0.1.0"
description = "{title}"
requires-python = ">=3.11"
dependencies = ["bashgym", "verifiers>=0.1.5,<0.2"]
tags = ["coding", "bash", "train", "eval"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.build.targets.wheel]
include = ["*.py", "*.jsonl", "*.json", "reward_plugins/*.py"]
"""


def export(run: Path, out: Path, split: str = "train") -> int:
    """Writes the environment of a run on rewards into `out` and returns how many tasks it has.

    Only rows that the leak gate passed. Raises PrivacyError where it did not, InputError for a run without rewards."""
    require(run)
    if not (run / "inside" / loading.ORDER).exists():
        raise InputError(f"{run}: this run was trained on no rewards, so there is nothing to export")
    order = loading.order(run / "inside")
    try:
        tasks = [of_row(line.value) for line in jsonl.read_lines(run / "dataset" / f"{split}.jsonl")]
    except BadTask as error:
        raise InputError(f"{run}: {error}") from None
    if bound := next((task.id for task in tasks if task.bound_to_this_machine), None):
        raise InputError(f"{run}: task {bound} needs folders of this machine, which no other has")
    name = out.name.replace("-", "_")
    out.mkdir(parents=True, exist_ok=True)
    write(out / TASKS, tasks)
    for one in order["rewards"]:
        jsonl.replace(out / one["file"], (run / "inside" / one["file"]).read_bytes())
    jsonl.replace(out / loading.ORDER, json.dumps({**order, "selftest": None}, indent=1).encode())
    title = f"{len(tasks)} tasks of {run.name}"
    jsonl.replace(out / f"{name}.py", MODULE.format(title=title).encode())
    jsonl.replace(out / "pyproject.toml", PROJECT.format(name=out.name.replace("_", "-"), title=title).encode())
    return len(tasks)


def environment(folder: Path, turns: int | None = None, system_prompt: str | None = None) -> Any:
    """The verifiers environment of an exported folder; `turns` over what the recipe says."""
    try:
        import verifiers as vf
        from datasets import Dataset
    except ImportError:
        raise MissingPackage("verifiers", "verifiers") from None
    order = loading.order(folder)
    tasks = read(folder / TASKS)
    rows = [{"question": task.prompt, "answer": task.good, "info": info_of(task)} for task in tasks]
    budget = Budget(**(order.get("episode") or {"turns": 1}))
    budget = Budget(turns or budget.turns, budget.seconds, budget.command_seconds, budget.output_chars)
    functions = [scored(told["label"], loading.reward(folder, told)) for told in order["rewards"]]
    weights = [float(told["config"].get("weight", 1.0)) for told in order["rewards"]]
    rubric = vf.Rubric(funcs=functions, weights=weights)
    given = {"dataset": Dataset.from_list(rows), "rubric": rubric, "system_prompt": system_prompt}
    if budget.turns == 1:
        return vf.SingleTurnEnv(**given)
    return several(vf)(budget=budget, max_turns=-1, **given)  # the episode counts its turns, and runs the last one too


def scored(label: str, plugin: Any) -> Any:
    """A reward as a function of a rubric: it sees the last reply, or what the episode left in its folder."""

    async def score(completion: Any, info: Any, state: Any) -> float:
        row = row_of(info)
        episode = state.get("episode")
        if episode is not None and hasattr(plugin, "score_folder"):
            return float(await asyncio.to_thread(plugin.score_folder, episode.folder, row))
        return float(await asyncio.to_thread(plugin.score, last_reply(completion), row))

    score.__name__ = label
    return score


def info_of(task: Task) -> str:
    """The `info` of a dataset row; as a text within, because verifiers has its own idea of a key `task` in there."""
    return json.dumps({"bashgym": json.dumps(as_verifier(task))})


def row_of(info: Any) -> dict[str, Any]:
    """The row as a reward knows it."""
    held = json.loads(info) if isinstance(info, str) else info
    verifier = json.loads(held["bashgym"])
    return {"id": verifier["task"]["id"], "answer": verifier["answer"], "verifier": verifier}


def last_reply(completion: Any) -> str:
    """The text of the last message of the model."""
    if isinstance(completion, str):
        return completion
    said = [content(one, "content") for one in completion if content(one, "role") == "assistant"]
    return str(said[-1] or "") if said else ""


def content(message: Any, key: str) -> Any:
    return message.get(key) if isinstance(message, dict) else getattr(message, key, None)


def several(vf: Any) -> type:
    """A multi-turn environment class of the verifiers that is installed."""

    class BashEnv(vf.MultiTurnEnv):
        def __init__(self, budget: Budget, **settings: Any) -> None:
            super().__init__(**settings)
            self.budget, self.box = budget, sandbox.choose()
            # scoring comes after a rollout's own clean-up, and needs the folder
            self.rubric.add_cleanup_handler(close)

        async def setup_state(self, state: Any) -> Any:
            task = of_row(row_of(state["info"]))
            state["episode"] = await asyncio.to_thread(Episode, task, self.box, self.budget)
            return state

        async def env_response(self, messages: Any, state: Any, **_: Any) -> list[dict[str, str]]:
            turn = await asyncio.to_thread(state["episode"].act, command_of(last_reply(messages)))
            said = [{"role": "user", "content": turn.observation or turn.reason}]
            if turn.ended or turn.cut:
                state["final_env_response"] = said
            return said

    return BashEnv


async def close(state: Any) -> None:
    if state.get("episode") is not None:
        state["episode"].close()
