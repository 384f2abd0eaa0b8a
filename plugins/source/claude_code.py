"""Claude Code's own session files, sub-agents included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bashgym import config, paths
from bashgym.errors import InputError

if TYPE_CHECKING:  # every recipe loads this file: what reads sessions is imported where it is called
    from bashgym.claude_code.retention import Deletion
    from bashgym.records import SessionRef
    from bashgym.trace import Trace


class Source:
    """Reads `projects/<folder>/<session>.jsonl`, or any folder of such files.

    The user's own history comes with what only the archive still has, and without what is excluded or forgotten."""

    agent = "Claude Code"

    class Config(config.Config):
        path: str = ""
        """A folder of session files (also `shipped:NAME`), or one session's file; empty: Claude Code's own projects
        folder, ~/.claude/projects or $CLAUDE_CONFIG_DIR/projects."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def folder(self) -> Path:
        """Where the sessions are."""
        return paths.resolve(self.config.path) if self.config.path else paths.claude_home() / "projects"

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread, but those that are excluded or forgotten.

        Raises InputError when the folder is not there or a file cannot be read."""
        from bashgym.claude_code import files
        from bashgym.reading import excluded

        folder, archive = self.folder(), files.archive()
        own = not self.config.path
        if not folder.exists() and not (own and (archive.exists() or files.spool().exists())):
            raise InputError(f"source.claude_code.path: {folder} is not there; {self.way_out()}")
        self.left_out = Counter()
        return excluded.kept(files.sessions(folder, archive if own else None), self.left_out, files.folders)

    def deletion(self) -> Deletion | None:
        """What Claude Code will soon delete of the user's own history; None where it is another folder."""
        from bashgym.claude_code import retention

        return None if self.config.path else retention.read()

    def way_out(self) -> str:
        if self.config.path:
            return "name a folder of Claude Code sessions with source.claude_code.path=FOLDER"
        return "run Claude Code once, set CLAUDE_CONFIG_DIR, or name a folder with source.claude_code.path=FOLDER"

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace, then one for each of its sub-agents. Raises InputError when a file is gone."""
        from bashgym.claude_code import session

        yield from session.read(ref)
