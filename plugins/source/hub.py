"""Sessions of Hugging Face data sets, from the hub or from files on this disk."""

import hashlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from pydantic import Field

from bashgym import config, jsonl
from bashgym.errors import InputError
from bashgym.hub import dataset, overlap, sessions
from bashgym.hub.dataset import Opened, Wanted
from bashgym.reading.conversation import source_info
from bashgym.records import SessionRef
from bashgym.trace import SourceFile, SourceInfo, Trace

FOLLOWED = "an earlier request of a conversation that another row holds whole"


class Source:
    """Reads one session a row; which column holds what is said by `fields`.

    Formats and their fields: anthropic_messages, openai_messages and sharegpt (messages, system, tools, response),
    request_response (request, response), claude_code_lines (lines), atif (document); all: id, model, agent,
    timestamp. A column may hold JSON as text. A column whose name ends in ? may be absent."""

    class Config(config.Config):
        dataset: str = ""
        """A data set of the hub (OWNER/NAME), or a .parquet, .jsonl or .json file, or a folder of such files."""
        split: str = "train"
        """The split that is read."""
        revision: str = ""
        """The commit, tag or branch of the hub's repository; empty: its newest."""
        format: Literal[
            "anthropic_messages", "openai_messages", "sharegpt", "request_response", "claude_code_lines", "atif"
        ] = "openai_messages"
        """How a session is written in a row."""
        fields: dict[str, str] = Field(default={"messages": "messages"})
        """What -> the column that holds it."""
        merge_requests: bool = False
        """Whether rows are requests that repeat the conversation so far: only the longest of each is a session."""
        limit: int = Field(default=0, ge=0)
        """Only the first rows, which are fetched without the rest; 0: all."""
        license: str = ""
        """The data set's licence, noted in every trace; empty: what its card says, "missing" where it says nothing."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()
        self.held: Opened | None = None
        self.licence = config.license

    def list(self) -> Iterable[SessionRef]:
        """A reference for each row, or for each conversation where requests are merged.

        Raises InputError where the data set cannot be had, or a column is not there."""
        self.held = None  # what is on this disk may have changed
        opened, columns = self.opened(), self.columns()
        if self.licence == dataset.MISSING:
            told = f"source.hub: {opened.name} names no licence; know that you may use it, then set license="
            print(told, file=sys.stderr)
        self.left_out = Counter()
        numbers: Iterable[int] = range(len(opened.rows))
        if self.config.merge_requests:
            numbers = overlap.longest(self.histories(opened, columns))
            self.left_out[FOLLOWED] = len(opened.rows) - len(numbers)
        return self.references(opened, columns.get("id"), numbers)

    def references(self, opened: Opened, column: str | None, numbers: Iterable[int]) -> Iterator[SessionRef]:
        names = opened.rows.select_columns([column]).to_dict()[column] if column else None
        size = int(opened.rows.data.nbytes) // max(len(opened.rows), 1)
        taken: set[str] = set()
        for number in numbers:
            given = str(names[number]) if names is not None and names[number] not in (None, "") else ""
            name = given if given and given not in taken else f"{given or 'row'}:{number}"
            taken.add(name)
            digest = digest_of(opened, number)
            yield SessionRef(source="hub", id=name, path=opened.name, size=size, sha256=digest, row=number)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The row's trace, with those of its sub-agents where it holds some."""
        opened, number = self.opened(), ref.row or 0
        if number >= len(opened.rows) or digest_of(opened, number) != ref.sha256:
            raise InputError(f"source.hub.dataset {opened.name}: changed since it was listed; run again")
        row = opened.rows[number]
        source = self.source_of(ref, row)
        try:
            fields = sessions.values(row, self.columns(), opened.exact)
            yield from sessions.traces(fields, self.config.format, ref, source)
        except ValueError as error:
            yield sessions.broken(ref, source, str(error), jsonl.dumps(plain(row)).decode())

    def histories(self, opened: Opened, columns: dict[str, str]) -> Iterator[Sequence[Any] | None]:
        """The messages of each row; None where it has none that can be read."""
        column = columns.get("messages") or columns["request"]
        field = "messages" if "messages" in columns else "request"
        for row in opened.rows.select_columns([column]):
            try:
                found = sessions.values(row, {field: column}, opened.exact)[field]
            except ValueError:
                found = None
            held = found.get("messages") if isinstance(found, dict) else found
            yield held if isinstance(held, list) else None

    def source_of(self, ref: SessionRef, row: dict[str, Any]) -> SourceInfo:
        size = len(jsonl.dumps(plain(row)))
        made = source_info("hub", [SourceFile(path=ref.path, sha256=ref.sha256, bytes=size, lines=1)])
        made.dataset, made.license = ref.path, self.licence
        return made

    def wanted(self) -> Wanted:
        return Wanted("source.hub", self.config.dataset, self.config.split, self.config.revision, self.config.limit)

    def opened(self) -> Opened:
        """The data set, opened once, and its licence found out."""
        if self.held is None:
            self.held = dataset.opened(self.wanted())
            self.licence = self.config.license or dataset.licence(self.wanted(), self.held.rows)
        return self.held

    def columns(self) -> dict[str, str]:
        """Field -> column, checked to be there."""
        needed = sessions.NEEDED[self.config.format]
        return dataset.check(self.opened().columns, self.config.fields, needed, "source.hub")


def digest_of(opened: Opened, number: int) -> str:
    """What stands for a row's bytes, which are not read for it: the data set's state and the row's number."""
    return hashlib.sha256(f"{opened.fingerprint} {number}".encode()).hexdigest()


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON can have it: times as text, bytes as their number."""
    return {key: scalar(value) for key, value in row.items()}


def scalar(value: Any) -> Any:
    if isinstance(value, dict):
        return plain(value)
    if isinstance(value, list):
        return [scalar(one) for one in value]
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    return value if value is None or isinstance(value, str | int | float) else str(value)
