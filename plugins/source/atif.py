"""Trajectories in ATIF v1.x, our own exports included."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, paths
from bashgym.atif import reading
from bashgym.errors import InputError
from bashgym.reading import excluded, files, rows
from bashgym.reading.values import text
from bashgym.records import SessionRef
from bashgym.trace import Trace

MARK = re.compile(rb'"schema_version"\s*:\s*"ATIF-')


class Source:
    """Reads ATIF documents: one in a .json file, one an element of an array, or one a line of a .jsonl file."""

    class Config(config.Config):
        path: str = ""
        """A folder of ATIF documents, or one file; other JSON files of a folder are left alone."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def list(self) -> Iterable[SessionRef]:
        """Every document, unread, but those of sessions that are excluded or forgotten.

        Raises InputError when there is none, or one of a version that is not known."""
        if not self.config.path:
            raise InputError("source.atif.path: no folder is named; set source.atif.path=FOLDER")
        root = paths.resolve(self.config.path)
        if not root.exists():
            raise InputError(f"source.atif.path: {root} is not there; name a folder or file with source.atif.path=")
        found = [path for suffix in ("*.json", "*.jsonl") for path in files.found(root, suffix)]
        documents = [path for path in dict.fromkeys(found) if root.is_file() or is_atif(path)]
        if not documents:
            raise InputError(f"source.atif.path: {root} holds no ATIF document; name a folder that does")
        self.left_out = Counter()
        return excluded.kept(rows.references("atif", documents, name_of), self.left_out, worked_in)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The document's trace, then those of the trajectories it embeds."""
        found = rows.row(ref)
        if found.error or not isinstance(found.value, dict):
            yield rows.broken("atif", ref, found, found.error or "not an object")
            return
        if "schema_version" not in found.value:
            yield rows.broken("atif", ref, found, "no schema_version, so no ATIF")
            return
        try:
            yield from reading.traces(found.value, rows.info_of("atif", ref, found), ref.id)
        except ValueError as error:
            yield rows.broken("atif", ref, found, str(error))


def is_atif(path: Path) -> bool:
    """Whether a file says of itself that it is ATIF, of whatever version."""
    return MARK.search(files.content(path)) is not None


def name_of(path: Path, found: rows.Row) -> str | None:
    """The session's id. Raises InputError for a version that is not known."""
    if not isinstance(found.value, dict):
        return None
    if "schema_version" in found.value:
        reading.check(found.value, f"{path}:{found.line_no}" if found.line_no > 1 else str(path))
    name = found.value.get("session_id") or found.value.get("trajectory_id")
    return name if isinstance(name, str) else None


def worked_in(ref: SessionRef) -> list[str | None]:
    """The folder that a document of ours says its session worked in."""
    return [text(rows.row(ref).value, "extra", "bashgym", "project", "cwd")]
