"""The bytes as written, past the sanitizers once more: rows of text too."""

import json
from pathlib import Path

from bashgym.choices import preset_plugin
from bashgym.gate.rescan import rescan

CODE = 'return {"Authorization": token}'


def found(folder: Path, text: str) -> list[str]:
    file = folder / "train.jsonl"
    file.write_text(json.dumps({"prompt": text}) + "\n")
    return [seen.type for seen in rescan(file, [("secrets", preset_plugin("sanitizer", "secrets"))])]


def test_what_a_template_puts_around_words_is_no_part_of_them(tmp_path: Path):
    glued = f"<|im_start|>tool\n<tool_response>{CODE}</tool_response><|im_end|>\n<|im_start|>assistant\n"
    assert found(tmp_path, glued) == []
    assert found(tmp_path, f"<s>[INST] {CODE}</s>[/INST]") == []
    secret = "9f8Kq2LmZx71VbT4cWnE5rY0"
    real = f'<tool_response>{{"Authorization": "Bearer {secret}"}}</tool_response><|im_end|>'
    assert found(tmp_path, real) != []
