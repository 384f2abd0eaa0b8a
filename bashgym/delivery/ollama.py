"""Ollama: a Modelfile beside the merged model.

Our chat templates are written anew in Ollama's language (Go's text/template) for what both can say the same: a system
message, the user, the model's words and thinking, results. Tools are not in them: Ollama writes JSON without the spaces
that the model was trained on and drops what it does not know of a tool's schema, so its rendering of them would differ
from the training's. A template without `.Tools` makes Ollama refuse requests with tools, and say so. Such requests are
rendered with chat_template.jinja and sent raw (`/api/generate`, "raw": true), which is compared token by token.
A template that is not ours is not translated at all: then everything is sent raw."""

import json
from collections.abc import Sequence

from bashgym import axolotl

CHATML = (
    "{{- if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}"
    "{{- range .Messages }}"
    '{{- if eq .Role "system" }}'
    '{{- else if eq .Role "assistant" }}<|im_start|>assistant\n'
    "{{ if .Thinking }}<think>{{ .Thinking }}</think>\n{{ end }}{{ .Content }}<|im_end|>\n"
    '{{ else if eq .Role "tool" }}<|im_start|>tool\n<tool_response>{{ .Content }}</tool_response><|im_end|>\n'
    "{{ else }}<|im_start|>{{ .Role }}\n{{ .Content }}<|im_end|>\n"
    "{{ end }}"
    "{{- end }}<|im_start|>assistant\n"
)
# Ollama opens every text with the token that such tokenizers open it with, so the first one is left out
LLAMA2 = (
    '{{- $first := "" }}{{ $pending := "" }}{{ $open := false }}'
    '{{- if .System }}{{ $pending = printf "<<SYS>>\\n%s\\n<</SYS>>\\n\\n" .System }}{{ end }}'
    "{{- range .Messages }}"
    '{{- if eq .Role "system" }}'
    '{{- else if eq .Role "assistant" }}'
    '{{- if not $open }}{{ $first }}[INST] {{ $pending }}{{ $pending = "" }}{{ $first = "<s>" }}{{ end }} [/INST] '
    "{{ $open = false }}{{ if .Thinking }}<think>{{ .Thinking }}</think>\n{{ end }}{{ .Content }}</s>"
    "{{- else }}"
    '{{- if $open }}\n{{ else }}{{ $first }}[INST] {{ $pending }}{{ $pending = "" }}{{ $first = "<s>" }}'
    "{{ $open = true }}{{ end }}"
    '{{ if eq .Role "tool" }}<tool_response>{{ .Content }}</tool_response>{{ else }}{{ .Content }}{{ end }}'
    "{{- end }}"
    "{{- end }}"
    "{{- if $open }} [/INST]{{ else }}{{ $first }}[INST] {{ $pending }} [/INST]{{ end }}"
)
RAW = "{{ .Prompt }}"
TRANSLATED = {"chatml_tools": CHATML, "llama2_tools": LLAMA2}


def translated(template: str | None) -> str | None:
    """The same template for Ollama; None where it is none of ours, letter for letter."""
    for name, text in TRANSLATED.items():
        if template == axolotl.template_file(name).read_text(encoding="utf-8"):
            return text
    return None


def modelfile(template: str | None, context: int, ends: Sequence[str]) -> str:
    """The Modelfile of the model in ./model; `template` is the chat template it was trained with."""
    words = translated(template)
    told = (
        "Tools: render with model/chat_template.jinja and send the text raw; Ollama would write them otherwise."
        if words
        else "This chat template has no translation: render it with model/chat_template.jinja and send the text raw."
    )
    lines = [f"# {told}", "FROM ./model", f'TEMPLATE """{words or RAW}"""', f"PARAMETER num_ctx {context}"]
    return "\n".join([*lines, *(f"PARAMETER stop {json.dumps(end, ensure_ascii=False)}" for end in ends)]) + "\n"
