"""A run's tasks and rewards for verifiers: what is exported is what the recipe says; with the package, it is run."""

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bashgym import recipe, sandbox
from bashgym.episodes import verifiers as ours
from bashgym.errors import InputError, MissingPackage, PrivacyError
from bashgym.paths import shipped
from bashgym.stages.context import spec
from bashgym.tasks import as_verifier, loading, read
from bashgym.tasks.episode import Budget, Episode
from bashgym.training import rewards

SOME = read(shipped("examples") / "tasks" / "arithmetic.jsonl")[:3]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's folder as far as an export looks at it; that the leak gate passed it is another test's."""
    made = recipe.load(["recipe=tiny_grpo"])
    chosen = [rewards.Chosen(spec(one), one.build()) for one in made.all("reward")]
    (tmp_path / "run" / "dataset").mkdir(parents=True)
    rows = [{"id": one.id, "verifier": json.dumps(as_verifier(one))} for one in SOME]
    (tmp_path / "run" / "dataset" / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    rewards.place(tmp_path / "run", chosen, 4, 1)
    with pytest.raises(PrivacyError):
        ours.export(tmp_path / "run", tmp_path / "out")
    monkeypatch.setattr(ours, "require", lambda folder: None)
    return tmp_path / "run"


def test_what_is_exported(run: Path, tmp_path: Path):
    out = tmp_path / "my-env"
    assert ours.export(run, out) == 3
    assert read(out / "tasks.jsonl") == SOME
    assert {one.name for one in out.iterdir()} == {
        "my_env.py",
        "pyproject.toml",
        "rewards.json",
        "tasks.jsonl",
        "reward_plugins",
    }
    order = loading.order(out)
    weights = {one["label"]: one["config"]["weight"] for one in order["rewards"]}
    assert weights == {"unit_tests": 1.0, "format": 0.1, "length": 0.1}
    (out / "reward_plugins" / "format.py").write_text("changed")
    with pytest.raises(loading.Refused, match="is not the file"):
        loading.reward(out, order["rewards"][1])
    (run / "inside" / "rewards.json").unlink()
    with pytest.raises(InputError, match="trained on no rewards"):
        ours.export(run, out)


def test_rewards_as_functions_of_a_rubric(run: Path):
    """As verifiers calls them: by name, with the completion's messages, the row's info and the rollout's state."""
    told = loading.order(run / "inside")["rewards"]
    functions = {one["label"]: ours.scored(one["label"], loading.reward(run / "inside", one)) for one in told}
    task = SOME[0]
    info = json.loads(ours.info_of(task))

    def asked(name: str, reply: str, **state: Any) -> float:
        said = [{"role": "user", "content": "x"}, {"role": "assistant", "content": reply}]
        return asyncio.run(functions[name](completion=said, info=info, state=state))

    assert functions["unit_tests"].__name__ == "unit_tests"
    assert asked("unit_tests", task.good) == 1.0 and asked("unit_tests", task.bad) == 0.0
    assert asked("format", task.bad) == 1.0 and asked("format", "no code") == 0.0
    episode = Episode(task, sandbox.choose(), Budget(turns=2))
    code = task.good.split("\n", 1)[1].removesuffix("```")
    episode.act(f"cat > {task.target} <<'END'\n{code}\nEND")
    assert asked("unit_tests", "Done.", episode=episode) == 1.0
    asyncio.run(ours.close({"episode": episode}))
    assert not episode.folder.exists()


def test_without_the_package(run: Path, tmp_path: Path):
    if importlib.util.find_spec("verifiers") is not None:
        pytest.skip("verifiers is installed here")
    ours.export(run, tmp_path / "env")
    sys.path.insert(0, str(tmp_path / "env"))
    try:
        with pytest.raises(MissingPackage, match="verifiers is not installed"):
            importlib.import_module("env").load_environment()
    finally:
        sys.path.remove(str(tmp_path / "env"))
        sys.modules.pop("env", None)


def test_with_the_package(run: Path, tmp_path: Path):
    """The rubric's weights are the recipe's. Skipped where verifiers 0.1 is not installed: its pins are not ours."""
    vf = pytest.importorskip("verifiers")
    ours.export(run, tmp_path / "tiny_env")
    env = ours.environment(tmp_path / "tiny_env")
    assert isinstance(env, vf.SingleTurnEnv)
    group = getattr(env.rubric, "rubrics", [env.rubric])
    known = {f.__name__: w for one in group for f, w in zip(one.funcs, one.weights, strict=True)}
    assert {name: known[name] for name in ("unit_tests", "format", "length")} == {
        "unit_tests": 1.0, "format": 0.1, "length": 0.1,
    }  # fmt: skip
