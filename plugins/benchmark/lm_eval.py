"""The next tool call, and how well the replies are foreseen, on the test sessions; measured with lm-eval.

Two tasks over the assistant's turns in test.jsonl, each with the conversation before it as the prompt:
`tool_accuracy` and `arguments_exact` (greedy generation; of several parallel calls the first counts, arguments are
compared as objects; `tool_named` also counts a call that names the right tool and is no whole JSON) and
`byte_perplexity` (exp of the negative log-likelihood per UTF-8 byte, so that models with different tokenizers compare;
at most half a context of bytes per reply). Turns that are masked for training are left out. A prompt longer than the
context loses its beginning, and the score's note says how often that happened."""

import collections
import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import Field

from bashgym import environment, jsonl, paths
from bashgym.config import Config as BaseConfig
from bashgym.errors import RunFailed
from bashgym.records import Score, Subject

NAME = "lm_eval"
CONTROL = "most_frequent_tool"
BIGRAM = "bigram_tool"
DOCS = "docs.jsonl"
NONE = "there are no such turns in the test rows; pairs are measured with benchmark=[pairs]"


class Task(NamedTuple):
    """One task of lm-eval: its name there, its metrics, and whether a higher value of them is better."""

    name: str
    metrics: tuple[str, ...]
    higher_is_better: bool
    keys: dict[str, Any]


class Function(str):
    """A function that lm-eval finds in a file beside the task, written with its own YAML tag."""


class Dumper(yaml.SafeDumper):
    pass


Dumper.add_representer(Function, lambda dumper, name: dumper.represent_scalar("!function", str(name)))

TASKS = {
    "next_tool": Task(
        "bashgym_next_tool", ("tool_accuracy", "arguments_exact", "tool_named"), True, {"output_type": "generate_until"}
    ),
    "replies": Task("bashgym_replies", ("byte_perplexity",), False, {"output_type": "loglikelihood"}),
}


