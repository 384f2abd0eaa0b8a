"""What sources of an agent's own history share: where it lies, what is said when it is not there, what is left out."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from bashgym import paths
from bashgym.errors import InputError
from bashgym.reading import excluded
from bashgym.records import SessionRef

Folders = Callable[[SessionRef], Iterable[str | None]]


class Placed(Protocol):
    """Settings with a place; "" stands for the agent's own."""

    @property
    def path(self) -> str: ...


class OwnHistory:
    """Base of sources that read where their agent writes, unless another place is named."""

    name: ClassVar[str]  # of the source, as in `source.<name>.path`
    what: ClassVar[str]  # what a place of the user's holds: `Codex sessions`
    begin: ClassVar[str]  # how to come by a history: `run Codex once`

    def __init__(self, config: Placed) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def own_folders(self) -> Sequence[Path]:
        """Where the agent writes; the first is the one that has to be there."""
        raise NotImplementedError

    def folders(self) -> Sequence[Path]:
        """Where the sessions are."""
        return [paths.resolve(self.config.path)] if self.config.path else self.own_folders()

    def there(self) -> list[Path]:
        """Those of the folders that are there. Raises InputError when none is."""
        folders = self.folders()
        found = [folder for folder in folders if folder.exists()]
        if not found:
            raise InputError(f"source.{self.name}.path: {folders[0]} is not there; {self.way_out()}")
        return found

    def kept(self, refs: Iterable[SessionRef], folders: Folders | None = None) -> Iterable[SessionRef]:
        """Those of `refs` that are neither excluded nor forgotten; the others are counted anew in `left_out`."""
        self.left_out = Counter()
        return excluded.kept(refs, self.left_out, folders)

    def way_out(self) -> str:
        named = f"name a folder of {self.what} with source.{self.name}.path=FOLDER"
        return named if self.config.path else f"{self.begin}, or {named}"
