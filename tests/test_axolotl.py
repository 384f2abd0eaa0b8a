"""The configuration that is rendered, the rows that Axolotl reads, and what is refused before anything runs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bashgym import axolotl, environment, paths, registry
from bashgym.errors import RecipeError
from bashgym.records import Dataset, Model

STANZA = {"type": "chat_template", "field_messages": "messages", "roles_to_train": []}


def rows(folder: Path, **counts: int) -> Dataset:
    counts = counts or {"train": 3, "validation": 1}
    return Dataset(folder=str(folder / "dataset"), sha256="5" * 64, rows=counts, stanza=STANZA, schema="chat")


def settings(**changes: Any) -> dict[str, Any]:
    config = registry.load("training", "sft").Config
    return config(**changes).model_dump()


def rendered(folder: Path, template: str = "chatml_tools", base: str = "org/tiny", **changes: Any) -> dict[str, Any]:
    model = Model(base=base, chat_template=template, sequence_len=512)
    return axolotl.render(rows(folder), model, settings(**changes), folder)


def test_every_key_is_one_of_axolotl(tmp_path: Path):
    for changes in ({}, {"method": "lora"}, {"method": "qlora", "device": "gpu", "max_steps": 3, "eval_steps": 2}):
        assert set(rendered(tmp_path, **changes)) <= axolotl.known_keys()


def test_cpu_keys(tmp_path: Path):
    config = rendered(tmp_path, method="lora")
    assert (config["bf16"], config["fp16"], config["tf32"]) == (False, False, False)
    assert config["attn_implementation"] == "sdpa" and config["gradient_checkpointing"] is False
    kernels = {key: value for key, value in config.items() if key.endswith("_kernel")}
    assert len(kernels) == 4 and not any(kernels.values())


def test_gpu_keys(tmp_path: Path):
    config = rendered(tmp_path, method="qlora", device="gpu")
    assert config["bf16"] == "auto" and config["load_in_4bit"] and config["gradient_checkpointing"]
    assert not any(key.endswith("_kernel") for key in config)


def test_datasets(tmp_path: Path):
    config = rendered(tmp_path)
    (train,), (validation,) = config["datasets"], config["test_datasets"]
    assert (train["path"], validation["path"]) == ("prepared/train.jsonl", "prepared/validation.jsonl")
    assert train["roles_to_train"] == []  # the format's stanza wins
    assert train["message_property_mappings"]["tool_calls"] == "tool_calls"
    assert config["eval_strategy"] == "epoch"
    model = Model(base="a/b", chat_template="tokenizer_default", sequence_len=64)
    none = axolotl.render(rows(tmp_path, train=3), model, settings(), tmp_path)
    assert "test_datasets" not in none and none["eval_strategy"] == "no"


def test_other_rows_never_meet_old_tokens(tmp_path: Path):
    model = Model(base="a/b", chat_template="chatml_tools", sequence_len=64)
    one = axolotl.data(rows(tmp_path), model)["dataset_prepared_path"]
    other = Dataset(folder="d", sha256="6" * 64, rows={"train": 1}, stanza=STANZA, schema="chat")
    assert axolotl.data(other, model)["dataset_prepared_path"] != one


def test_templates(tmp_path: Path):
    assert rendered(tmp_path)["chat_template_jinja"] == "inside/templates/chatml_tools.jinja"
    assert rendered(tmp_path, "llama2_tools")["special_tokens"] == {"pad_token": "</s>"}
    assert rendered(tmp_path, "tokenizer_default")["chat_template"] == "tokenizer_default"
    with pytest.raises(
        RecipeError, match=r"model\.chat_template: no template 'chatml_tool'; did you mean 'chatml_tools'"
    ):
        rendered(tmp_path, "chatml_tool")


def test_the_base_model_travels_where_it_lies_in_the_folder(tmp_path: Path):
    (tmp_path / "run" / "model").mkdir(parents=True)
    inside = rendered(tmp_path / "run", base=str(tmp_path / "run" / "model"))
    assert inside["base_model"] == "model" and axolotl.travels(inside, tmp_path / "run")
    outside = rendered(tmp_path / "run", base=str(tmp_path))
    assert outside["base_model"] == str(tmp_path) and not axolotl.travels(outside, tmp_path / "run")
    hub = rendered(tmp_path / "run", base="codellama/CodeLlama-7b-Instruct-hf")
    assert not axolotl.is_local(hub, tmp_path / "run")


def test_keys_passed_through(tmp_path: Path):
    assert rendered(tmp_path, axolotl={"neftune_noise_alpha": 5})["neftune_noise_alpha"] == 5
    with pytest.raises(RecipeError, match=r"training\.axolotl\.neftune_noise_alfa.*did you mean 'neftune_noise_alpha'"):
        rendered(tmp_path, axolotl={"neftune_noise_alfa": 5})
    with pytest.raises(RecipeError, match=r"training\.axolotl\.output_dir: the run sets this key itself"):
        rendered(tmp_path, axolotl={"output_dir": "x"})


def test_embeddings_that_an_adapter_takes_along_stay_tied_to_the_head(tmp_path: Path):
    """Of two tables `axolotl merge-lora` would keep one."""
    whole: dict[str, Any] = {"lora_modules_to_save": ["embed_tokens", "lm_head"]}
    assert rendered(tmp_path, method="lora", axolotl=whole)["peft_ensure_weight_tying"] is True
    own = {**whole, "peft_ensure_weight_tying": False}
    assert rendered(tmp_path, method="lora", axolotl=own)["peft_ensure_weight_tying"] is False
    head = {"lora_modules_to_save": ["score"]}
    assert "peft_ensure_weight_tying" not in rendered(tmp_path, method="lora", axolotl=head)


def test_written_yaml_is_what_was_rendered(tmp_path: Path):
    config = rendered(tmp_path, learning_rate=1e-05)
    text = axolotl.write(config, tmp_path, ["a note\nof two lines"]).read_text()
    assert yaml.safe_load(text) == config
    assert "&id" not in text and text.startswith("# a note?of two lines\n")


def call(**arguments: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"function": {"name": "x", "arguments": arguments}}]}


MIXED = {"n": "1", "when": "2024-01-01T00:00:00", "no": None, "deep": {"q": [1, "a", 2.5]}}
ODD: list[dict[str, Any]] = [
    {"id": "a", "messages": [call(n=1)], "tools": [{"n": {"p": "s"}}]},
    {"id": "b", "messages": [call(**MIXED)], "tools": [{"n": {"p": 1, "z": [1]}}]},
    {"id": "c", "messages": [{"role": "user", "content": "é \u2028 😀 12345678901234567890123"}], "tools": []},
]


def odd_dataset(folder: Path, plain: int) -> Dataset:
    """`plain` rows of about 1 kB before rows of other shapes."""
    (folder / "dataset").mkdir()
    first = {**ODD[0], "messages": [{"role": "user", "content": "x" * 1000}, *ODD[0]["messages"]]}
    lines = [json.dumps(row) for row in [*[first] * plain, *ODD]]
    (folder / "dataset" / "train.jsonl").write_text("".join(line + "\n" for line in lines))
    return rows(folder, train=len(lines))


def test_prepared_rows_hold_the_same(tmp_path: Path):
    assert axolotl.prepare(odd_dataset(tmp_path, 2), tmp_path) == ["prepared/train.jsonl"]
    read = [json.loads(line) for line in (tmp_path / "prepared" / "train.jsonl").open()]
    assert all(isinstance(row["messages"], str) and isinstance(row["tools"], str) for row in read)
    assert [(row["id"], json.loads(row["messages"]), json.loads(row["tools"])) for row in read[2:]] == [
        (row["id"], row["messages"], row["tools"]) for row in ODD
    ]


def test_a_broken_line_is_refused(tmp_path: Path):
    dataset = odd_dataset(tmp_path, 0)
    with (tmp_path / "dataset" / "train.jsonl").open("a") as file:
        file.write('{"half": ')
    with pytest.raises(RecipeError, match=r"train\.jsonl line 4"):
        axolotl.prepare(dataset, tmp_path)


LOAD = (
    "import json, sys; from datasets import load_dataset\n"
    "for path in sys.argv[1:]:\n"
    "    try:\n"
    "        rows = load_dataset('json', data_files=path, split='train')\n"
    "        print(json.dumps({'rows': len(rows), 'last': rows[len(rows) - 2]}))\n"
    "    except Exception as error: print(json.dumps({'error': type(error).__name__}))\n"
)


@pytest.mark.training
def test_why_rows_are_prepared(training_python: Path, tmp_path: Path):
    """Beyond the first 10 MB the loader refuses rows of other shapes; as strings they come through whole."""
    axolotl.prepare(odd_dataset(tmp_path, 11_000), tmp_path)
    there = environment.Environment(training_python)
    command = ["python", "-c", LOAD, "dataset/train.jsonl", "prepared/train.jsonl"]
    out = environment.run(there, command, tmp_path, tmp_path / "log")
    stock, prepared = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    assert stock == {"error": "DatasetGenerationError"}, "datasets reads such rows now: prepare() may go"
    assert prepared["rows"] == 11_003
    assert json.loads(prepared["last"]["messages"]) == ODD[1]["messages"]


@pytest.mark.training
def test_shipped_keys_are_those_of_the_pinned_axolotl(training_python: Path, tmp_path: Path):
    environment.place(tmp_path)
    command = ["python", "-m", "check_config", "--keys"]
    out = environment.run(environment.Environment(training_python), command, tmp_path, tmp_path / "log")
    assert json.loads(out) == json.loads((paths.HERE / "inside" / "axolotl_keys.json").read_bytes())


@pytest.mark.training
def test_axolotls_own_schema(training_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(environment.OVERRIDE, str(training_python))
    environment.place(tmp_path)
    config = rendered(tmp_path)
    axolotl.write(config, tmp_path)
    environment.check_config(tmp_path)
    (stanza,) = config["datasets"]
    wrong = {**config, "learning_rate": "fast", "adaptr": "lora", "datasets": [{**stanza, "field_mesages": "x"}]}
    axolotl.write({**wrong, "special_tokens": {"padd_token": "x"}}, tmp_path)
    with pytest.raises(RecipeError) as caught:
        environment.check_config(tmp_path)
    said = str(caught.value)
    assert "adaptr: no such key; did you mean 'adapter'?" in said
    assert "datasets[0].field_mesages: no such key; did you mean 'field_messages'?" in said
    assert "special_tokens.padd_token: no such key; did you mean 'pad_token'?" in said
    assert "learning_rate" in said and len(said.splitlines()) >= 4
