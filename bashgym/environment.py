"""The training environment: torch and Axolotl in a virtual environment of their own, reached as commands.

`create`, `remove` and `variables` live in bashgym/venv.py; here is which Python it is and how it is run."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import checkpoint, jsonl, paths
from bashgym.errors import InputError, RecipeError, RunFailed, did_you_mean
from bashgym.venv import Environment, Pins, create, folder, last_line, marker, probe, remove, variables

__all__ = ["Environment", "Pins", "create", "remove", "variables"]  # from bashgym/venv.py, and all that is below

OVERRIDE = "BASHGYM_TRAINING_PYTHON"
# what rewards rest on (pydantic is over there, too), and what pushes checkpoints
TRAVELLING = ("sandbox/*.py", "tasks/*.py", "boxed.py", "config.py", "errors.py", "near.py", "rented/pushed.py")
WAY_OUT = "make it with: bashgym env create"


class Ensured(NamedTuple):
    """Which Python it is, and whether it was made just now."""

    python: Path
    fresh: bool


def ensure(override: str, on_line: Callable[[str], None]) -> Ensured:
    """The training environment, made first where it is missing; one that the user named is never made."""
    if override or os.environ.get(OVERRIDE) or marker(folder()).exists():
        return Ensured(python(override), False)
    return Ensured(create(on_line), True)


def python(override: str = "") -> Path:
    """The training environment's interpreter: the recipe's `cloud.python`, $BASHGYM_TRAINING_PYTHON, or ours.

    Raises InputError with the way out when there is none."""
    for key, value in (("cloud.python", override), (OVERRIDE, os.environ.get(OVERRIDE, ""))):
        if value:
            named = Path(value).expanduser().absolute()  # not resolved: a venv's python is a link out of it
            if not os.access(named, os.X_OK) or named.is_dir():
                raise InputError(f"{key}: {value} is no interpreter; name the python of an environment with Axolotl")
            return named
    root = folder()
    if not marker(root).exists():
        state = "unfinished" if root.exists() else "not there yet"
        raise InputError(f"the training environment ({root}) is {state}; {WAY_OUT}")
    return root / "bin" / "python"


def check(override: str = "") -> dict[str, Any]:
    """What is in the environment and whether it works: {python, ok, versions, cuda, error}; some ten seconds."""
    chosen = python(override)
    return {"python": str(chosen), **probe(Environment(chosen))}


def place(run_folder: Path) -> Path:
    """Copies the code that runs over there into the run's folder, so that a run carries all it needs with it."""
    there = run_folder / paths.INSIDE
    ours = paths.HERE / paths.INSIDE
    files = {file.relative_to(ours): file for file in ours.rglob("*") if file.is_file()}
    # under their own names, so that `from bashgym import sandbox` is the same there and here
    for room in TRAVELLING:
        files |= {Path("bashgym", file.relative_to(paths.HERE)): file for file in sorted(paths.HERE.glob(room))}
    jsonl.replace(there / "bashgym" / "__init__.py", b"")
    for name, file in files.items():
        if "__pycache__" not in name.parts and name.name != "constraints.txt":
            jsonl.replace(there / name, file.read_bytes())
    return there


def popen(
    environment: Environment,
    command: Sequence[str],
    run_folder: Path,
    env: Mapping[str, str] | None = None,
    online: bool = False,
    **options: Any,
) -> "subprocess.Popen[str]":
    """Starts `command` over there, in `run_folder`, as a process group of its own; `env` is added to what it sees.

    A first word such as `axolotl` or `python` means the one of that environment."""
    program = environment.bin / command[0]
    argv = [str(program) if program.exists() else command[0], *command[1:]]
    seen = {**variables(environment, run_folder, online), **(env or {})}
    return subprocess.Popen(
        argv, cwd=run_folder, env=seen, text=True, errors="replace", start_new_session=True, **options
    )


def run(
    environment: Environment,
    command: Sequence[str],
    run_folder: Path,
    log: Path,
    env: Mapping[str, str] | None = None,
    online: bool = False,
) -> str:
    """Runs `command` to its end and returns its standard output; standard error goes to `log`.

    Raises RunFailed naming the log and its last line when it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        process = popen(environment, command, run_folder, env, online, stdout=subprocess.PIPE, stderr=file)
        out, _ = process.communicate()
        file.write(out)
    if process.returncode:
        said = last_line(log.read_text(encoding="utf-8", errors="replace"))
        raise RunFailed(f"{' '.join(command[:3])} ended with {process.returncode}: {said[:300]} (log: {log})")
    return out


def loadable(there: Environment, model: str, folder: Path, log: Path) -> tuple[str, str | None]:
    """What lm-eval can load of a model: its folder or name, and its adapter, where it has one.

    An adapter with whole layers of its own (modules_to_save) is merged into `folder` first: lm-eval ties the embeddings
    of what it has loaded, which such layers do not bear (0.4.11: KeyError)."""
    if not is_local(model):
        return model, None
    base, adapter = checkpoint.weights(Path(model))
    if adapter is None or not (checkpoint.readable(Path(adapter) / "adapter_config.json") or {}).get("modules_to_save"):
        return base, adapter
    command = ["python", "-m", "merged", "--base", base, "--adapter", adapter, "--out", str(folder)]
    run(there, command, place(folder.parent).parent, log, online=not is_local(base))
    return str(folder), None


def is_local(model: str) -> bool:
    """Whether a model lies on this disk, so that nothing is to be downloaded for it."""
    return Path(model).expanduser().exists()


def check_config(run_folder: Path) -> None:
    """Asks Axolotl's own schema about `axolotl.yaml`, some five seconds; raises RecipeError, one line per fault."""
    command = ["python", "-m", "check_config", "axolotl.yaml"]
    answer = json.loads(run(Environment(python()), command, run_folder, run_folder / "logs" / "check_config.log"))
    if not answer["ok"]:
        raise RecipeError("\n".join(f"axolotl.yaml: {fault}" for fault in answer["faults"]))


def make_scratch_model(
    run_folder: Path, chat_template: str, sequence_len: int, size: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Makes `model/` in the run's folder from its training rows and says what was made: {path, parameters, vocab_size}.

    `size` has the keys of `model.scratch`: vocab_size, hidden_size, layers, heads, warm_start."""
    there = place(run_folder)
    name = "chatml_tools" if chat_template == "tokenizer_default" else chat_template
    template = there / "templates" / f"{name}.jinja"
    command = ["python", "-m", "scratch", "--rows", "dataset/train.jsonl", "--out", "model", "--seed", str(seed)]
    command += ["--template", str(template), "--context", str(sequence_len)]
    for key, option in (
        ("vocab_size", "vocab-size"),
        ("hidden_size", "hidden"),
        ("layers", "layers"),
        ("heads", "heads"),
    ):
        command += [f"--{option}", str(size[key])]
    if (warm := size.get("warm_start", {})).get("epochs"):
        command += ["--warm-start", json.dumps(warm)]
    if not template.is_file():
        raise RecipeError(f"model.chat_template: no template '{name}'{did_you_mean(name, names(there))}")
    said = run(Environment(python()), command, run_folder, run_folder / "logs" / "scratch.log")
    return dict(json.loads(said.strip().splitlines()[-1]))


def names(there: Path) -> list[str]:
    return [path.stem for path in (there / "templates").glob("*.jinja")]
