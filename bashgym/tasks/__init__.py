"""Tasks whose answers can be verified: the record, how an answer is applied, how its tests are run in a box.

Standard library only, and of ours only `sandbox`: like that room, this one is copied into a run's folder, where rewards
use it inside the training environment.

    tasks = read(Path("tasks.jsonl"))
    outcome = verify(tasks[0], "```python\\ndef double(x):\\n    return 2 * x\\n```", sandbox.choose())
    outcome.passed, outcome.reason

A synthesizer makes a `Task` (see record.py for every field), and puts `as_verifier(task)` into `Example.verifier`; the
format `grpo` writes it into each row, and `of_row(row)` is the task again, in a reward or a benchmark."""

from bashgym.tasks.record import FORMS, BadTask, Task, as_verifier, of_row, parse, read, to_dict, write

__all__ = ["FORMS", "BadTask", "Task", "as_verifier", "of_row", "parse", "read", "to_dict", "write"]
