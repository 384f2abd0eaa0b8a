"""Tasks that were read as tasks (source=[tasks]), each as a prompt with its verifier, for training on rewards."""

from collections.abc import Iterable, Sequence

from bashgym.config import Config as BaseConfig
from bashgym.examples import name_of
from bashgym.records import Drop, Example, Verdict
from bashgym.tasks import BadTask, as_verifier, parse
from bashgym.trace import Trace

NAME = "task_rows"


class Synthesizer:
    class Config(BaseConfig):
        pass

    def __init__(self, config: Config) -> None:
        self.config = config

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """One example a task; a record that the sanitizers left no longer a task is dropped and counted."""
        record = trace.info.foreign.get("task")
        if record is None:
            return
        try:
            task = parse(record)
        except BadTask:
            yield Drop(reason=f"{NAME}: the sanitized record is no task any more")
            return
        name = name_of(trace)
        yield Example(
            id=f"{name}:{NAME}",
            session=name,
            window=0,
            messages=[{"role": "user", "content": task.prompt}],
            tools=[],
            steps=[1],
            origin=NAME,
            given=1,
            verifier=as_verifier(task),
        )
