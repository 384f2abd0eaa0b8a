"""Calls of MCP servers: what `bashgym capture mcp` kept, or any log of JSON-RPC messages."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, paths
from bashgym.reading import files, lines
from bashgym.reading.own import OwnHistory
from bashgym.records import SessionRef
from bashgym.trace import Trace
from bashgym.traffic import mcp


class Source(OwnHistory):
    """Reads files of one JSON-RPC message a line (bashgym/traffic/mcp.py says which shapes); each file is a session,
    each connection in it a trace."""

    name = "mcp"
    what = "logs"
    begin = "start a server with: bashgym capture mcp -- COMMAND"

    class Config(config.Config):
        path: str = ""
        """A folder of logs (*.jsonl), or one of them; empty: where `bashgym capture mcp` writes."""

    def own_folders(self) -> list[Path]:
        return [paths.spool() / "mcp"]

    def list(self) -> Iterable[SessionRef]:
        """Every log, unread. Raises InputError when the folder is not there or a file cannot be read."""
        (folder,) = self.there()
        return self.kept(
            files.reference(self.name, named(path, folder), path) for path in files.found(folder, "*.jsonl")
        )

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """A trace for each connection. Raises InputError when the file is gone."""
        yield from mcp.read(ref.id, lines.read(Path(ref.path), lift=True))


def named(path: Path, folder: Path) -> str:
    """What a log is called: its path below the folder, without the ending."""
    within = path.relative_to(folder) if path != folder else Path(path.name)
    return within.with_suffix("").as_posix()
