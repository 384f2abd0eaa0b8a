"""`bashgym schema`: JSON Schema of recipes and presets, with the plugins found here."""

import json
from pathlib import Path

from bashgym.errors import BashGymError, did_you_mean
from bashgym.verbs import parser

ABOUT = """JSON Schema of a recipe (or, with a kind, of that kind's presets), for editors. Your own plugins are in it.

  bashgym schema --out recipes/recipe.schema.json

and at the top of a recipe beside it:

  # yaml-language-server: $schema=recipe.schema.json

What ships has that line already."""


def main(arguments: list[str]) -> int:
    took = parser("schema", ABOUT)
    took.add_argument("kind", nargs="?", help="a kind, such as training: the schema of its presets")
    took.add_argument("--out", metavar="FILE", type=Path, help="write it there instead of printing it")
    options = took.parse_intermixed_args(arguments)
    from bashgym import jsonl
    from bashgym.kinds import KINDS
    from bashgym.recipebook import schema

    if options.kind and options.kind not in KINDS:
        raise BashGymError(f"schema: no kind named {options.kind}{did_you_mean(options.kind, KINDS)}")
    text = json.dumps(schema.preset_schema(options.kind) if options.kind else schema.recipe_schema(), indent=1)
    if options.out is None:
        print(text)
        return 0
    options.out.parent.mkdir(parents=True, exist_ok=True)
    jsonl.replace(options.out, f"{text}\n".encode())
    print(options.out)
    return 0
