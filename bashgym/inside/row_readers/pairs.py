"""Pairs as text (prompt, chosen, rejected), as tokens for a reward model; what is too long the trainer leaves out."""

from typing import Any


class Pairs:
    """What Axolotl asks of a reader of rows."""

    supports_batched = False

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def tokenize_prompt(self, row: dict[str, Any]) -> dict[str, Any]:
        """Each reply after its prompt; the end of the text is where a reward model's number is read."""
        made = {}
        for name in ("chosen", "rejected"):
            end = "" if row[name].rstrip().endswith(self.tokenizer.eos_token) else self.tokenizer.eos_token
            tokens = self.tokenizer(row["prompt"] + row[name].rstrip() + end)
            made |= {f"{name}_ids": tokens["input_ids"], f"attention_mask_{name}": tokens["attention_mask"]}
        return made


def load(tokenizer: Any, cfg: Any) -> Pairs:
    return Pairs(tokenizer)
