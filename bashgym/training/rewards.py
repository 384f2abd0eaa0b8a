"""The rewards of a recipe: which of them verify, what they weigh together, and how they travel with the job."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import jsonl, paths
from bashgym.errors import RecipeError
from bashgym.packs import kept
from bashgym.records import PluginSpec

ORDER = f"{paths.INSIDE}/rewards.json"
PLUGINS = "reward_plugins"


class Chosen(NamedTuple):
    """One reward of the recipe: the plugin and where it comes from."""

    spec: PluginSpec
    plugin: Any

    @property
    def label(self) -> str:
        return self.spec.where.partition(".")[2]

    @property
    def weight(self) -> float:
        return float(self.spec.config.get("weight", 1.0))

    @property
    def apart(self) -> bool:
        """Whether it is code of a pack, which runs in a process of its own over there too."""
        return kept.of_file(Path(self.spec.path)) is not None

    @property
    def verifies(self) -> bool:
        """Whether it says 1 or 0 by something that ran, so that the self-test can hold it to its word."""
        return bool(getattr(self.plugin, "verifies", False))

    @property
    def control(self) -> bool:
        """Whether it pays for nothing, to show that nothing comes of it."""
        return bool(getattr(self.plugin, "control", False))


def verifying(rewards: Sequence[Chosen]) -> list[Chosen]:
    return [one for one in rewards if one.verifies and one.weight > 0]


def is_control(rewards: Sequence[Chosen]) -> bool:
    return any(one.control for one in rewards)


def check(rewards: Sequence[Chosen], strategy: str) -> None:
    """Raises RecipeError where the rewards together cannot be trusted, whatever each of them says.

    What only looks at an answer must not outweigh what runs it: else an answer that looks right is paid more than one
    that is right."""
    if not rewards:
        raise RecipeError(f"training={strategy} needs rewards; choose some, such as reward=[unit_tests]")
    if is_control(rewards):
        if len(rewards) > 1:
            raise RecipeError("reward: a control must be the only reward of a run, else nobody knows what it shows")
        return
    sure = verifying(rewards)
    if not sure:
        told = ", ".join(one.label for one in rewards)
        raise RecipeError(f"reward=[{told}]: none of them verifies an answer by running it; add one, as unit_tests")
    others = sum(one.weight for one in rewards if not one.verifies)
    mine = sum(one.weight for one in sure)
    if others >= mine:
        raise RecipeError(
            f"reward: what verifies weighs {mine:g} and all that does not {others:g}; an answer that only looks right "
            f"would be paid as much as a right one, so set lower weights (reward.{rewards[-1].label}.weight=...)"
        )


def place(
    folder: Path,
    rewards: Sequence[Chosen],
    sample: int,
    seed: int,
    machine: str = "",
    episode: dict[str, Any] | None = None,
) -> None:
    """Writes the rewards' code and settings for the other side into the job's folder.

    `sample` and `seed` are the self-test's (bashgym/tasks/selftest.py), which is done over there before anything is
    trained, unless it was done on that very `machine` already; `episode` is the budget of one, where answers are given
    in several turns."""
    sure = [one.label for one in verifying(rewards)]
    selftest = {"rewards": sure, "sample": sample, "seed": seed, "machine": machine} if sure else None
    listed = []
    for one in rewards:
        file = f"{PLUGINS}/{one.label}.py"
        jsonl.replace(folder / paths.INSIDE / file, Path(one.spec.path).read_bytes())
        told = {"label": one.label, "file": file, "sha256": one.spec.sha256, "config": one.spec.config}
        listed.append({**told, "apart": one.apart})
    jsonl.replace(folder / ORDER, jsonl.dumps({"rewards": listed, "selftest": selftest, "episode": episode}))


def digest(rewards: Sequence[Chosen]) -> str:
    """Of their code and settings: a training is another one where they are."""
    plain = [[one.label, one.spec.sha256, one.spec.config] for one in rewards]
    return hashlib.sha256(jsonl.dumps(plain)).hexdigest()
