"""Which events the hooks are registered for. The list is hooks/*.json, the plugin's own files; nothing else has one.

A client refuses what it does not know, and not politely: until 2.1.100 one unknown event in `settings.json` makes it
ignore the whole file, permissions included, and in a plugin the whole file of hooks (measured with clients from 1.0.128
to 2.1.329). So `hooks.json` has what every client since 1.0.85 knows, and `since-<version>.json` what came by then."""

import json
import re
from pathlib import Path

from bashgym import paths

SINCE = re.compile(r"since-(\d+(?:\.\d+)*)\.json")


def registered(version: str | None) -> dict[str, float]:
    """{event: seconds it may take} for a client of `version` (`2.1.329`), in the order of the files.

    Without a version only what every client knows."""
    found: dict[str, float] = {}
    for path in layers():
        since = SINCE.fullmatch(path.name)
        if since is None or (version and ordered(version) >= ordered(since[1])):
            hooks = json.loads(path.read_bytes())["hooks"]
            found |= {event: groups[0]["hooks"][0]["timeout"] for event, groups in hooks.items()}
    return found


def layers() -> list[Path]:
    """The files, the one that every client understands first."""
    return sorted(paths.shipped("hooks").glob("*.json"), key=since_of)


def since_of(path: Path) -> tuple[int, ...]:
    since = SINCE.fullmatch(path.name)
    return ordered(since[1]) if since else ()


def ordered(version: str) -> tuple[int, ...]:
    """A version as numbers, to compare; what follows the numbers does not count."""
    return tuple(int(number) for number in re.findall(r"\d+", version.partition("-")[0]))
