"""Tasks with tests: task records (JSONL), or folders and tables in the manner of terminal-bench and Harbor."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bashgym import config, paths
from bashgym.errors import InputError
from bashgym.reading import files, rows
from bashgym.reading.conversation import Conversation
from bashgym.records import SessionRef
from bashgym.tasks import BadTask, parse, to_dict
from bashgym.trace import Agent, Lineage, ProjectInfo, Trace

NAME = "tasks"


class Source:
    """Each task is a session of one request and its known good answer; the record itself goes along, through the same
    sanitizers, for the synthesizer `task_rows`. Reads bashgym's own records; `bashgym tasks import` makes them of
    terminal-bench's and Harbor's."""

    class Config(config.Config):
        path: str = ""
        """A .jsonl file of task records, or a folder of them; shipped:examples/tasks is a small set to try."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def list(self) -> Iterable[SessionRef]:
        """Every task, unread. Raises InputError when there are none."""
        if not self.config.path:
            raise InputError(f"source.{NAME}.path: no file is named; set source.{NAME}.path=tasks.jsonl")
        root = paths.resolve(self.config.path)
        found = files.found(root, "*.jsonl") if root.exists() else []
        if not found:
            raise InputError(f"source.{NAME}.path: no .jsonl file at {root}; name one of task records")
        return rows.references(NAME, found, name_of)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The task as a session; one that is none becomes a session without steps that says why."""
        found = rows.row(ref)
        try:
            task = parse(found.value)
        except BadTask as error:
            yield rows.broken(NAME, ref, found, found.error or str(error))
            return
        talk = Conversation()
        talk.say("user", task.prompt, ts=None, line_no=found.line_no)
        answer = talk.say("agent", task.good, ts=None, line_no=found.line_no)
        answer.info.message_id = f"{NAME}-{task.digest[:32]}"  # replies of one id would count as copies of each other
        agent, source = Agent(name=NAME), rows.info_of(NAME, ref, found)
        made = talk.trace(task.id, agent, source, ProjectInfo(), Lineage(), usage_reliable=False)
        made.info.foreign = {"task": to_dict(task)}
        yield made


def name_of(path: Path, found: rows.Row) -> str | None:
    held = found.value.get("id") if isinstance(found.value, dict) else None
    return held if isinstance(held, str) else None
