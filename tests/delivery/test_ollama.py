"""The templates in Ollama's language, beside ours: the same text, as Go itself renders it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bashgym import axolotl
from bashgym.delivery import ollama
from bashgym.rows import template

DATA = Path(__file__).resolve().parent.parent / "data" / "ollama"
GOLDEN: dict[str, Any] = json.loads((DATA / "rendered.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ollama.TRANSLATED)
def test_go_writes_what_the_training_wrote(name: str):
    """rendered.json holds what Go's text/template made of the translations (the next test makes it anew)."""
    trained = template.chosen(name, "")
    for messages, written in zip(GOLDEN["conversations"], GOLDEN["rendered"][name], strict=True):
        wanted = trained.render(messages, [], prompt=True)
        assert written == (wanted.removeprefix("<s>") if name == "llama2_tools" else wanted)  # Ollama adds that one


@pytest.mark.slow
@pytest.mark.parametrize("name", ollama.TRANSLATED)
@pytest.mark.skipif(shutil.which("go") is None, reason="go is not here; rendered.json holds what it made")
def test_rendered_by_go_itself(name: str, tmp_path: Path):
    source = tmp_path / "template"
    source.write_text(ollama.TRANSLATED[name], encoding="utf-8")
    lines = "".join(json.dumps(one) + "\n" for one in GOLDEN["conversations"])
    command = ["go", "run", str(DATA / "render.go"), str(source)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == GOLDEN["rendered"][name]


def test_the_modelfile():
    ours = axolotl.template_file("chatml_tools").read_text(encoding="utf-8")
    written = ollama.modelfile(ours, 4096, ["<|im_end|>", 'a"b'])
    assert "FROM ./model\n" in written and "PARAMETER num_ctx 4096\n" in written
    assert 'PARAMETER stop "<|im_end|>"\n' in written and 'PARAMETER stop "a\\"b"\n' in written
    assert ".Tools" not in written  # so Ollama itself refuses requests with tools
    for other in (ours + " ", None):  # a template that is not ours to the letter is not translated
        assert 'TEMPLATE """{{ .Prompt }}"""' in ollama.modelfile(other, 4096, [])