class Benchmark:
    class Config(BaseConfig):
        max_docs: int = Field(default=0, ge=0)
        """Test turns per task, the same for every model, drawn by the seed; 0: all."""
        batch_size: int = Field(default=8, ge=1)
        """Prompts the model works on at once."""
        max_new_tokens: int = Field(default=256, ge=8)
        """Tokens the model may write until its tool call is complete."""
        device: str = "cpu"
        """Where the model runs: cpu, cuda, cuda:1, mps."""
        seed: int = 42
        """Draws the test turns."""

    repeats = True

    def __init__(self, config: Config) -> None:
        self.config = config

    def run(self, model: Subject) -> Iterable[Score]:
        """Raises RunFailed with the log's path when lm-eval fails."""
        folder = Path(model.folder)
        docs = self.docs(model)
        asked = [name for name in TASKS if any(doc["task"] == name for doc in docs)]
        for name in TASKS:
            yield from missing(name, model.role) if name not in asked else ()
        if not asked:
            return
        there, log = environment.Environment(environment.python()), folder / "logs" / f"{model.role}.log"
        environment.place(folder)
        facts = self.render(there, model, log)
        measurable = [name for name in asked if facts[name]["docs"]]
        for name in asked:
            yield from missing(name, model.role, untold(facts[name])) if name not in measurable else ()
        if measurable:
            results = self.evaluate(there, model, measurable, log)
            for name in measurable:
                yield from scores(name, model.role, results, facts[name])

    def controls(self, model: Subject) -> Iterable[Score]:
        """On the same turns, what needs no model: always the most frequent tool of the training rows, and the tool
        that most often comes after the one called last; both with their most frequent arguments."""
        docs = [doc for doc in self.docs(model) if doc["task"] == "next_tool"]
        known = [turn for turn in turns(Path(model.dataset) / "train.jsonl") if turn["task"] == "next_tool"]
        for role in (CONTROL, BIGRAM):
            if not docs or not known:
                yield from missing("next_tool", role)
            else:
                yield from guessed(role, docs, known)

    def texts(self) -> None:
        """It asks what stands in the test rows."""

    def docs(self, model: Subject) -> list[dict[str, Any]]:
        """The test turns, written to `docs.jsonl`: they depend on test.jsonl and the config, never on the model."""
        found = list(turns(Path(model.dataset) / "test.jsonl"))
        chosen = [doc for name in TASKS for doc in self.draw([doc for doc in found if doc["task"] == name])]
        limited = [{**doc, "max_bytes": model.sequence_len // 2} for doc in chosen]
        jsonl.replace(Path(model.folder) / DOCS, b"".join(jsonl.dumps(doc) + b"\n" for doc in limited))
        return limited

    def draw(self, docs: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """`max_docs` of them, in their order; which ones depends on seed and id alone."""
        if not self.config.max_docs or len(docs) <= self.config.max_docs:
            return docs
        drawn = sorted(docs, key=lambda doc: hashlib.sha256(f"{self.config.seed}:{doc['id']}".encode()).digest())
        ids = {doc["id"] for doc in drawn[: self.config.max_docs]}
        return [doc for doc in docs if doc["id"] in ids]

    def new_tokens(self, model: Subject) -> int:
        return min(self.config.max_new_tokens, model.sequence_len // 2)

    def render(self, there: environment.Environment, model: Subject, log: Path) -> dict[str, Any]:
        """Writes the prompts in the model's own template; per task {docs, cut, left_out}."""
        command = ["python", "-m", "lm_task", "--docs", DOCS, "--model", model.path, "--out", prompts(model)]
        command += ["--context", str(model.sequence_len), "--new-tokens", str(self.new_tokens(model))]
        if model.chat_template != "tokenizer_default":
            command += ["--template", f"{paths.INSIDE}/templates/{model.chat_template}.jinja"]
        said = environment.run(there, command, Path(model.folder), log, online=not environment.is_local(model.path))
        return dict(json.loads(said.strip().splitlines()[-1]))

    def evaluate(
        self, there: environment.Environment, model: Subject, names: Sequence[str], log: Path
    ) -> dict[str, Any]:
        """lm-eval's results, by its task names; its samples stay in `results/<role>/`."""
        folder, out = Path(model.folder), f"results/{model.role}"
        tasks = folder / "tasks" / model.role
        for name in names:
            jsonl.replace(tasks / f"{name}.yaml", self.task(name, model).encode())
        # a task's functions are looked for beside it
        jsonl.replace(tasks / "lm_task.py", (paths.HERE / paths.INSIDE / "lm_task.py").read_bytes())
        base, adapter = environment.loadable(there, model.path, folder / f"merged-{model.role}", log)
        dtype = "float32" if self.config.device == "cpu" else "auto"
        arguments = {"pretrained": base, "max_length": model.sequence_len, "dtype": dtype, "tokenizer": model.path}
        settings = {
            "model": "hf",
            "model_args": {**arguments, **({"peft": adapter} if adapter else {})},
            "tasks": [TASKS[name].name for name in names],
            "include_path": str(tasks),
            "device": self.config.device,
            "batch_size": self.config.batch_size,
            "output_path": out,
            "log_samples": True,
            "seed": [self.config.seed] * 4,
        }
        jsonl.replace(tasks / "run.json", json.dumps(settings, indent=1).encode())
        before = set((folder / out).rglob("results_*.json"))
        command = ["lm-eval", "run", "--config", str(tasks / "run.json")]
        environment.run(there, command, folder, log, online=not environment.is_local(base))
        new = sorted(set((folder / out).rglob("results_*.json")) - before)
        if not new:
            raise RunFailed(f"lm-eval wrote no results (log: {log})")
        return dict(jsonl.parse(new[-1].read_bytes())["results"])

    def task(self, name: str, model: Subject) -> str:
        """The task as lm-eval's YAML. `doc_to_text` is a column's name: its text is taken as it is."""
        generation = {"until": ["</tool_call>"], "max_gen_toks": self.new_tokens(model), "do_sample": False}
        keys = {
            "task": TASKS[name].name,
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": str(Path(model.folder) / prompts(model) / f"{name}.jsonl")}},
            "test_split": "test",
            **TASKS[name].keys,
            "doc_to_text": "prompt",
            "doc_to_target": "answer" if name == "next_tool" else "target",
            "target_delimiter": "",
            **({"generation_kwargs": generation} if name == "next_tool" else {}),
            "process_results": Function(f"lm_task.{'next_tool' if name == 'next_tool' else 'reply'}"),
            "metric_list": [
                {
                    "metric": metric,
                    "aggregation": "mean" if name == "next_tool" else "weighted_perplexity",
                    "higher_is_better": TASKS[name].higher_is_better,
                }
                for metric in TASKS[name].metrics
            ],
            "metadata": {"version": 1.0},
        }
        return yaml.dump(keys, Dumper=Dumper, sort_keys=False, width=1000)


def turns(path: Path) -> Iterator[dict[str, Any]]:
    """Documents of both tasks for the assistant's turns in a file of rows; raises RunFailed at a line that is none."""
    for line in jsonl.read_lines(path):
        if line.error:
            raise RunFailed(f"{path} line {line.number}: {line.error}; make the dataset anew")
        messages = line.value.get("messages") or []  # rows of pairs, tasks and the like have none
        for number, message in enumerate(messages):
            if message["role"] != "assistant" or message.get("train") is False or not number:
                continue
            doc = {"id": f"{line.value['id']}:{number}", "messages": messages[:number]}
            doc["tools"] = line.value.get("tools") or []
            if message.get("tool_calls"):
                yield {**doc, "task": "next_tool", "answer": message["tool_calls"][0]["function"]}
            yield {**doc, "task": "replies", "answer": message}


def scores(name: str, role: str, results: dict[str, Any], facts: dict[str, int]) -> Iterator[Score]:
    """lm-eval's numbers; a standard error only where it has one."""
    found = results[TASKS[name].name]
    for metric in TASKS[name].metrics:
        spread = found.get(f"{metric}_stderr,none")
        yield Score(
            benchmark=NAME, metric=metric, role=role, value=found[f"{metric},none"], evidence="measured",
            n=facts["docs"], stderr=spread if isinstance(spread, float) else None,
            higher_is_better=TASKS[name].higher_is_better, note=untold(facts),
        )  # fmt: skip


def untold(facts: dict[str, int]) -> str:
    """What happened to prompts on the way to the model."""
    said = {"cut": "prompts cut at the beginning to fit the context", "left_out": "turns the chat template cannot show"}
    return "; ".join(f"{facts[key]} {words}" for key, words in said.items() if facts[key])


def missing(name: str, role: str, note: str = "") -> Iterator[Score]:
    """Scores that could not be had, with the reason."""
    for metric in TASKS[name].metrics:
        yield Score(
            benchmark=NAME, metric=metric, role=role, value=None, evidence="missing",
            higher_is_better=TASKS[name].higher_is_better, note=note or NONE,
        )  # fmt: skip


def guessed(role: str, docs: Sequence[dict[str, Any]], known: Sequence[dict[str, Any]]) -> Iterator[Score]:
    """The scores of a control: what it guesses is learnt from `known` turns, by what it may see of a conversation."""

    def seen(doc: dict[str, Any]) -> str:
        return last_tool(doc["messages"]) if role == BIGRAM else ""

    by_seen: dict[str, list[dict[str, Any]]] = {}
    for turn in known:
        by_seen.setdefault(seen(turn), []).append(turn["answer"])
    everything = [turn["answer"] for turn in known]
    guesses = {key: guess(calls) for key, calls in by_seen.items()}
    right, same = [], []
    for doc in docs:
        tool, arguments = guesses.get(seen(doc)) or guess(everything)
        right.append(doc["answer"]["name"] == tool)
        same.append(right[-1] and canonical(doc["answer"]["arguments"]) == arguments)
    note = "the tool that most often follows the last one" if role == BIGRAM else f"always {guess(everything)[0]}"
    for metric, hits in (("tool_accuracy", right), ("arguments_exact", same), ("tool_named", right)):
        share = sum(hits) / len(hits)
        spread = math.sqrt(share * (1 - share) / (len(hits) - 1)) if len(hits) > 1 else None
        yield Score(
            benchmark=NAME, metric=metric, role=role, value=share, evidence="measured", n=len(hits), stderr=spread,
            note=note,
        )  # fmt: skip


def guess(calls: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """The most frequent tool of some calls, and its most frequent arguments."""
    tool = most_frequent(call["name"] for call in calls)
    return tool, most_frequent(canonical(call["arguments"]) for call in calls if call["name"] == tool)


def last_tool(messages: Sequence[dict[str, Any]]) -> str:
    """The tool called last since somebody spoke to the agent; "" where none was."""
    for message in reversed(messages):
        if message["role"] == "user":
            return ""
        if message.get("tool_calls"):
            return str(message["tool_calls"][-1]["function"]["name"])
    return ""


def most_frequent(values: Iterable[str]) -> str:
    """The value seen most often; of equals the first in the alphabet, so that it is the same every time."""
    counts = collections.Counter(values)
    return min(counts, key=lambda value: (-counts[value], value))


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def prompts(model: Subject) -> str:
    return f"prompts/{model.role}"
