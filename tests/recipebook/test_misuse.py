"""300 ways to misspell or misuse a recipe, an override or a plugin, drawn by a seed from the real schema: each ends
with exit code 2 and one line that names the key and a way out."""

import json
import random
import re
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from bashgym import cli
from bashgym.kinds import LISTS
from bashgym.places import presets, recipes
from bashgym.recipebook import schema

SEED = 20261121
BASES = ["quickstart", "sft_smollm", "sft_codellama"]
WAY_OUT = re.compile(
    r"did you mean|known: |set it|set another|write |give |name |add |choose |quote |rename|is needed|"
    r"correct |derive |see |should |must |may not|one of|explain|defaults|bashgym |cannot "
)


class Case(NamedTuple):
    """What is typed after `bashgym`, what the line must hold, and the right word where it was one typo."""

    argv: list[str]
    names: str
    right: str
    files: dict[str, str]


def typo(word: str, draw: random.Random) -> str:
    """One letter left out, doubled, replaced, swapped with its neighbour or put in; never the first."""
    at = draw.randrange(1, len(word))
    letter = draw.choice([one for one in string.ascii_lowercase if one != word[at]])
    return draw.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :],
            word[:at] + letter + word[at:],
        ]
    )


def misspelt(word: str, known: set[str], draw: random.Random) -> str:
    """A typo that is no other word there is."""
    while (wrong := typo(word, draw)) in known or wrong == word:
        pass
    return wrong


