"""Group-relative policy optimization: settings that its strategies share, and the keys of Axolotl they become.

Answers to one prompt are compared with each other: those paid above their group's mean become likelier, those below it
less likely (Shao et al. 2024, arXiv 2402.03300); `dr_grpo` leaves out the divisions by length and spread that favour
long wrong answers and very easy or hard prompts (Liu et al. 2025, arXiv 2503.20783)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from bashgym.errors import RecipeError
from bashgym.records import Dataset, Job, Model
from bashgym.training import job, rewards
from bashgym.training.rewards import Chosen
from bashgym.training.settings import TrainingConfig

STANZA = {"type": "rewards.rows", "split": "train"}


class GrpoConfig(TrainingConfig):
    """What all group-relative strategies have, over what all strategies have."""

    num_generations: int = Field(default=8, ge=2)
    """Answers to each prompt that are compared with each other."""
    max_completion_length: int = Field(default=512, ge=1)
    """Tokens an answer may have."""
    temperature: float = Field(default=1.0, gt=0)
    """How much chance there is in the answers; with too little all of a group are the same and teach nothing."""
    beta: float = Field(default=0.0, ge=0)
    """Pull towards the untrained model (KL); 0: none, and no copy of it in memory."""
    loss_type: Literal["grpo", "dr_grpo", "bnpo", "dapo"] = "dr_grpo"
    """How the answers of a batch are averaged; dr_grpo favours neither length nor easy prompts."""
    scale_rewards: bool = False
    """Whether advantages are divided by their group's spread, as the first GRPO did."""
    iterations: int = Field(default=1, ge=1)
    """Optimizer passes over each batch of answers."""
    mask_truncated: bool = True
    """Leaves answers that were cut off at max_completion_length out of the loss."""
    use_vllm: bool = False
    """Generates with vLLM in the same process, where the machine has it: many times faster on a GPU."""
    selftest_tasks: int = Field(default=16, ge=0)
    """Tasks on which rewards are tried with a known bad answer and with cheats before anything is trained; 0: all."""

    turns: int = Field(default=1, ge=1)
    """Turns of an answer: 1 is read as it is; of more each is a command in the task's box, and what it left counts."""
    episode_seconds: float = Field(default=120.0, gt=0)
    """Seconds that all commands of an answer in several turns may take."""
    command_seconds: float = Field(default=20.0, gt=0)
    """Seconds one of its commands may take."""
    output_chars: int = Field(default=2000, ge=100)
    """Characters of a command's output that the model sees."""

    @model_validator(mode="after")
    def own_model_speaks(self) -> "GrpoConfig":
        if self.use_vllm and self.turns > 1:
            raise ValueError("turns above 1 generate with the trainer's own model; leave use_vllm off")
        return self


class Rewarded:
    """What strategies that learn from rewards share: the rows they need, and the recipe's rewards."""

    schema = "prompts"

    class Config(GrpoConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config
        self.chosen: tuple[Chosen, ...] = ()


def plan(
    dataset: Dataset,
    model: Model,
    folder: Path,
    config: GrpoConfig,
    chosen: Sequence[Chosen],
    title: str,
) -> Job:
    """The job with the rewards placed beside it. Raises RecipeError, see job.plan and rewards.check."""
    if config.max_completion_length >= model.sequence_len:
        raise RecipeError(
            f"training.max_completion_length: {config.max_completion_length} tokens of answer leave no room for a "
            f"prompt in model.sequence_len={model.sequence_len}"
        )
    answers = config.batch_size * config.gradient_accumulation
    if answers % config.num_generations:  # here, because a recipe may set one of the three in another place
        raise RecipeError(
            f"training.batch_size: batch_size x gradient_accumulation ({answers} answers a step) must be a multiple of "
            f"num_generations ({config.num_generations})"
        )
    made = job.plan(
        dataset,
        model,
        folder,
        config,
        job.Strategy(
            title,
            grpo_keys(config, chosen),
            STANZA,
            reference=config.beta > 0,
            answers=config.num_generations,
            generated=config.max_completion_length,
        ),
    )
    rewards.place(folder, chosen, config.selftest_tasks, config.seed, episode=episode(config))
    return made


def grpo_keys(config: GrpoConfig, chosen: Sequence[Chosen]) -> dict[str, Any]:
    """Axolotl's keys. No evaluation while it trains: it would generate, which is most of the time; a benchmark does."""
    trl: dict[str, Any] = {
        "use_vllm": config.use_vllm,
        **({"vllm_mode": "colocate"} if config.use_vllm else {}),
        "num_generations": config.num_generations,
        "max_completion_length": config.max_completion_length,
        "temperature": config.temperature,
        "beta": config.beta,
        "loss_type": config.loss_type,
        "scale_rewards": config.scale_rewards,
        "num_iterations": config.iterations,
        "mask_truncated_completions": config.mask_truncated,
        "log_completions": False,
        "reward_funcs": [f"rewards.{one.label}" for one in chosen],
        "reward_weights": [one.weight for one in chosen],
        **({"rollout_func": "episodes.rollout"} if config.turns > 1 else {}),
    }
    off = {"eval_strategy": "no", "eval_steps": None, "test_datasets": None}
    return {"rl": "grpo", "trl": trl, **off, "bashgym_rewards": rewards.digest(chosen)}


def episode(config: GrpoConfig) -> dict[str, Any] | None:
    """What an answer in several turns may take; None where it has one."""
    if config.turns == 1:
        return None
    return {
        "turns": config.turns,
        "seconds": config.episode_seconds,
        "command_seconds": config.command_seconds,
        "output_chars": config.output_chars,
    }
