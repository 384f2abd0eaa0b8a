"""Captured requests to models: Anthropic's and OpenAI's APIs, claude-trace's logs, HAR files."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, jsonl, paths
from bashgym.errors import InputError
from bashgym.reading import cwd, excluded, files
from bashgym.records import SessionRef
from bashgym.trace import Trace
from bashgym.traffic import api

# where a client says in a prompt in which folder it works, as the JSON of a line has it
FOLDER = re.compile(rb'(?:[Ww]orking directory: |<cwd>)(/(?:[^\\"<]|\\u[0-9a-fA-F]{4})+)')


class Source:
    """Reads *.jsonl and *.har (bashgym/traffic/exchanges.py says what is in them); each file is a session, each
    conversation in it a trace. Credentials are dropped on read, before anything else sees them."""

    class Config(config.Config):
        path: str = ".claude-trace"
        """A folder of logs, or one of them; by default where claude-trace writes, in the folder you stand in."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def list(self) -> Iterable[SessionRef]:
        """Every log, unread. Raises InputError when the folder is not there or a file cannot be read."""
        folder = paths.resolve(self.config.path)
        if not folder.exists():
            raise InputError(
                f"source.api_traffic.path: {folder} is not there; name logs with source.api_traffic.path=FOLDER"
            )
        found = sorted(path for pattern in ("*.jsonl", "*.har") for path in files.found(folder, pattern))
        self.left_out.clear()
        refs = (files.reference("api_traffic", named(path, folder), path) for path in dict.fromkeys(found))
        return excluded.kept(refs, self.left_out, worked_in)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """A trace for each conversation. Raises InputError when the file is gone."""
        yield from api.read(ref.id, Path(ref.path))


def named(path: Path, folder: Path) -> str:
    """What a log is called: its path below the folder, without the ending."""
    within = path.relative_to(folder) if path != folder else Path(path.name)
    return within.with_suffix("").as_posix()


def worked_in(ref: SessionRef) -> Iterator[str]:
    """The folders that a log's prompts name."""
    with files.opened(Path(ref.path)) as file:
        for piece in jsonl.pieces(file, lambda _: None):
            for match in FOLDER.finditer(piece.raw):
                folder = cwd.value(b'"' + match.group(1).strip() + b'"')
                if folder:
                    yield folder
