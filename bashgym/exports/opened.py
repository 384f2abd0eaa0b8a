"""What sources of exported chats share: their settings, the export as it lies there, and how to come by one."""

import re
from collections import Counter
from functools import cached_property
from typing import ClassVar

from bashgym import config, paths
from bashgym.errors import InputError
from bashgym.exports import files, records
from bashgym.records import SessionRef


class ExportConfig(config.Config):
    """Where the export is, and how large one may be."""

    path: str = ""
    """The export as it was downloaded (a zip), the folder it was unpacked to, or its conversations.json."""
    max_unpacked_mb: int = 8192
    """The most that a zip may unpack to, in mebibytes of the files that are read of it."""
    max_ratio: int = 200
    """How many times its packed size a file in a zip may have; chats pack to a tenth, zip bombs to a thousandth."""


class Export:
    """Base of sources that read a zip of chats which its user asked for."""

    name: ClassVar[str]  # of the source, as in `source.<name>.path`
    begin: ClassVar[str]  # how to come by an export: `ask ChatGPT for one (Settings, Data controls)`
    opening: ClassVar[re.Pattern[bytes]]  # how a chat begins, where the file is damaged and has to be cut there
    others: ClassVar[frozenset[str]] = frozenset()  # files that are read and hold no chats

    def __init__(self, config: ExportConfig) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    @cached_property
    def parts(self) -> list[files.Part]:
        """The files of the export, opened once a process. Raises InputError."""
        key = f"source.{self.name}.path"
        if not self.config.path:
            raise InputError(f"{key}: no export is named; {self.begin} and set {key}=ZIP")
        limits = files.Limits(self.config.max_unpacked_mb, self.config.max_ratio)
        return files.parts(paths.resolve(self.config.path), self.others, limits, key)

    @cached_property
    def chats(self) -> dict[str, records.Record]:
        """Every chat by its id, unparsed."""
        return records.records([part for part in self.parts if part.name not in self.others], self.opening)

    def gone(self, ref: SessionRef) -> InputError:
        """What is said of a chat that was listed and is not there now."""
        return InputError(f"{ref.path}: chat {ref.id} is no longer in it; list the export again")
