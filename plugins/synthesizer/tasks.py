"""Tasks whose answers tests verify, from sessions that turned tests: for training on rewards; runs tests in a box."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import Field

from bashgym.config import Config as BaseConfig
from bashgym.examples import name_of
from bashgym.records import Drop, Example, Verdict
from bashgym.trace import Trace

NAME = "tasks"
LONGEST = 8000  # characters of a request


class Synthesizer:
    """Takes the text files that are tracked at the commit the session began at (never `.env`, keys, or what git does
    not know), the session's edits, and its own test command. All of it is sanitized, and then tried in a box: twice
    without the edits and twice with them. A task is made where at least one test fails before and passes after both
    times; tests that do not tell the same twice are in no task. Tests that need the repository's own environment are
    tried without it first; a task that does need it can be trained on only on this machine."""

    reads_raw = True

    class Config(BaseConfig):
        box: str = Field("", pattern="^(|bubblewrap|docker|landlock)$")
        """Which box runs the tests; empty: the first that works on this machine."""
        environments: tuple[str, ...] = (".venv", "venv", "env", "node_modules")
        """Folders at the top of a repository that its tests may need."""
        seconds: float = Field(60.0, gt=0)
        """For one run of the tests; four are made."""
        max_seconds: float = Field(240.0, gt=0)
        """For one session; no run is begun after that."""
        memory_mb: int = Field(1024, ge=64)
        """Memory of all processes of a test run together."""
        processes: int = Field(64, ge=8)
        """Processes and threads of a test run."""
        max_repository_mb: int = Field(20, ge=1)
        """A larger repository is left alone."""
        max_kb: int = Field(256, ge=1)
        """Files that are larger together are kept beside the task, on this machine, and not in its row."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.raw: Callable[[], Trace] | None = None
        self.clean: Callable[[Any], Any] | None = None

    def engine(self) -> str:
        """The box that would be used: with another one, sessions are worked on anew."""
        from bashgym import sandbox

        try:
            return sandbox.choose(self.config.box).name
        except sandbox.NoBox:
            return "no box"

    def synthesize(self, trace: Trace, verdicts: Sequence[Verdict]) -> Iterable[Example | Drop]:
        """At most one task: the request as the prompt, the session's own change as the known good answer; a session
        without one is a drop with the reason."""
        from bashgym.gate.outgoing import Held
        from bashgym.replay.as_task import task_of
        from bashgym.replay.unfit import Unfit
        from bashgym.sandbox import NoBox
        from bashgym.tasks import as_verifier

        asked = [step for step in trace.steps if step.info.kind == "human" and step.text.strip()]
        if self.raw is None or self.clean is None or not asked:
            yield Drop(reason="tasks: nothing was asked" if not asked else "tasks: the raw session is not at hand")
            return
        words = "\n\n".join(step.text for step in asked)[:LONGEST]
        try:
            task, turned = task_of(self.raw(), words, self.config.model_dump(), self.clean)
        except Held:
            yield Drop(reason="tasks: something private stays in its files once sanitized")
        except (Unfit, NoBox) as error:
            yield Drop(reason=f"tasks: {error}")
        else:
            name = name_of(trace)
            yield Example(
                id=f"{name}#{NAME}.0",
                session=name,
                window=0,
                messages=[{"role": "user", "content": task.prompt}, {"role": "assistant", "content": task.good}],
                tools=[],
                keys=["", ""],
                steps=[asked[0].step_id, 0],
                origin=NAME,
                given=1,
                verifier=as_verifier(task),
                meta={"fail_to_pass": len(turned.won), "must_pass": len(task.must_pass), "box": self.engine()},
            )