def keys(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    """(key, its schema, its siblings) of every leaf and table whose names are fixed."""
    properties = node.get("properties", {})
    for name, value in properties.items():
        yield f"{prefix}{name}", value, set(properties)
        yield from keys(value, f"{prefix}{name}.")


def settable() -> list[tuple[str, dict[str, Any], set[str]]]:
    """Keys that an override can reach in every base: those of the base's own choices."""
    from bashgym import recipe

    there = {key for key, _ in recipe.flatten(recipe.composition(["recipe=quickstart"]).values)}
    whole = schema.recipe_schema()
    return [one for one in keys(whole) if one[0] in there and not one[0].endswith(".plugin")]


def wrong_value(node: dict[str, Any], draw: random.Random) -> str:
    """A value that the key's schema refuses."""
    one = next((part for part in node.get("anyOf", [node]) if part != schema.REFERENCE), node)
    if "enum" in one:
        return misspelt(draw.choice([str(value) for value in one["enum"]]), set(map(str, one["enum"])), draw)
    kind = one.get("type")
    if kind in {"integer", "number"}:
        below = one.get("minimum", one.get("exclusiveMinimum"))
        return draw.choice(["many", "[1]", "{a:1}", *([str(below - 1)] if below is not None else [])])
    if kind == "boolean":
        return draw.choice(["maybe", "7", "[true]"])
    if kind == "array":
        return draw.choice(["alone", "3"])
    return draw.choice(["[a]", "7.5.1"]) if kind == "object" else draw.choice(["[a]", "{a:1}"])


def cases() -> list[Case]:
    draw = random.Random(SEED)
    known_keys = [one for one in settable() if len(one[0].split(".")[-1]) >= 3]
    leaves = [one for one in known_keys if "properties" not in one[1]]
    kinds = [kind for kind in schema.KINDS if presets(kind)]
    choices = [(kind, name) for kind in kinds for name in presets(kind)]
    found = []
    for _ in range(90):  # one letter wrong in a key
        key, _, siblings = draw.choice(known_keys)
        *tables, last = key.split(".")
        wrong = ".".join([*tables, misspelt(last, siblings | ({"recipe"} if not tables else set()), draw)])
        found.append(Case(["recipes", "show", draw.choice(["quickstart"]), f"{wrong}=1"], wrong, last, {}))
    for _ in range(30):  # in a choice
        kind, name = draw.choice(choices)
        wrong = misspelt(name, set(presets(kind)), draw)
        typed = f"[{wrong}]" if kind in LISTS else wrong
        found.append(Case(["recipes", "show", draw.choice(BASES), f"{kind}={typed}"], wrong, name, {}))
    for _ in range(20):  # in a kind
        kind, name = draw.choice(choices)
        wrong = misspelt(kind, set(kinds), draw)
        found.append(Case(["recipes", "show", draw.choice(BASES), f"{wrong}={name}"], wrong, kind, {}))
    for _ in range(12):  # in a recipe's name
        name = draw.choice(list(recipes()))
        wrong = misspelt(name, set(recipes()), draw)
        found.append(Case([*draw.choice([["recipes", "show", wrong], ["run", f"recipe={wrong}"]])], wrong, name, {}))
    for _ in range(8):  # in a verb
        verb = draw.choice([one for one in cli.VERBS if len(one) > 2])
        wrong = misspelt(verb, set(cli.VERBS), draw)
        found.append(Case([wrong], wrong, verb, {}))
    for number in range(30):  # in a key of a recipe's file
        key, node, siblings = draw.choice(known_keys)
        *tables, last = key.split(".")
        wrong = misspelt(last, siblings, draw)
        content: Any = {wrong: 1}
        for table in reversed(tables):
            content = {table: content}
        text = yaml.safe_dump({"defaults": ["quickstart", "_self_"], **content})
        found.append(Case(["recipes", "show", f"f{number}.yaml"], wrong, last, {f"f{number}.yaml": text}))
    for number in range(15):  # in a choice of a recipe's defaults
        kind, name = draw.choice(choices)
        wrong = misspelt(name, set(presets(kind)), draw)
        listed = {f"override {kind}": [wrong] if kind in LISTS else wrong}
        text = yaml.safe_dump({"defaults": ["quickstart", listed, "_self_"]})
        found.append(Case(["recipes", "show", f"d{number}.yaml"], wrong, name, {f"d{number}.yaml": text}))
    for _ in range(60):  # a value the key does not take
        key, node, _ = draw.choice(leaves)
        value = wrong_value(node, draw)
        found.append(Case(["recipes", "show", "quickstart", f"{key}={value}"], key, "", {}))
    for number in range(15):  # the same in a file
        key, node, _ = draw.choice(leaves)
        content = yaml.safe_load(wrong_value(node, draw).replace("{a:1}", "{a: 1}"))
        for part in reversed(key.split(".")):
            content = {part: content}
        text = yaml.safe_dump({"defaults": ["quickstart", "_self_"], **content})
        found.append(Case(["recipes", "show", f"v{number}.yaml"], key, "", {f"v{number}.yaml": text}))
    return [*found, *broken_plugins(draw), *misuse(draw)]


def broken_plugins(draw: random.Random) -> Iterator[Case]:
    """A project's own plugin with a fault, chosen."""
    faults = {
        "nothing": "x = 1\n",
        "crash": "raise RuntimeError('boom')\n",
        "torn": "class Judge(\n",
        "bare": "class Judge:\n    pass\n",
        "import": "import no_such_package_at_all\n",
    }
    for name, text in faults.items():
        files = {
            f"plugins/judge/{name}.py": text,
            f"conf/judge/{name}.yaml": f"# @package judge.{name}\nplugin: {name}\n",
        }
        yield Case(["recipes", "show", "quickstart", f"judge=[{name}]"], name, "", files)
    for number, plugin in enumerate(("syntax", "outcome")):
        wrong = misspelt(plugin, {"syntax", "outcome"}, draw)
        files = {f"conf/judge/p{number}.yaml": f"# @package judge.p{number}\nplugin: {wrong}\n"}
        yield Case(["recipes", "show", "quickstart", f"judge=[p{number}]"], wrong, plugin, files)
    yield Case(
        ["recipes", "show", "quickstart", "judge=[none]"], "none", "", {"conf/judge/none.yaml": "max_files: 3\n"}
    )
    yield Case(["recipes", "show", "quickstart", "judge=[list]"], "list", "", {"conf/judge/list.yaml": "- 1\n"})


def misuse(draw: random.Random) -> Iterator[Case]:
    """Things that Hydra takes without a word, or answers with a traceback."""
    kinds = [kind for kind in schema.KINDS if presets(kind)]
    singles, lists = [k for k in kinds if k not in LISTS], [k for k in kinds if k in LISTS]
    for kind in singles:
        names = sorted(presets(kind))
        yield Case(["recipes", "show", "quickstart", f"{kind}=[{','.join(names[:2])}]"], kind, "", {})
        yield Case(["recipes", "show", "quickstart", f"{kind}="], kind, "", {})
        yield Case(["recipes", "show", "quickstart", f"{kind}=null"], kind, "", {})
        yield Case(["recipes", "show", "quickstart", f"~{kind}"], kind, "", {})
    for kind in lists:
        name = draw.choice(sorted(presets(kind)))
        yield Case(["recipes", "show", "quickstart", f"{kind}=[{name},{name}]"], kind, "", {})
        yield Case(["recipes", "show", "quickstart", f"+{kind}={name}"], kind, "", {})
        yield Case(["recipes", "show", "quickstart", f"{kind}=3"], kind, "", {})
        yield Case(["recipes", "show", "quickstart", f"{kind}={{a:1}}"], kind, "", {})
    for text in (
        "source=[]",
        "sanitizer=[]",
        "seed=",
        "seed=null",
        "name=${oc.env:HOME}",
        "name=${no.such}",
        "seed=1,2",
    ):
        yield Case(
            ["recipes", "show", "quickstart", text], "no.such" if "no.such" in text else text.split("=")[0], "", {}
        )
    for text in ("cloud", "quickstart", "recipe", "seed==3=", "a b=3", "seed=[1", "'", "training.=3", ".seed=1"):
        yield Case(["recipes", "show", "quickstart", text], text.strip("'=[").split("=")[0], "", {})
    yield Case(["run", "quickstart", "--plan"], "quickstart", "", {})
    yield Case(["run"], "recipe=NAME", "", {})
    yield Case(["run", "recipe=quickstart", "recipe=sft_smollm"], "recipe=", "", {})
    for number, text in enumerate(
        ["- 1\n", "seed\n", "seed: {\n", "\tseed: 1\n", "defaults: 3\n", "defaults: [nowhere]\n", "training: 3\n",
         "cloud: local\n", "defaults:\n  - y8\n", "seed: 1\nseed: 2\n",
         "defaults: [quickstart, {override clud: local}]\n", "\x00", ""]
    ):  # fmt: skip
        yield Case(["recipes", "show", f"y{number}.yaml"], "", "", {f"y{number}.yaml": text})


ALL = cases()


def test_there_are_enough():
    assert len({json.dumps(case) for case in ALL}) >= 300


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, int | str, str]]:
    """Every case in a folder of its own, through the command line's own main: (case, exit code, stderr)."""
    import contextlib
    import io
    import os

    found = []
    for number, case in enumerate(ALL):
        folder = tmp_path_factory.mktemp(f"case{number}")
        for name, text in case.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        out, err = io.StringIO(), io.StringIO()
        here = Path.cwd()
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code: int | str = cli.main(case.argv)
        except BaseException as error:
            code = f"{type(error).__name__}: {error}"
        finally:
            os.chdir(here)
        found.append((case, code, err.getvalue()))
    return found


