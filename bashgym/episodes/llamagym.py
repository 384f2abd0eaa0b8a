"""The shape of LlamaGym's agents around a bash environment: a system prompt, text to see, an action out of text.

LlamaGym's `Agent` is subclassed with three methods; here they are as a mixin without that package, so that

    class Coder(BashAgent, llamagym.Agent): ...

trains on bashgym's tasks with its `act`, `assign_reward` and `terminate_episode`, and `play` runs one episode with
anything that has these three."""

from typing import Any, Protocol

from bashgym.tasks.episode import command_of

PROMPT = (
    "You work in a shell, in the folder of a repository. Answer with one block of shell code, which is run, and you "
    "see what it prints. When the task is done, answer with the word submit and no code."
)


class BashAgent:
    """What LlamaGym asks of an agent, for environments of bash.py."""

    def get_system_prompt(self) -> str:
        return PROMPT

    def format_observation(self, observation: Any) -> str:
        return str(observation)

    def extract_action(self, response: str) -> str:
        """The command in a reply; `submit` where there is none."""
        return command_of(response)


class Plays(Protocol):
    """The part of a LlamaGym agent that runs an episode."""

    def act(self, observation: Any) -> Any: ...

    def assign_reward(self, reward: float) -> None: ...

    def terminate_episode(self) -> Any: ...


def play(agent: Plays, env: Any, seed: int | None = None) -> float:
    """One episode in LlamaGym's order of calls; returns the sum of its rewards."""
    observation, _ = env.reset(seed=seed)
    total, done = 0.0, False
    while not done:
        observation, reward, terminated, truncated, _ = env.step(agent.act(observation))
        agent.assign_reward(reward)
        total += reward
        done = terminated or truncated
    agent.terminate_episode()
    return total
