"""Answers in several turns, for Axolotl's `trl.rollout_func: episodes.rollout`: the model says a command, sees what it
prints in the task's box, says the next; what the episode left behind is what it is paid for.

TRL hands a rollout the prompts alone and takes back tokens with a mask (`env_mask`: 1 what the model said, 0 what the
box said, which is not learnt) and columns for the rewards; the row is found again by its prompt. Tried with TRL 1.9.0
and Axolotl 0.19.0, where it works without vLLM: generation is transformers', the answers of a batch together."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import rewards

from bashgym import sandbox
from bashgym.tasks import of_row
from bashgym.tasks.episode import Budget, Episode, Turn, command_of


class Answer:
    """One episode with its tokens: what the model said (mask 1) and what it was shown (0)."""

    def __init__(self, prompt: list[int], row: dict[str, Any], box: sandbox.Box, budget: Budget) -> None:
        self.prompt, self.row = prompt, row
        self.episode = Episode(of_row(row), box, budget)
        self.ids: list[int] = []
        self.mask: list[int] = []
        self.over = False

    def add(self, ids: Sequence[int], said: int) -> None:
        self.ids += ids
        self.mask += [said] * len(ids)


def rollout(prompts: list[str], trainer: Any) -> dict[str, Any]:
    """Prompt and completion tokens, the mask, and for each verifying reward what the episode's folder was worth."""
    tokenizer, known = trainer.processing_class, by_prompt()
    tokens = tokenizer(text=prompts)["input_ids"]
    budget = Budget(**rewards.order()["episode"])
    box = sandbox.choose(*place())
    answers = [Answer(ids, known[prompt], box, budget) for prompt, ids in zip(prompts, tokens, strict=True)]
    try:
        with ThreadPoolExecutor() as pool:
            while going := [one for one in answers if not one.over]:
                replies = generated(trainer, going)
                said = [command_of(tokenizer.decode(one, skip_special_tokens=True)) for one in replies]
                turns = list(pool.map(lambda pair: pair[0].episode.act(pair[1]), zip(going, said, strict=True)))
                for one, reply, turn in zip(going, replies, turns, strict=True):
                    take(one, reply, turn, trainer)
            worth = {
                f"{rewards.EPISODE}{label}": list(pool.map(lambda one, label=label: paid(one, label), answers))
                for label in verifying()
            }
    finally:
        for one in answers:
            one.episode.close()
    return {
        "prompt_ids": [one.prompt for one in answers],
        "completion_ids": [one.ids for one in answers],
        "logprobs": None,  # the trainer asks its own model
        "env_mask": [one.mask for one in answers],
        "turns": [one.episode.turns for one in answers],
        **worth,
    }


def take(answer: Answer, reply: list[int], turn: Turn, trainer: Any) -> None:
    """One turn's tokens: what the model said, and what it is shown of what came of it, where there is room."""
    tokenizer = trainer.processing_class
    answer.add(reply, 1)
    whole = bool(reply) and reply[-1] in ends(trainer)
    answer.over = turn.ended or turn.cut or not whole
    if answer.over:
        return
    shown = tokenizer(text=between(tokenizer, turn.observation), add_special_tokens=False)["input_ids"]
    if len(answer.ids) + len(shown) + 1 >= trainer.max_completion_length:
        answer.over = True  # nothing could be said to it any more
        return
    answer.add(shown, 0)


def generated(trainer: Any, going: Sequence[Answer]) -> list[list[int]]:
    """The next reply of each, to its end or to the room that is left."""
    import torch
    from transformers import GenerationConfig
    from trl.models import unwrap_model_for_generation

    device = trainer.accelerator.device
    pad = trainer.processing_class.pad_token_id
    seen = [one.prompt + one.ids for one in going]
    longest = max(map(len, seen))
    ids = torch.tensor([[pad] * (longest - len(one)) + one for one in seen], device=device)
    mask = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in seen], device=device)
    rooms = [trainer.max_completion_length - len(one.ids) for one in going]
    settings = {**trainer.generation_config.to_dict(), "max_new_tokens": max(rooms), "max_length": None}
    with torch.no_grad(), unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as model:
        out = model.generate(input_ids=ids, attention_mask=mask, generation_config=GenerationConfig.from_dict(settings))
    return [cut(one.tolist(), ends(trainer), room) for one, room in zip(out[:, longest:], rooms, strict=True)]


def cut(ids: list[int], ending: frozenset[int], room: int) -> list[int]:
    """A reply up to and with the token that ends it, within its room."""
    at = next((number for number, one in enumerate(ids) if one in ending), len(ids) - 1)
    return ids[: min(at + 1, room)]


def ends(trainer: Any) -> frozenset[int]:
    """Tokens that end a reply."""
    told = trainer.generation_config.eos_token_id
    listed = told if isinstance(told, list) else [told]
    return frozenset(one for one in [*listed, trainer.processing_class.eos_token_id] if one is not None)


def between(tokenizer: Any, observation: str) -> str:
    """What the model's template puts between the end of a reply and the beginning of the next, with an observation."""
    opening = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    shown = [*opening, {"role": "user", "content": observation}]
    before = tokenizer.apply_chat_template(opening, tokenize=False)
    after = tokenizer.apply_chat_template(shown, tokenize=False, add_generation_prompt=True)
    end = before.rfind(tokenizer.eos_token)
    rest = before[end + len(tokenizer.eos_token) :] if end >= 0 else ""
    return rest + str(after[len(before) :])


def paid(answer: Answer, label: str) -> float:
    return float(rewards.plugin(label).score_folder(answer.episode.folder, answer.row))


def verifying() -> list[str]:
    return [one["label"] for one in rewards.order()["rewards"] if hasattr(rewards.plugin(one["label"]), "score_folder")]


def place() -> tuple[str, str]:
    """The box of the first verifying reward, which the self-test was done in."""
    for label in verifying():
        config = rewards.plugin(label).config
        return config.box, config.image
    return "", ""


@lru_cache
def by_prompt() -> dict[str, dict[str, Any]]:
    """Raises Refused where two tasks have one prompt, so that nobody could tell which of them is asked."""
    found: dict[str, dict[str, Any]] = {}
    for line in rewards.ROWS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if found.setdefault(row["prompt"], row)["verifier"] != row["verifier"]:
            raise rewards.Refused(f"tasks {found[row['prompt']]['id']} and {row['id']} have the same prompt")
    return found