def wrongs(told: list, holds: Callable[[Case, int | str, str], bool]) -> list[str]:
    return [
        f"{' '.join(case.argv)} {case.files or ''}: {code} {err}"
        for case, code, err in told
        if not holds(case, code, err)
    ]


def test_each_ends_with_2_and_one_line(told: list):
    bad = wrongs(told, lambda case, code, err: code == 2 and err.count("\n") == 1 and err.startswith("bashgym: "))
    assert not bad, "\n".join(bad)


def test_each_names_what_is_wrong(told: list):
    bad = wrongs(told, lambda case, code, err: case.names in err or case.names.split(".")[-1] in err)
    assert not bad, "\n".join(bad)


def test_each_shows_a_way_out(told: list):
    bad = wrongs(told, lambda case, code, err: bool(WAY_OUT.search(err)))
    assert not bad, "\n".join(bad)


def test_typos_get_the_right_suggestion(told: list):
    typos = [one for one in told if one[0].right]
    right = [one for one in typos if re.search(rf"did you mean '(\S*[.=])?{re.escape(one[0].right)}'", one[2])]
    bad = wrongs([one for one in typos if one not in right], lambda *_: False)
    assert len(typos) >= 150 and len(right) / len(typos) >= 0.95, f"{len(right)} of {len(typos)}\n" + "\n".join(bad)
