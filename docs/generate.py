"""Writes docs/reference/ from the code: the commands' own help, and every preset with the docs of its keys; and what
editors read: the schemas in conf/, with the line that names them at the top of every preset and recipe.

python docs/generate.py [--check]    --check writes nothing and fails where a page is out of date"""

import contextlib
import importlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["COLUMNS"] = "100"

from bashgym import cli, registry  # noqa: E402
from bashgym.kinds import AT_LEAST_ONE, KINDS, LISTS  # noqa: E402
from bashgym.recipe import flatten  # noqa: E402
from bashgym.recipebook import schema  # noqa: E402

WRITTEN = "<!-- Written by docs/generate.py; do not edit. -->\n"


def cli_page() -> str:
    """The help of every command, as it prints it."""
    parts = [WRITTEN, "# Commands\n", f"```\n{cli.help_text()}\n```\n"]
    for verb in cli.VERBS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            importlib.import_module(f"bashgym.verbs.{verb}").main(["--help"])
        parts.append(f"## bashgym {verb}\n\n```\n{out.getvalue().strip()}\n```\n")
    return "\n".join(parts)


def comments(path: Path) -> dict[str, str]:
    """key -> the comment above it; keys of nested tables by their last name with its indentation."""
    found, above = {}, ""
    for line in path.read_text().split("\n"):
        text = line.strip()
        if text.startswith("#"):
            above = text.lstrip("# ")
        elif ":" in text:
            found.setdefault(text.removeprefix("- ").split(":")[0], above)
    return found


def table(path: Path) -> Iterator[str]:
    """One line per key of a YAML file: key, value, comment."""
    said = comments(path)
    yield "| key | value | meaning |\n|---|---|---|"
    values = {key: value for key, value in yaml.safe_load(path.read_text()).items() if key != "defaults"}
    for key, value in flatten(values):
        shown = yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("...").strip()
        yield f"| `{key}` | `{shown}` | {said.get(key.split('.')[-1], '')} |"


def config_page() -> str:
    """Every kind, its presets and their keys."""
    parts = [
        WRITTEN,
        "# Recipes: every key\n",
        "## conf/bashgym_base.yaml\n",
        *table(ROOT / "conf" / "bashgym_base.yaml"),
    ]
    for kind in KINDS:
        files = sorted((ROOT / "conf" / kind).glob("*.yaml"))
        if not files:
            continue
        chosen = "a list, at least one" if kind in AT_LEAST_ONE else "a list" if kind in LISTS else "one"
        parts += [f"\n## {kind} ({chosen})\n"]
        for path in files:
            plugin = yaml.safe_load(path.read_text())["plugin"]
            line = registry.first_line(ROOT / "plugins" / kind / f"{plugin}.py")
            example = f"{kind}=[{path.stem}]" if kind in LISTS else f"{kind}={path.stem}"
            prefix = f"{kind}.{path.stem}." if kind in LISTS else f"{kind}."
            parts += [f"### `{example}`\n", f"{line} Keys begin with `{prefix}`.\n", *table(path), ""]
    return "\n".join(parts) + "\n"


def described_files() -> list[Path]:
    """Every shipped file that an editor checks: recipes, what they start from, presets."""
    presets = [path for kind in KINDS for path in sorted((ROOT / "conf" / kind).glob("*.yaml"))]
    return [ROOT / "conf" / "bashgym_base.yaml", *presets, *sorted((ROOT / "recipes").glob("*.yaml"))]


def pages() -> dict[Path, str]:
    """Everything that is written here, with what it must hold."""
    found = {}
    for path in described_files():
        found[path] = schema.with_line(path.read_text(), schema.named_by(path, ROOT / "conf", ROOT / "recipes"))
    for path, content in schema.files().items():
        found[ROOT / "conf" / path] = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    reference = ROOT / "docs" / "reference"
    return {**found, reference / "cli.md": cli_page(), reference / "config.md": config_page()}


def main() -> int:
    check = "--check" in sys.argv[1:]
    os.chdir(ROOT)  # where the project's own files are the shipped ones, so that nothing else is described
    stale = []
    for path, page in pages().items():
        if not path.exists() or path.read_text() != page:
            stale.append(str(path.relative_to(ROOT)))
            if not check:
                path.write_text(page)
    if stale:
        print(f"{', '.join(stale)}: {'out of date; run make docs' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
