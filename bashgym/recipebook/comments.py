"""The comment above each key of a YAML file, read from its lines: a YAML parser throws them away."""

import re
from pathlib import Path

KEY = re.compile(r"^(?P<indent> *)(?P<name>[A-Za-z_][\w.-]*):(?: |$)")


def comments(file: Path) -> dict[str, str]:
    """Dotted key -> the comment above it, its lines joined; keys without one are left out.

    Read as the house writes YAML: one key a line, two spaces deeper for what belongs to it."""
    found: dict[str, str] = {}
    open_keys: list[tuple[int, str]] = []
    above: list[str] = []
    for line in file.read_text(encoding="utf-8").split("\n"):
        text = line.strip()
        if text.startswith("#"):
            above = [*above, text.lstrip("# ")] if not about_the_file(text) else above
            continue
        match = KEY.match(line)
        if match:
            depth = len(match["indent"])
            open_keys = [(at, name) for at, name in open_keys if at < depth] + [(depth, match["name"])]
            if above:
                found.setdefault(".".join(name for _, name in open_keys), " ".join(above))
        above = []
    return found


def about_the_file(comment: str) -> bool:
    """Whether a comment speaks to Hydra or to an editor, not to the reader."""
    return comment.startswith(("# @package", "# yaml-language-server"))


def first_comment(file: Path) -> str:
    """The first line a preset or recipe says of itself."""
    for line in file.read_text(encoding="utf-8").split("\n"):
        if line.startswith("#") and not about_the_file(line):
            return line.lstrip("# ").removeprefix("the plugin: ").removesuffix(".")
    return ""
