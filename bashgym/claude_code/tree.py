"""The tree of a session: which step followed which, and which branch the session ended on.

Lines name their parent by uuid, and chains run through lines that are no messages. Rewinding makes branches;
compaction begins a new root whose logical parent is the old chain. Some parents were never written: such a line
is taken to follow the one before it in the file."""

from functools import cached_property

import msgspec

from bashgym.claude_code.lines import Entry


class Start(msgspec.Struct, eq=False):
    """Where a step begins: the resolved parent of its first line, or the step said before where that is unknown."""

    above: str | None = None
    before: int | None = None


class Tree:
    """Lines with uuids in file order; `add` each, then ask for branches."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.parents: dict[str, str | None] = {}  # of each line that has a uuid, as resolved
        self.steps: dict[str, int] = {}  # the steps that lines belong to; the others are events
        self.line_nos: dict[str, int] = {}  # of the lines that hold messages
        self.last: str | None = None  # the line before, in the file
        self.leaf: int | None = None  # the step of the last message
        self.starts: list[Start] = []  # of each step
        self.root: int | None = None  # the step that all others follow: the system prompt

    @cached_property
    def known(self) -> frozenset[str]:
        """Every uuid of the conversation, also those further down, where a few lines have their parents."""
        return frozenset(entry.uuid for entry in self.entries if entry.uuid)

    @cached_property
    def chained(self) -> bool:
        """False where no line of the file names a parent."""
        return any(entry.parent for entry in self.entries)

    def plant(self) -> None:
        """Step 0 is what every branch begins with, and no line of its own."""
        self.root = 0
        self.starts.append(Start())

    def note(self, entry: Entry) -> None:
        """A line that belongs to no step; chains run through it."""
        uuid = entry.uuid
        if uuid is not None and uuid not in self.parents:
            parent = entry.parent
            self.parents[uuid] = parent if parent in self.parents else self.parent(entry)
            self.last = uuid
            if entry.role != "event":  # the result of a call further down: the line may hold words, too
                self.line_nos[uuid] = entry.line_no

    def add(self, entry: Entry, step: int) -> None:
        """A line that is part of step number `step` (from 0). New steps come in their order.

        A line that makes several steps is added once for each: what follows it follows the last of them."""
        uuid, parents = entry.uuid, self.parents
        if uuid is None or uuid in parents:
            if step == len(self.starts):
                self.starts.append(Start(before=self.leaf))
            if uuid is not None and self.line_nos.get(uuid) == entry.line_no:
                self.steps[uuid] = step
        else:
            parent = entry.parent
            if parent is None or parent not in parents:
                parent = self.parent(entry)
            if step == len(self.starts):
                self.starts.append(Start(parent))
            parents[uuid] = parent
            self.steps[uuid] = step
            self.line_nos[uuid] = entry.line_no
            self.last = uuid
        self.leaf = step

    def parent(self, entry: Entry) -> str | None:
        """The parent as written, where it is in the file; else the line before, unless the user began anew."""
        for named in (entry.parent, entry.text("logicalParentUuid")):
            if named is not None and named != entry.uuid and (named in self.parents or named in self.known):
                return named
        anew = entry.role == "user" and self.chained and entry.parent is None and "parentUuid" in entry.value
        return None if anew and not is_result(entry) else self.last

    def step_parents(self) -> list[int | None]:
        """For each step the step it followed."""
        return [self.step_parent(step) for step in range(len(self.starts))]

    def step_parent(self, step: int) -> int | None:
        found = self.above(step)
        return self.root if found is None and step != self.root else found

    def above(self, step: int) -> int | None:
        start = self.starts[step]
        direct = self.steps.get(start.above or "")  # most lines name one of a step
        if direct is not None and direct != step:
            return direct
        uuid = self.skip(start.above)
        seen: set[str] = set()
        while uuid is not None and uuid not in seen:
            seen.add(uuid)
            if self.steps[uuid] != step:
                return self.steps[uuid]
            uuid = self.skip(self.parents[uuid])
        return start.before

    def skip(self, uuid: str | None) -> str | None:
        """From `uuid` up to the first line that belongs to a step, or None."""
        seen: set[str] = set()
        while uuid is not None and uuid in self.parents and uuid not in self.steps and uuid not in seen:
            seen.add(uuid)
            uuid = self.parents[uuid]
        return uuid if uuid in self.steps else None


def is_result(entry: Entry) -> bool:
    """Whether a user line answers a tool call."""
    content = entry.value["message"].get("content")
    return isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)
