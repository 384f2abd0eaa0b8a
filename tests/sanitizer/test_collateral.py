"""What is nobody's stays: lock files, minified code, manifests, Go, Rust, prose, packages."""

import importlib.util
import re
import sysconfig
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bashgym.scan import Sanitized, sanitize

KEY = bytes(range(32))
TOKEN = re.compile(r"[^\s\"'<>(){}\[\],;:=]+")  # as the exam counts
MOST = 5  # tokens per MB
SIZE = 400_000
PEOPLE = {"EMAIL", "PERSON", "PHONE"}  # packages name their authors: these are found rightly


def material() -> ModuleType:
    spec = importlib.util.spec_from_file_location("collateral", Path(__file__).with_name("collateral.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = material()


def lost(before: list[str], after: list[str]) -> Counter[str]:
    tokens: Counter[str] = Counter()
    for one, other in zip(before, after, strict=True):
        if one != other:
            tokens += Counter(TOKEN.findall(one)) - Counter(TOKEN.findall(other))
    return tokens


@pytest.mark.parametrize("kind", MADE.KINDS)
def test_made_texts_stay(kind: str, clean: Callable[..., Sanitized]) -> None:
    texts = list(MADE.texts(kind, SIZE))
    gone = lost(texts, clean(texts).value)
    assert sum(gone.values()) <= MOST * sum(len(text.encode()) for text in texts) / 1e6, gone.most_common(10)


def test_the_standard_library_stays(built: dict[str, Any]) -> None:
    """Its authors and addresses apart, which are real; examples of keys and addresses are in it, too."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    result = sanitize(texts, list(built.items()), KEY, "s")
    wrong = {type: count for type, count in result.counts.items() if type not in PEOPLE}
    assert sum(wrong.values()) <= MOST * sum(map(len, texts)) / 1e6, wrong


@pytest.mark.parametrize(
    "text",
    [
        "codellama-7b-lora-r16-alpha32-2025-11-03", "unsloth/Qwen2.5-Coder-7B-Instruct-bnb-4bit",
        "models/sft_codellama_v3/checkpoint-12000/adapter_model.safetensors", "deepseek-coder-33b-instruct.Q4_K_M.gguf",
        "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "sk-xxxxxxxxxxxxxxxxxxxxxxxx <your-api-key>",
        "NPY_CPU_ARMEB_AARCH64 PyLong_FromUInt32 dnsAlpnH3JobWonRace _mm512_srli_epi64 XXH3_accumulate_avx2",
        "case e.key===t?r.C0.ESC+o.key:r.C0.NUL", "hostname = socket.gethostname()", "hostname: str = None",
        "def login(password: str, token: str | None = None) -> None:", "password = getpass.getpass()",
        'if "-----BEGIN PRIVATE KEY-----" in text and "-----END PRIVATE KEY-----" in text: raise ValueError',
        "see 8.2.4.44 and section 3.4.1.1 of RFC 1", "step +35236450.6 -12.5",
        "top-left, top, top-right, bottom-left, bottom",
        "GATTACAGATTACAGATTACAGATTACA", "uint64x2_t data_key = veorq_u64(data_vec, key_vec);",
    ],
)  # fmt: skip
def test_names_labels_and_examples_stay(text: str, cleaned_text: Callable[..., str]) -> None:
    assert cleaned_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "API_KEY=example-prod-9xK2mQ7vT4bN8rW3", "password: 'xK9#mple-EXAMPLE-77'",
        "token = 'test_9f8e7d6c5b4a39281706'",
        "SECRET_TOKEN=AKIAIOSFODNN7EXAMPLEx9k2m4n6p8", "key = 'my-Zx9kQ2mW7vT4bN8rL3pH6sD1'",
    ],
)  # fmt: skip
def test_a_word_of_examples_inside_a_secret_saves_nothing(text: str, cleaned_text: Callable[..., str]) -> None:
    assert cleaned_text(text) != text
