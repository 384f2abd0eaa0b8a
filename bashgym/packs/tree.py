"""What of a pack is kept, and what is too much or too strange to be kept."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from bashgym import yamls
from bashgym.errors import InputError

PARTS = ("recipes/", "conf/", "plugins/")
TEXTS = re.compile(r"(?i)pack\.yaml|readme(\.\w+)?|licen[cs]e(\.\w+)?")
FILE_BYTES = 1_000_000
YAML_BYTES = 200_000
PACK_BYTES = 20_000_000
FILES = 2_000
DEPTH = 12  # folders in each other, and tables of a YAML file in each other


def wanted(path: str) -> bool:
    """Whether a file of the repository belongs to the pack."""
    inside = path.startswith(PARTS) and "__pycache__" not in path and not path.endswith(".pyc")
    return inside or bool(TEXTS.fullmatch(path))


def check_paths(sizes: Mapping[str, int], where: str) -> None:
    """Raises InputError for paths that lead out, cannot be told apart, or are too many or too large."""
    seen: dict[str, str] = {}
    for path, size in sizes.items():
        parts = path.split("/")
        strange = not path.isprintable() or "\\" in path or ":" in path or len(parts) > DEPTH or len(path) > 200
        if strange or any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts):
            raise InputError(f"{where}: its file {path!r} has a path that leads elsewhere; nothing of it was kept")
        folded = unicodedata.normalize("NFKC", path).casefold()
        if folded in seen:
            raise InputError(f"{where}: {seen[folded]!r} and {path!r} are one file on some systems; rename one there")
        seen[folded] = path
        most = YAML_BYTES if path.endswith(".yaml") else FILE_BYTES
        if size > most:
            raise InputError(f"{where}: {path} has {size:,} bytes, more than the {most:,} a pack's file may have")
    if len(sizes) > FILES or sum(sizes.values()) > PACK_BYTES:
        there = f"{len(sizes):,} files, {sum(sizes.values()):,} bytes"
        raise InputError(f"{where}: {there}; a pack may have {FILES:,} files, {PACK_BYTES:,} bytes")
    if not any(path.startswith(PARTS) for path in sizes):
        raise InputError(
            f"{where}: no pack: it has none of recipes/, conf/, plugins/; `bashgym packs new` makes one, "
            "and one in git's own store is written git+file://FOLDER"
        )


def check_files(files: Mapping[str, bytes], where: str) -> None:
    """Raises InputError for YAML that is not plain data: anchors, tags, endless nesting; and for names without use."""
    check_paths({path: len(content) for path, content in files.items()}, where)
    for path, content in files.items():
        if path.endswith((".yaml", ".yml")):
            check_yaml(content, f"{where}: {path}")


def check_yaml(content: bytes, where: str) -> None:
    """Read as a stream of events, so that nothing of it is built before it is known to be harmless."""
    depth = 0
    try:
        for event in yaml.parse(content, Loader=yamls.LOADER):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise InputError(f"{where}: anchors and aliases (&x, *x) are not allowed in packs; write it out")
            if tag := getattr(event, "tag", None):
                raise InputError(f"{where}: tags ({tag}) are not allowed in packs; write plain values")
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEPTH:
                raise InputError(f"{where}: more than {DEPTH} tables in each other; write it flatter")
        value = yamls.load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"{where}: not valid YAML ({' '.join(str(error).split())[:200]}); correct it") from None
    if value is not None and not isinstance(value, dict):
        raise InputError(f"{where}: a table (key: value) is needed; correct it")
    check_defaults((value or {}).get("defaults", []), where)


def check_defaults(listed: Any, where: str) -> None:
    """A defaults list names recipes and choices, and no files elsewhere."""
    for word in words(listed):
        if ".." in word or word.startswith(("/", "~")) or "://" in word or "hydra" in word or "$" in word:
            raise InputError(f"{where}: defaults: '{word}' leads out of the pack; name a recipe or a choice")


def words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield str(key)
            yield from words(one)
    elif isinstance(value, list):
        for one in value:
            yield from words(one)
    elif value is not None:
        yield str(value)


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}


def digest(found: Mapping[str, str]) -> str:
    """One hash of a pack: of its paths and the hashes of its files."""
    return hashlib.sha256("".join(f"{path}\0{sha}\n" for path, sha in sorted(found.items())).encode()).hexdigest()


def read(folder: Path, paths: Iterable[str]) -> dict[str, bytes]:
    return {path: (folder / path).read_bytes() for path in paths}
