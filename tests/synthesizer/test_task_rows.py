"""Tasks that were read as tasks, as prompts with a verifier."""

from bashgym import registry
from bashgym.records import Drop, Example
from bashgym.tasks import of_row


def test_a_prompt_with_its_verifier():
    tasks = registry.load("source", "tasks")
    plugin = tasks(tasks.Config(path="shipped:examples/tasks"))
    ref = next(iter(plugin.list()))
    (trace,) = plugin.read(ref)
    cls = registry.load("synthesizer", "task_rows")
    (made,) = cls(cls.Config()).synthesize(trace, ())
    assert isinstance(made, Example) and made.given == 1 and made.origin == "task_rows"
    assert made.messages == [{"role": "user", "content": trace.steps[0].text}]
    assert of_row({"id": made.id, "verifier": made.verifier}).good == trace.steps[1].text
    trace.info.foreign["task"]["form"] = "poem"
    (dropped,) = cls(cls.Config()).synthesize(trace, ())
    assert isinstance(dropped, Drop)
    trace.info.foreign = {}
    assert list(cls(cls.Config()).synthesize(trace, ())) == []
