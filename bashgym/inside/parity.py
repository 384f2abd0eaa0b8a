"""Whether a served model is shown what it was trained on: two renders of the same rows, token by token.

    python -m parity --config axolotl.yaml --rows dataset/test.jsonl --served FOLDER --most 200

One side is Axolotl's own tokenizing by the run's configuration; the other what servers do with the folder's tokenizer
and template (transformers' apply_chat_template, then no special tokens added), for whole conversations and for the
prompt of each reply. It prints one JSON line: rows, replies, tokens, difference (in one line; empty: none)."""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("AXOLOTL_DO_NOT_TRACK", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import lm_task


class Different(Exception):
    """The first difference, in one line."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="parity", description="the training's render beside the server's")
    parser.add_argument("--config", required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--served", required=True)
    parser.add_argument("--most", type=int, required=True, help="rows to look at, the first ones")
    options = parser.parse_args()
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is not the answer
        import show_tokens
        from axolotl.cli.config import load_cfg
        from axolotl.loaders import load_tokenizer
        from transformers import AutoTokenizer

        cfg = load_cfg(options.config)
        trained, served = load_tokenizer(cfg), AutoTokenizer.from_pretrained(options.served)
        found: dict[str, Any] = {"rows": 0, "replies": 0, "tokens": 0, "difference": ""}
        with options.rows.open(encoding="utf-8") as lines:
            rows = [json.loads(line) for _, line in zip(range(options.most), lines, strict=False)]
        try:
            for row in rows:
                if "messages" not in row:
                    found["tokens"] += texts(row, trained, served)
                    found["rows"] += 1
                    continue
                plain = {
                    key: json.dumps(value) if isinstance(value, (list, dict)) else value for key, value in row.items()
                }
                ids: list[int] = next((ids for _, (ids, _) in show_tokens.tokenized(plain, cfg, trained)), [])
                found["replies"] += compared(row, ids, trained, served)
                found["rows"] += 1
                found["tokens"] += len(ids)
        except Different as difference:
            found["difference"] = str(difference)
    print(json.dumps(found), file=out)


def compared(row: dict[str, Any], ids: Sequence[int], trained: Any, served: Any) -> int:
    """How many replies' prompts were compared beside the whole. Raises Different."""
    messages, tools = [lm_task.message(one) for one in row["messages"]], row.get("tools") or None

    def shown(until: int, prompt: bool) -> list[int]:
        text = served.apply_chat_template(messages[:until], tools=tools, tokenize=False, add_generation_prompt=prompt)
        return list(served(text, add_special_tokens=False)["input_ids"])

    same(row["id"], "the conversation", ids, shown(len(messages), False), trained, served)
    replies = [
        number
        for number, message in enumerate(row["messages"])
        if number and message["role"] == "assistant" and message.get("train") is not False
    ]
    for number in replies:
        asked = shown(number, True)[:-1]  # the last token may grow together with the reply's first letters
        same(row["id"], f"the prompt of message {number + 1}", ids[: len(asked)], asked, trained, served)
    return len(replies)


def texts(row: dict[str, Any], trained: Any, served: Any) -> int:
    """How many tokens were compared of a row whose texts the template wrote before. Raises Different."""
    count = 0
    for key in ("prompt", "completion", "chosen", "rejected"):
        if isinstance(row.get(key), str):
            one, other = (reader(row[key], add_special_tokens=False)["input_ids"] for reader in (trained, served))
            same(str(row.get("id", "")), f"its {key}", one, other, trained, served)
            count += len(one)
    return count


def same(name: str, what: str, ids: Sequence[int], theirs: Sequence[int], trained: Any, served: Any) -> None:
    """Raises Different with the first token that differs."""
    if list(ids) == list(theirs):
        return
    place = next((n for n, (one, other) in enumerate(zip(ids, theirs, strict=False)) if one != other), None)
    place = min(len(ids), len(theirs)) if place is None else place
    one, other = (words(part, place, tokenizer) for part, tokenizer in ((ids, trained), (theirs, served)))
    raise Different(f"row {name}, {what}, token {place + 1}: trained on {one}, the server writes {other}")


def words(ids: Sequence[int], place: int, tokenizer: Any) -> str:
    return repr(tokenizer.decode(list(ids[place : place + 4]))) if place < len(ids) else "the end"


if __name__ == "__main__":
    main()
