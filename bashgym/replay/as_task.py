"""A session that turned tests, made into a task whose answers those tests verify.

What goes into the task is sanitized first, and everything is tried with that: a test that fails before and passes after
twice, and nothing that only held with what was taken out. All of it may leave this machine, save a task whose tests
need this machine's environment, or whose repository is too large for a record."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from bashgym import sandbox
from bashgym.replay.edits import TEST_FILE, Change, put
from bashgym.replay.edits import replay as replayed
from bashgym.replay.experiment import MB, text_of, workshop
from bashgym.replay.repository import commit_of, root_of, write
from bashgym.replay.suite import ALONE, SELECTIVE, Suite, suite
from bashgym.replay.surroundings import Surroundings, surroundings
from bashgym.replay.unfit import Unfit
from bashgym.sandbox import Box
from bashgym.tasks import BadTask, Task, snapshots
from bashgym.tasks.verify import Outcome, family_of, tested, unpacked, verify
from bashgym.trace import Trace

KB = 1 << 10
NAMED = 20  # tests that a prompt names
# files of keys and of logins, whatever is in them
KEYS = re.compile(
    r"(?:^|/)(?:id_(?:rsa|dsa|ecdsa|ed25519)[^/]*|[^/]*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg|age|der|crt|cer)"
    r"|\.(?:netrc|npmrc|pypirc|git-credentials|htpasswd|pgpass)|[^/]*(?:credentials|secrets?)[^/]*\.(?:json|ya?ml|toml|ini|txt))$",
    re.IGNORECASE,
)
LANGUAGES = {
    ".py": "python", ".js": "javascript", ".ts": "typescript", ".go": "go", ".rs": "rust", ".java": "java",
    ".rb": "ruby", ".c": "c", ".cpp": "cpp", ".sh": "bash", ".md": "markdown", ".json": "json", ".yaml": "yaml",
}  # fmt: skip
Clean = Callable[[Any], Any]


class Material(NamedTuple):
    """Sanitized: files of the commit, what the session wrote, its request; paths relative to the tests' folder."""

    files: dict[str, str]
    after: dict[str, str]
    words: str

    @property
    def tests(self) -> dict[str, str]:
        return {path: text for path, text in self.after.items() if TEST_FILE.search(path)}

    @property
    def answer(self) -> dict[str, str]:
        return {path: text for path, text in self.after.items() if path not in self.tests}


class Turned(NamedTuple):
    """Tests by id that passed in both runs with the good answer; of those, the ones that passed in none without."""

    passed: tuple[str, ...]
    won: tuple[str, ...]


def task_of(raw: Trace, words: str, settings: Mapping[str, Any], clean: Clean) -> tuple[Task, Turned]:
    """The task of a session. `words` is its request, sanitized; `clean` gives plain data back without what must not
    stay. Raises Unfit with the reason, NoBox, and what `clean` raises."""
    ends = time.monotonic() + settings["max_seconds"]
    root = root_of(raw)
    wanted = suite(raw, root)
    commit = commit_of(raw, root)
    box = sandbox.choose(settings["box"])
    material = cleaned(*read(raw, root, commit, wanted, settings), words, clean)
    if not material.answer:
        raise Unfit("only tests were changed")
    origin = {"session": raw.session_id, "commit": commit}
    names = [path for path in material.files if TEST_FILE.search(path)]
    why = "its tests cannot be run"
    for test, readable, environment in ways(root, wanted, settings):
        made = Task(
            id="session",
            prompt=".",
            files=material.files,
            test=test,
            tests=material.tests,
            protected=tuple(sorted(set(names) - set(material.tests))),
            readable=readable,
            environment=environment,
            limits={key: settings[key] for key in ("seconds", "memory_mb", "processes")},
            origin=clean(origin),
            **shaped(material),
        )
        try:
            turned = turning(made, box, ends)
        except Unfit as error:
            why = str(error)
            continue
        return finished(made, material, turned, settings), turned
    raise Unfit(why)


def read(
    raw: Trace, root: Path, commit: str, wanted: Suite, settings: Mapping[str, Any]
) -> tuple[dict[str, str], Change, str]:
    """The text files that are tracked at the commit, as the session found them; its change; the folder of its tests."""
    with workshop() as shop:
        pristine = shop / "pristine"
        pristine.mkdir()
        write(root, commit, pristine, settings["max_repository_mb"] * MB, settings["environments"])
        change = replayed(raw, root, lambda path: text_of(pristine / path, pristine))
        put(pristine, change.base)
        return snapshots.texts(pristine), change, wanted.folder


def cleaned(files: dict[str, str], change: Change, folder: str, words: str, clean: Clean) -> Material:
    """What of a repository may be in a task, without what must not stay; no key, and nothing outside the folder."""
    files, after = (within(texts, folder) for texts in (files, change.after))
    value = clean({"files": files, "after": after, "words": words})
    return Material(value["files"], value["after"], value["words"])


def within(texts: Mapping[str, str], folder: str) -> dict[str, str]:
    top = "" if folder == "." else f"{folder}/"
    return {path[len(top) :]: text for path, text in texts.items() if path.startswith(top) and not KEYS.search(path)}


