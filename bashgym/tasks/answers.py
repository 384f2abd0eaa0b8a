"""An answer as a model writes it, read as changes of files; and changes of files written as such an answer."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from bashgym.tasks import patches
from bashgym.tasks.patches import NoAnswer
from bashgym.tasks.record import Task, inside

FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)(?:^(?P=fence)[ \t]*$|\Z)", re.M | re.S)
NAMED = re.compile(r"(?:^|\s)(?:path=|file=)?(?P<path>[\w.-]*[/.][\w./-]*)\s*$")
LARGEST = 1 << 20  # characters of an answer


class Block(NamedTuple):
    """A block of code: what stands behind its fence, and its text."""

    info: str
    text: str


def blocks(completion: str) -> list[Block]:
    return [Block(one["info"].strip(), one["text"]) for one in FENCE.finditer(completion)]


def code(completion: str) -> str:
    """The last block of code, or all of it where there is none; raises NoAnswer for nothing."""
    found = blocks(completion)
    text = found[-1].text if found else completion
    if not text.strip():
        raise NoAnswer("the answer is empty")
    if len(text) > LARGEST:
        raise NoAnswer("the answer is longer than a million characters")
    return text if text.endswith("\n") else text + "\n"


def changes(task: Task, completion: str, files: Mapping[str, str]) -> dict[str, str | None]:
    """path -> new text (None: removed) of an answer of the form file, files or patch. Raises NoAnswer."""
    if task.form == "file":
        made: dict[str, str | None] = {task.target: code(completion)}
    elif task.form == "files":
        made = {named["path"]: one.text for one in blocks(completion) if (named := NAMED.search(one.info))}
        if not made:
            raise NoAnswer("no block of code with a path")
    elif task.form == "patch":
        made = patches.applied(code(completion), files)
    else:
        raise NoAnswer(f"the form {task.form} is run, not applied")
    for path in made:
        if not inside(path):
            raise NoAnswer(f"{path} is no path inside the snapshot")
    return made


def written(task: Task, after: Mapping[str, str], files: Mapping[str, str]) -> str:
    """An answer in the task's form that turns `files` into `after`. Raises NoAnswer where the form cannot say it."""
    if task.form == "file":
        if set(after) != {task.target}:
            raise NoAnswer(f"the form file can only write {task.target}")
        return f"```python\n{after[task.target]}```\n"
    if task.form == "files":
        return "".join(f"```python path={path}\n{text}```\n" for path, text in after.items())
    if task.form == "patch":
        return f"```diff\n{patches.made(files, after)}```\n"
    mark = "END_OF_FILE"
    return "```bash\n" + "".join(f"cat > {path} <<'{mark}'\n{text}{mark}\n" for path, text in after.items()) + "```\n"
