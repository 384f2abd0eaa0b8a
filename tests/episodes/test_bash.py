"""The environment: Gymnasium's own checks, an episode, its limits, what it pays for; LlamaGym's order of calls."""

import warnings
from pathlib import Path
from typing import Any

import pytest

gymnasium = pytest.importorskip("gymnasium")

from bashgym import paths, sandbox  # noqa: E402
from bashgym.episodes.bash import BashEnv, make  # noqa: E402
from bashgym.episodes.llamagym import BashAgent, play  # noqa: E402
from bashgym.errors import InputError  # noqa: E402

TASKS = paths.shipped("examples") / "tasks" / "arithmetic.jsonl"
SOLVED = "mkdir -p sub && printf 'def solve(x):\\n    return x + 2\\n' > mail.py"


@pytest.fixture
def env() -> Any:
    try:
        made = make(TASKS, turns=4, seconds=30, command_seconds=2, output_chars=200)
    except sandbox.NoBox as error:
        pytest.skip(f"needs a box: {error}")
    yield made
    made.close()


def test_gymnasiums_own_checks(env: BashEnv):
    from gymnasium.utils.env_checker import check_env

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        check_env(env, skip_render_check=True)


def test_an_episode(env: BashEnv):
    said, info = env.reset(seed=3, options={"task": "mail-plus-2"})
    assert said == "In mail.py solve(x) is x plus 2" and info == {"task": "mail-plus-2", "turns_left": 4}
    assert env.step(SOLVED)[:4] == ("[no output]", 0.0, False, False)
    said, reward, *_ = env.step("cd sub; pwd; exit 3")
    assert said == "/task/sub\n[exit code 3]".replace("/task", str(env.episode.seen_at)) and reward == 0
    said, *_, info = env.step("pwd; sleep 9")  # the folder it was in; ended by the limit on one command
    assert said.splitlines()[0].endswith("/sub") and "limit on time" in said and info["turns_left"] == 1
    said, reward, terminated, truncated, info = env.step("submit")
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["ended_by"] == "submitted" and info["rewards"] == {"unit_tests": 1.0}
    with pytest.raises(ValueError, match="the episode is over"):
        env.step("ls")


def test_limits_and_cheats(env: BashEnv):
    for command in ("echo 'import pytest' > conftest.py", "exit 0", "git log --all -p"):
        env.reset(options={"task": "mail-plus-2"})
        assert env.step(command)[1] == 0.0
        assert env.step("submit")[1] == 0.0
    env.reset(options={"task": "mail-plus-2"})
    long = env.step("yes | head -c 100000")[0]
    assert len(long) < 300 and "characters left out" in long
    outside = env.step("ls /root; cat /etc/shadow; cd /")[0]
    assert "exit code" in outside or "denied" in outside or "No such file" in outside
    assert env.step("pwd")[0].startswith(str(env.episode.seen_at))  # outside is no place to be
    *_, terminated, truncated, info = env.step("true")
    assert truncated and not terminated and info["ended_by"] == "turns" and info["rewards"] == {"unit_tests": 0.0}


def test_what_cannot_be(env: BashEnv, tmp_path: Path):
    with pytest.raises(InputError, match="no task 'x'"):
        env.reset(options={"task": "x"})
    with pytest.raises(InputError, match="needs tasks"):
        BashEnv([])
    env.close()
    with pytest.raises(ValueError, match="call reset first"):
        env.step("ls")


def test_llamagyms_order_of_calls(env: BashEnv):
    class Scripted(BashAgent):
        """LlamaGym's agent without a model: it says the next of its lines."""

        def __init__(self) -> None:
            self.lines = iter([f"I write it:\n```bash\n{SOLVED}\n```", "Done. submit"])
            self.told: list[Any] = []

        def act(self, observation: Any) -> str:
            self.told.append(self.format_observation(observation))
            return self.extract_action(next(self.lines))

        def assign_reward(self, reward: float) -> None:
            self.told.append(reward)

        def terminate_episode(self) -> None:
            self.told.append("end")

    env.tasks = {"mail-plus-2": env.tasks["mail-plus-2"]}
    agent = Scripted()
    assert play(agent, env, seed=1) == 1.0
    assert agent.told == ["In mail.py solve(x) is x plus 2", 0.0, "[no output]", 1.0, "end"]
    assert "submit" in agent.get_system_prompt()
