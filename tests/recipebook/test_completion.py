"""Shell completion: what is offered, how fast, and that a real bash takes it."""

import ast
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bashgym import recipe
from bashgym.cli import VERBS
from bashgym.completion import candidates
from bashgym.kinds import LISTS

ROOT = Path(__file__).resolve().parent.parent.parent
OFFERED = [
    ("", {"run", "recipes", "runs", "completion"}),
    ("run recipe=q", {"recipe=quickstart"}),
    ("run recipe=quickstart cloud=", {"cloud=local", "cloud=runpod"}),
    ("run recipe=quickstart clo", {"cloud=", "cloud.grace_seconds="}),
    ("run recipe=quickstart cloud=runpod cloud.limits.", {"cloud.limits.max_usd="}),
    ("run recipe=sft_codellama training.lora.", {"training.lora.r="}),
    ("run recipe=quickstart training.method=", {"training.method=lora"}),
    ("run recipe=quickstart training.sample_packing=", {"training.sample_packing=true"}),
    ("run recipe=quickstart sanitizer=[secrets,", {"sanitizer=[secrets,pii"}),
    ("run recipe=quickstart sanitizer.secrets.s", {"sanitizer.secrets.shortest="}),
    ("run --u", {"--until"}),
    ("run --until ", {"dataset"}),
    ("recipes show ", {"quickstart"}),
    ("recipes explain training.ep", {"training.epochs"}),
    ("runs pr", {"prune"}),
    ("completion ", {"bash", "zsh", "fish"}),
]


def offered(line: str) -> set[str]:
    words = line.split()
    return {one.word for one in candidates([*words, ""] if line.endswith(" ") or not line else words)}


@pytest.mark.parametrize(("line", "wanted"), OFFERED, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_offered(line: str, wanted: set[str]):
    found = offered(line)
    assert wanted <= found
    assert all(word.startswith("" if line.endswith(" ") else line.split(" ")[-1]) for word in found)


def test_what_is_not_offered():
    assert "cloud.limits.max_usd=" not in offered("run recipe=quickstart cloud."), "cloud=local has no limits"
    assert "sanitizer=[secrets,secrets" not in offered("run recipe=quickstart sanitizer=[secrets,")
    assert offered("run --until ") == {"dataset"}
    assert offered("nonsense ") == set()


def test_every_verb_and_every_key_of_a_recipe_is_offered():
    assert offered("") == set(VERBS)
    made = recipe.composition(["recipe=quickstart"])
    keys = {f"{key}=" for key, _ in recipe.flatten(made.values) if not key.endswith("plugin")}
    groups = {f"{kind}=" for kind in made.values if kind in LISTS and not made.values[kind]}
    assert keys - offered("run recipe=quickstart ") - groups == set()


def test_nothing_heavy_is_imported_and_it_is_quick():
    words = ["completion", "words", "--", "run", "recipe=quickstart", "training.l"]
    heavy = {"hydra", "omegaconf", "pydantic", "msgspec", "rich"}
    code = f"import sys; from bashgym import cli; cli.main({words}); print(sorted({heavy} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout.splitlines()[-1]) == []
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for _ in range(5):
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    # of the processor, not of the clock: other tests share the cores
    assert (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before) / 5 < 0.2


def test_a_projects_own_recipe_and_preset_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "ours.yaml").write_text("defaults: [quickstart, {override training: sft_lora}, _self_]\n")
    (tmp_path / "conf" / "cloud").mkdir(parents=True)
    (tmp_path / "conf" / "cloud" / "ourbox.yaml").write_text("# our box\nplugin: local\n")
    assert "recipe=ours" in offered("run ") and "cloud=ourbox" in offered("run recipe=ours cloud=")
    (one,) = candidates(["run", "recipe=ours", "cloud=o"])
    assert one.about == "our box"


BASH = """
source <(bashgym completion bash)
COMP_LINE=$1; COMP_POINT=${#COMP_LINE}
compopt() { echo "nospace" >&2; }
_bashgym
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("bashgym run recipe=quick", ["quickstart"]),  # bash itself holds `recipe=` for a word that is done
        ("bashgym run recipe=quickstart cloud=run", ["runpod"]),
        ("bashgym runs c", ["compare"]),
        ("bashgym run recipe=quickstart training.learning", ["training.learning_rate="]),
    ],
)
def test_bash_takes_it(line: str, wanted: list[str], tmp_path: Path, need: Callable):
    command = tmp_path / "bashgym"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m bashgym "$@"\n')
    command.chmod(0o755)
    env = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([need("bash"), "-c", BASH, "x", line], env=env, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split() == wanted, done.stderr
    assert ("nospace" in done.stderr) == wanted[0].endswith("=")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_parse_their_script(shell: str, bashgym: Callable, tmp_path: Path):
    program = shutil.which(shell)
    script = tmp_path / "script"
    script.write_text(bashgym("completion", shell).stdout)
    assert "bashgym completion table" in script.read_text()
    if program:
        subprocess.run([program, "-n", str(script)], check=True)


def test_help_lists_what_can_be_chosen(bashgym: Callable):
    plain = bashgym("run", "--help").stdout
    assert "recipe=quickstart" in plain and "cloud=  hf_jobs  lambda  local  runpod  ssh  vast" in plain
    own = bashgym("run", "recipe=sft_codellama", "cloud=runpod", "--help").stdout
    assert "*runpod" in own and "*sft_qlora" in own and "cloud.limits.max_usd" in own