def ways(
    root: Path, wanted: Suite, settings: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]]:
    """How the tests can be run: the command, the folders it needs, its environment. What any machine can do, first."""
    words = tuple(str(word).replace(f"{root}/", "") for word in wanted.words)
    module = next((name for name in ("pytest", "unittest") if name in words[:3] or words[0] == name), "")
    if module:
        rest = kept(words[words.index(module) + 1 :])
        yield ("python3", "-m", module, *rest), (), {"PYTHONHASHSEED": "0"}
    try:
        around = surroundings(root, settings["environments"])
    except Unfit as error:
        if module:
            return
        raise Unfit(str(error)) from None
    readable, environment = tuple(map(home, map(str, around.readable))), told(around)
    if module:
        yield (home(str(around.python or "python3")), "-m", module, *rest), readable, environment
    else:
        yield words, readable, environment


def told(around: Surroundings) -> dict[str, str]:
    return {name: ":".join(map(home, value.split(":"))) for name, value in around.environment.items()}


def home(path: str) -> str:
    """A path of this machine without the name of its user."""
    mine = str(Path.home())
    return "~" + path[len(mine) :] if path == mine or path.startswith(mine + "/") else path


def kept(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a test command without those that would end a run early."""
    pairs = zip(("", *words), words, strict=False)
    return tuple(word for before, word in pairs if not SELECTIVE.fullmatch(word) and not ALONE.fullmatch(before))


def shaped(material: Material) -> dict[str, Any]:
    """Form, target and good answer: the whole of one file, or blocks with their paths."""
    answer = material.answer
    if len(answer) == 1:
        ((path, text),) = answer.items()
        return {"form": "file", "target": path, "good": block(path, text)}
    return {"form": "files", "good": "".join(block(path, text, f" path={path}") for path, text in answer.items())}


def block(path: str, text: str, more: str = "") -> str:
    """A block of code whose fence is longer than any in it."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"^`{3,}", text, re.MULTILINE)), 3)
    language = LANGUAGES.get(PurePosixPath(path).suffix, "text")
    return f"{fence}{language}{more}\n{text if text.endswith(chr(10)) or not text else text + chr(10)}{fence}\n"


def turning(task: Task, box: Box, ends: float) -> Turned:
    """Twice without the answer, twice with it. Raises Unfit where nothing turns, or not both times."""
    runs: list[tuple[Outcome, Outcome]] = []
    for _ in range(2):
        before = bare(task, box, ends)
        after = verify(task, task.good, box)
        if not after.tests_passed and not after.passed:
            raise Unfit(f"its tests do not pass once sanitized ({after.reason or 'none passed'})")
        runs.append((before, after))
        if not won(runs[:1]):
            raise Unfit("no test that failed before passes after")
    passed = set.intersection(*(good(after) for _, after in runs))
    turned = won(runs)
    if family_of(task) and not turned:
        raise Unfit("its tests are flaky: what turned did not turn again")
    if not family_of(task) and not all(after.passed and not before.passed for before, after in runs):
        raise Unfit("its tests are flaky: what turned did not turn again")
    return Turned(tuple(sorted(passed)), tuple(sorted(turned)))


def good(outcome: Outcome) -> set[str]:
    """The tests that passed; of a command without test ids, its passing as a whole."""
    return set(outcome.tests_passed) - set(outcome.tests_failed) or ({"*"} if outcome.passed else set())


def won(runs: Sequence[tuple[Outcome, Outcome]]) -> set[str]:
    return set.intersection(*(good(after) - good(before) for before, after in runs))


def bare(task: Task, box: Box, ends: float) -> Outcome:
    """The session's tests on the files as they were."""
    if time.monotonic() > ends:
        raise Unfit("max_seconds were over before its tests had run")
    with unpacked(task) as folder:
        return tested(task, folder, box, family_of(task))


def finished(task: Task, material: Material, turned: Turned, settings: Mapping[str, Any]) -> Task:
    """The record with its prompt, its id, and its snapshot beside it where that is large."""
    must = tuple(test for test in turned.passed if test != "*")
    held = frozen(task, settings["max_kb"] * KB)
    prompt = asked(material, [test for test in turned.won if test != "*"], task)
    name = hashlib.sha256(f"{task.origin}{prompt}{task.good}".encode()).hexdigest()[:16]
    try:
        return replace(held, id=f"session-{name}", prompt=prompt, must_pass=must)
    except BadTask as error:
        raise Unfit(str(error)) from None


def frozen(task: Task, most: int) -> Task:
    """Files that stay, and tests that were there before beside those the session wrote."""
    if sum(len(text) for text in task.files.values()) <= most:
        return task
    with unpacked(task) as folder:
        return replace(task, files={}, snapshot=snapshots.keep(folder))


def asked(material: Material, tests: Sequence[str], task: Task) -> str:
    """The request, the files that the answer changes as they are, and what an answer looks like."""
    parts = [material.words.strip()]
    if tests:
        parts.append(
            "These tests fail and have to pass: " + ", ".join(tests[:20]) + ("" if len(tests) <= 20 else " ...")
        )
    else:
        parts.append(f"This has to pass, and fails: {' '.join(task.test)}")
    for path in material.answer:
        before = material.files.get(path)
        parts.append(f"{path} does not exist yet." if before is None else f"{path}:\n{block(path, before)}".rstrip())
    if task.form == "file":
        parts.append(f"Answer with the whole new content of {task.target} in one block of code.")
    else:
        parts.append(
            "Answer with a block of code for each file, whole, its path behind the fence: ```python path=a/b.py"
        )
    return "\n\n".join(parts)
