"""Calls of MCP servers: what `bashgym capture mcp` kept, or any log of JSON-RPC messages."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, paths
from bashgym.errors import InputError
from bashgym.reading import excluded, files, lines
from bashgym.records import SessionRef
from bashgym.trace import Trace
from bashgym.traffic import mcp


class Source:
    """Reads files of one JSON-RPC message a line (bashgym/traffic/mcp.py says which shapes); each file is a session,
    each connection in it a trace."""

    class Config(config.Config):
        path: str = ""
        """A folder of logs (*.jsonl), or one of them; empty: where `bashgym capture mcp` writes."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def folder(self) -> Path:
        return paths.resolve(self.config.path) if self.config.path else paths.spool() / "mcp"

    def list(self) -> Iterable[SessionRef]:
        """Every log, unread. Raises InputError when the folder is not there or a file cannot be read."""
        folder = self.folder()
        if not folder.exists():
            way_out = "name logs with source.mcp.path=FOLDER, or start a server with: bashgym capture mcp -- COMMAND"
            raise InputError(f"source.mcp.path: {folder} is not there; {way_out}")
        self.left_out.clear()
        refs = (files.reference("mcp", named(path, folder), path) for path in files.found(folder, "*.jsonl"))
        return excluded.kept(refs, self.left_out)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """A trace for each connection. Raises InputError when the file is gone."""
        yield from mcp.read(ref.id, lines.read(Path(ref.path), lift=True))


def named(path: Path, folder: Path) -> str:
    """What a log is called: its path below the folder, without the ending."""
    within = path.relative_to(folder) if path != folder else Path(path.name)
    return within.with_suffix("").as_posix()
