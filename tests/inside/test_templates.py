"""Our chat templates, rendered as transformers renders them (json with non-ASCII letters as they are)."""

import json
from pathlib import Path
from typing import Any

import jinja2
import jinja2.sandbox
import pytest

TEMPLATES = Path(__file__).resolve().parent.parent.parent / "bashgym" / "inside" / "templates"
CALLS = [{"type": "function", "function": {"name": "Read", "arguments": {"path": "ä.py", "n": [1, None, True]}}}]
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "look"},
    {"role": "assistant", "content": "I look.", "reasoning_content": "where?", "tool_calls": CALLS},
    {"role": "tool", "name": "Read", "content": "x = 1"},
    {"role": "assistant", "content": None, "tool_calls": CALLS * 2},
    {"role": "tool", "content": "a"},
    {"role": "tool", "content": "b"},
    {"role": "user", "content": "thanks"},
    {"role": "assistant", "content": "Done."},
]
TOOLS = [{"type": "function", "function": {"name": "Read", "parameters": {"type": "object"}}}]


def render(name: str, messages: list[dict[str, Any]], **more: Any) -> str:
    place = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    place.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = place.from_string((TEMPLATES / f"{name}.jinja").read_text(encoding="utf-8"))
    return template.render(messages=messages, bos_token="<s>", eos_token="</s>", **more)


@pytest.mark.parametrize("name", ["chatml_tools", "llama2_tools"])
def test_a_prompt_is_the_beginning_of_the_whole(name: str):
    """Training and measuring see the same text: at every assistant turn, prompt + reply is the longer rendering."""
    for number, message in enumerate(TALK):
        if message["role"] == "assistant":
            prompt = render(name, TALK[:number], tools=TOOLS, add_generation_prompt=True)
            whole = render(name, TALK[: number + 1], tools=TOOLS)
            assert whole.startswith(prompt)
            assert render(name, TALK, tools=TOOLS).startswith(whole.rstrip())


@pytest.mark.parametrize("name", ["chatml_tools", "llama2_tools"])
def test_calls_are_json_once(name: str):
    text = render(name, TALK, tools=TOOLS)
    parts = [part.split("</tool_call>")[0] for part in text.split("<tool_call>")[2:]]  # the first is the instruction
    assert [json.loads(part) for part in parts] == [CALLS[0]["function"]] * 3
    assert '"path": "ä.py"' in text and '\\"' not in text
    assert "<think>where?</think>" in text and json.dumps(TOOLS[0]) in text


def test_chatml():
    text = render("chatml_tools", TALK[:4], tools=TOOLS)
    assert text.startswith("<|im_start|>system\nBe brief.\n\n# Tools")
    assert text.endswith("<|im_start|>tool\n<tool_response>x = 1</tool_response><|im_end|>\n")
    assert render("chatml_tools", TALK[1:2]) == "<|im_start|>user\nlook<|im_end|>\n"


def test_llama2_alternates():
    """Between two turns of the assistant stands exactly one instruction, whatever was in between."""
    text = render("llama2_tools", TALK, tools=TOOLS)
    assert text.count("<s>[INST]") == text.count("[/INST]") == text.count("</s>") == 3
    assert text.startswith("<s>[INST] <<SYS>>\nBe brief.\n\nTools:")
    assert "<tool_response>a</tool_response>\n<tool_response>b</tool_response>\nthanks [/INST] Done.</s>" in text
    assert "<|im" not in text
    twice = [TALK[1], TALK[2], TALK[8]]
    assert render("llama2_tools", twice).count("[INST]") == 2
