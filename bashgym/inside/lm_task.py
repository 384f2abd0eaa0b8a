"""What the lm_eval benchmark does in the training environment: prompts in the model's own template, and the scoring.

    python -m lm_task --docs docs.jsonl --model DIR --template FILE --out prompts --context 2048 --new-tokens 256

turns documents ({id, task, messages, tools, answer}) into what lm-eval reads: prompts/next_tool.jsonl and
prompts/replies.jsonl. lm-eval then calls `next_tool` and `reply` below for each answer of the model."""

import argparse
import itertools
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

NAMED = re.compile(r'"name"\s*:\s*"([^"\\]+)"')


def main() -> None:
    parser = argparse.ArgumentParser(prog="lm_task", description="documents to prompts")
    parser.add_argument("--docs", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--template", type=Path, help="a chat template; without it the tokenizer's own")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--context", type=int, required=True, help="tokens the model can see")
    parser.add_argument("--new-tokens", type=int, required=True, help="tokens it may generate")
    options = parser.parse_args()
    import sparing

    sparing.without_torch()
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    if options.template:
        tokenizer.chat_template = options.template.read_text(encoding="utf-8")
    options.out.mkdir(parents=True, exist_ok=True)
    facts = {}
    with options.docs.open(encoding="utf-8") as lines:  # not splitlines, which also splits at U+2028
        docs = [json.loads(line) for line in lines]
    for task, room in (("next_tool", options.context - options.new_tokens), ("replies", options.context)):
        rows = list(rendered([doc for doc in docs if doc["task"] == task], tokenizer))
        kept = [row for row in rows if "reason" not in row]
        with (options.out / f"{task}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in kept)
        facts[task] = {
            "docs": len(kept),
            "cut": sum(length(tokenizer, row) > room for row in kept),
            "left_out": len(rows) - len(kept),
        }
    print(json.dumps(facts))


def rendered(docs: list[dict[str, Any]], tokenizer: Any) -> Iterator[dict[str, Any]]:
    """Documents with their `prompt`, replies also with their `target`; one that cannot be rendered has a `reason`."""
    for doc in docs:
        before, tools = [message(one) for one in doc["messages"]], doc["tools"] or None
        prompt = tokenizer.apply_chat_template(before, tools=tools, tokenize=False, add_generation_prompt=True)
        row = {"id": doc["id"], "prompt": prompt, "answer": json.dumps(doc["answer"])}
        if doc["task"] == "replies":
            whole = tokenizer.apply_chat_template([*before, message(doc["answer"])], tools=tools, tokenize=False)
            target = whole[len(prompt) :].rstrip()
            for end in (tokenizer.eos_token, "<|im_end|>"):
                target = target.removesuffix(end).rstrip() if end else target
            # not more than half the context, counted in bytes (a token is at least one), so that all roles and
            # tokenizers are asked the same
            target = target.encode()[: doc["max_bytes"]].decode(errors="ignore")
            row |= {"target": target} if whole.startswith(prompt) and target else {"reason": "template"}
        yield row


def message(given: dict[str, Any]) -> dict[str, Any]:
    """As the training renders it: keys that are null are absent, and the mask is not for templates."""
    return {key: value for key, value in given.items() if value is not None and key != "train"}


def length(tokenizer: Any, row: dict[str, Any]) -> int:
    return len(tokenizer.encode(row["prompt"] + row.get("target", ""), add_special_tokens=False))


def next_tool(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Whether the first call of the answer is of the right tool, whether its arguments are equal as objects, and
    whether it names the right tool at least, where the rest of it may be no JSON."""
    right, found = json.loads(doc["answer"]), first_call(results[0])
    same_tool = found is not None and found["name"] == right["name"]
    same = same_tool and canonical(found["arguments"]) == canonical(right["arguments"])
    named = found["name"] if found else name_in(results[0])
    return {
        "tool_accuracy": float(same_tool), "arguments_exact": float(same), "tool_named": float(named == right["name"]),
    }  # fmt: skip


def name_in(text: str) -> str:
    """The tool that generated text names first, in what need not be a call to its end; "" where it names none."""
    found = NAMED.search(text.split("<tool_call>", 1)[-1])
    return found.group(1) if found else ""


def reply(doc: dict[str, Any], results: list[Any]) -> dict[str, tuple[float, int]]:
    """Log-likelihood and UTF-8 bytes of a reply, for lm-eval's weighted_perplexity: exp(-sum / bytes)."""
    likelihood = results[0][0] if isinstance(results[0], (tuple, list)) else results[0]
    return {"byte_perplexity": (likelihood, len(doc["target"].encode()))}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # True == 1 in Python, and not in JSON


def first_call(text: str) -> dict[str, Any] | None:
    """The first tool call in generated text: after `<tool_call>`, else the first JSON object that has a name."""
    if "<tool_call>" in text:
        return call_in(text.split("<tool_call>", 1)[1])
    found = (call_in(piece) for piece in itertools.islice(objects(text), 20))
    return next((call for call in found if call is not None), None)


def objects(text: str) -> Iterator[str]:
    """What follows each opening brace."""
    at = text.find("{")
    while at >= 0:
        yield text[at:]
        at = text.find("{", at + 1)


def call_in(text: str) -> dict[str, Any] | None:
    """A call at the start of `text`; `parameters` is what Llama 3 calls the arguments."""
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    return {"name": value["name"], "arguments": arguments}


if __name__ == "__main__":
    main()
