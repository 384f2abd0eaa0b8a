"""Sessions with planted retries, feedback and credit among decoys, made by a seed; which steps hold what is known.

Every session is real in form: tool calls with results as Claude Code keeps them. Words and code are our own."""

import random
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from bashgym.trace import Step, Trace
from tests.judge.traces import bash, call, edit, human, read, refused, says, trace, write

NAMES = ["ledger", "parser", "mailer", "cache", "router", "billing", "search", "export", "session", "report"]
VERBS = ["load", "merge", "total", "render", "split", "count", "clean", "rank"]


class Planted(NamedTuple):
    """A session and what is to be found in it: pairs or single steps by their ids."""

    trace: Trace
    expected: set[tuple[int, ...]]


class Story:
    """Steps in order; `mark` says that the last ones are something to be found."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.steps: list[Step] = [human(f"Please look after the {self.name()} module and make it sound.")]
        self.expected: set[tuple[int, ...]] = set()
        self.numbers = count(1)

    def name(self) -> str:
        return self.draw.choice(NAMES)

    def module(self) -> str:
        """A name that no other part of the session uses: two failures of one module would be one story."""
        return f"{self.name()}_{next(self.numbers)}"

    def verb(self) -> str:
        return self.draw.choice(VERBS)

    def add(self, *steps: Step) -> int:
        """The id of the last of them."""
        self.steps += steps
        return len(self.steps)

    def noise(self) -> None:
        name = self.name()
        made = [
            lambda: says(f"Next I look at the {name}."),
            lambda: read(f"/app/{name}.py", f"def {self.verb()}(rows):\n    return rows\n"),
            lambda: bash(f"ls /app/{name}", "a.py\nb.py"),
            lambda: bash(f"grep -rn {self.verb()} /app/{name}", "", code=1),
        ]
        for _ in range(self.draw.randint(0, 2)):
            self.add(self.draw.choice(made)())

    def done(self) -> Planted:
        self.add(says("That is all of it."))
        return Planted(trace(*self.steps), self.expected)


def told(names: list[str], parts: list[Callable[[Story], None]], number: int, seed: int) -> list[Planted]:
    """`number` sessions, each of some of the parts in a drawn order, with noise between."""
    found = []
    for one in range(number):
        story = Story(seed * 1000 + one)
        for part in story.draw.sample(parts, k=min(len(parts), 5)):
            story.noise()
            part(story)
            story.add(says("So far so good."), human(story.draw.choice(names)))
        found.append(story.done())
    return found


# -- retries: failed call, then the one that worked ------------------------------------------------------------------


def wrong_place(story: Story) -> None:
    name, verb = story.name(), story.verb()
    path, new = f"/app/{name}.py", f"def {verb}(rows, limit):\n    return sorted(rows)[:limit]"
    first = story.add(
        edit(path, f"def {verb}(row):\n    return rows", new, error=True, raw="Error: String to replace not found")
    )
    story.noise()
    story.expected.add((first, story.add(edit(path, f"def {verb}(rows):\n    return rows", new))))


def wrong_path(story: Story) -> None:
    name = story.name()
    first = story.add(call("Read", {"file_path": f"/app/{name}_core.py"}, "File does not exist.", error=True))
    story.add(bash(f"find /app -name '{name}*'", f"/app/lib/{name}_core.py"))
    story.expected.add((first, story.add(read(f"/app/lib/{name}_core.py", "x = 1\n"))))


def misspelt(story: Story) -> None:
    name = story.name()
    first = story.add(
        bash(f"git chekout -b fix-{name}", "git: 'chekout' is not a git command. unknown command", code=1)
    )
    story.expected.add((first, story.add(bash(f"git checkout -b fix-{name}", "Switched to a new branch"))))


def wrong_flag(story: Story) -> None:
    name = story.name()
    first = story.add(bash(f"tar --unpak -f /tmp/{name}.tar", "tar: unrecognized option '--unpak'", code=64))
    story.add(says("The option is spelt differently."))
    story.expected.add((first, story.add(bash(f"tar --extract -f /tmp/{name}.tar", ""))))


def other_program(story: Story) -> None:
    name, verb = story.name(), story.verb()
    first = story.add(bash(f"python /app/tools/{name}.py --mode {verb}", "bash: python: command not found", code=127))
    story.expected.add((first, story.add(bash(f"python3 /app/tools/{name}.py --mode {verb}", "done"))))


def missing_argument(story: Story) -> None:
    name = story.name()
    first = story.add(
        call(
            "mcp__desk__ticket", {"title": f"Tidy the {name}"}, "InputValidationError: project is required", error=True
        )
    )
    arguments = {"title": f"Tidy the {name}", "project": "core"}
    story.expected.add((first, story.add(call("mcp__desk__ticket", arguments, "made"))))


def failed_twice(story: Story) -> None:
    name = story.name()
    one = story.add(
        bash(f"cat /app/{name}/config.yml", f"cat: /app/{name}/config.yml: No such file or directory", code=1)
    )
    two = story.add(bash(f"cat /app/{name}/conf.yml", f"cat: /app/{name}/conf.yml: No such file or directory", code=1))
    good = story.add(bash(f"cat /app/{name}/config.yaml", "limit: 3"))
    story.expected |= {(one, good), (two, good)}


def decoy_test(story: Story) -> None:
    """A failing test is an answer; what made it pass is an edit."""
    name = story.name()
    story.add(bash(f"pytest tests/test_{name}.py", "1 failed in 0.1s", code=1))
    story.add(edit(f"/app/{name}.py", "return 1", "return 2"))
    story.add(bash(f"pytest -q tests/test_{name}.py", "1 passed in 0.1s"))


def decoy_fixed_world(story: Story) -> None:
    """The same script, with another flag, after the file it could not find was made."""
    name = story.name()
    story.add(bash(f"python3 /app/run_{name}.py --fast", f"FileNotFoundError: No such file: {name}.json", code=1))
    story.add(write(f"/app/{name}.json", "{}"))
    story.add(bash(f"python3 /app/run_{name}.py --fast --verbose", "ok"))


def decoy_same_call(story: Story) -> None:
    name = story.name()
    story.add(bash(f"curl http://localhost/{name}", "curl: (7) Connection refused", code=7))
    story.add(bash(f"curl http://localhost/{name}", "ok"))


def decoy_network(story: Story) -> None:
    name = story.name()
    story.add(bash(f"curl --silent http://feeds.example/{name}", "curl: (28) Operation timed out: not found", code=28))
    story.add(bash(f"curl --silent --retry 2 http://feeds.example/{name}", "ok"))


def decoy_hidden(story: Story) -> None:
    name = story.name()
    story.add(bash(f"cat /srv/{name}/notes.txt", f"cat: /srv/{name}/notes.txt: No such file or directory", code=1))
    story.add(bash(f"cat /srv/{name}/notes.txt 2>/dev/null || true", ""))


def decoy_other_file(story: Story) -> None:
    story.add(call("Read", {"file_path": "/app/conn_case.py"}, "File does not exist.", error=True))
    story.add(read("/app/data_case.py", "y = 2\n"))


def decoy_sibling(story: Story) -> None:
    name = story.name()
    story.add(call("Read", {"file_path": f"/app/{name}_view.py"}, "Sibling tool call errored", error=True))
    story.add(read(f"/app/{name}_view.py", "z = 3\n", offset=1))


def decoy_not_read(story: Story) -> None:
    name = story.name()
    path = f"/app/{name}_form.py"
    story.add(edit(path, "a = 1", "a = 2", error=True, raw="Error: File has not been read yet."))
    story.steps[-1].observation.results[0].content = "File has not been read yet. Read it first before writing to it."
    story.add(read(path, "a = 1\nb = 1\n"))
    story.add(edit(path, "a = 1\nb = 1", "a = 2\nb = 1"))


def decoy_looking(story: Story) -> None:
    name = story.name()
    story.add(
        bash(f"git commit -m 'Tidy the {name} and its neighbours'", "error: pathspec 'the' did not match", code=1)
    )
    story.add(bash("git status", "clean"))


def decoy_denied(story: Story) -> None:
    name = story.name()
    story.add(refused(bash(f"rm -r /app/{name}/old", "")))
    story.add(bash(f"ls -r /app/{name}/old", "a"))


def decoy_never(story: Story) -> None:
    name = story.name()
    story.add(bash(f"cargo-{name} --list", f"bash: cargo-{name}: command not found", code=127))
    story.add(says("It is not there, so I leave it."))


# -- feedback: what the user said of an edit or an answer --------------------------------------------------------------


def spoken(story: Story, words: list[str]) -> int:
    return story.add(human(story.draw.choice(words).format(name=story.name(), verb=story.verb())))


CORRECTIONS = [
    "No, use a generator instead of a list here.",
    "That's wrong, the limit comes first.",
    "You forgot the empty case.",
    "This doesn't work, the total is still zero.",
    "Please don't use a global for this.",
    "I asked for {verb}, not that.",
    "It should be in {name}.py, not in the helpers.",
    "Revert that, the old way was right.",
    "still failing with the same error",
    "you broke the {name} with this",
    "Use pathlib rather than os.path.",
    "Put it back as it was, and only change the name.",
    "nope, it should return None",
    "That is not what I meant: only the {name} needs it.",
    "this shouldn't raise, just log it",
    "You were supposed to leave the {name} alone.",
    "I said no new dependencies.",
    "wait, that is the wrong file",
]
PRAISE = [
    "Perfect, thank you!",
    "Great, that works.",
    "looks good",
    "Thanks! Now the same for the {name}.",
    "That works now.",
    "Excellent work.",
    "Exactly what I wanted.",
    "yes, perfect",
    "Awesome, works great",
    "LGTM",
]
NEITHER = [
    "Now add a command that will {verb} the {name}.",
    "What does the {name} do?",
    "Could you use fewer lines instead?",
    "continue",
    "yes",
    "no, that's all for today",
    "no problem, go on with the {name}",
    "How do I run this?",
    "Let's write the notes for the {name}.",
    "The customer reports that {name} crashes at night. Please look into it.",
    "commit and push",
    "no need to hurry; go on with the {name}",
    "Is that wrong in the {name} too?",
    "ok do it",
    "Next: the {name} must {verb} faster.",
    "Why is the {name} not used here?",
    "2",
    "no worries. Please go on.",
    "<command-name>/compact</command-name>",
    "What happens if {verb} is not right?",
]


def corrected_edit(story: Story) -> None:
    """The second edit works within the text the first one left."""
    path = f"/app/{story.name()}.py"
    first = story.add(edit(path, "x = 0", f"x = {story.verb()}(rows)\nreturn [x]"))
    story.add(says("I changed it."))
    said = spoken(story, CORRECTIONS)
    story.add(edit(path, "return [x]", "return x"))
    story.expected.add((first, said, 1))


def corrected_write(story: Story) -> None:
    path = f"/app/{story.name()}_new.py"
    first = story.add(write(path, "a = 1\nb = 2\n"))
    said = spoken(story, CORRECTIONS)
    story.add(write(path, "a = 1\n"))
    story.expected.add((first, said, 1))


def corrected_elsewhere(story: Story) -> None:
    """Nothing tells what should have been there: a label, no pair."""
    first = story.add(edit(f"/app/{story.name()}.py", "x = 0", "x = 1"))
    said = spoken(story, CORRECTIONS)
    story.add(edit("/app/other_place.py", "q = 0", "q = 1"))
    story.expected.add((first, said, 0))


def refused_edit(story: Story) -> None:
    path = f"/app/{story.name()}.py"
    first = story.add(refused(edit(path, "x = 0", "x = None")))
    story.add(human("use zero there"))
    story.add(edit(path, "x = 0", "x = 0  # none yet"))
    story.expected.add((first, first, 1))


def praised(story: Story) -> None:
    first = story.add(edit(f"/app/{story.name()}.py", "x = 0", "x = 1"))
    story.add(says("Done."))
    story.expected.add((first, spoken(story, PRAISE), 2))


def decoy_goes_on(story: Story) -> None:
    story.add(edit(f"/app/{story.name()}.py", "x = 0", "x = 1"))
    story.add(says("Done."))
    spoken(story, NEITHER)


def decoy_report(story: Story) -> None:
    """A fault that is looked for is no fault of the answer before."""
    story.add(says("The module loads its rows at start."))
    story.add(human("The export doesn't work at night, and the log is broken too."))


def decoy_escape(story: Story) -> None:
    story.add(refused(bash("ls /srv", "")))


def decoy_refused_to_ask(story: Story) -> None:
    story.add(refused(edit("/app/ask.py", "x = 0", "x = 1")))
    story.add(human("what would that change?"))


FEEDBACK = [corrected_edit, corrected_write, corrected_elsewhere, refused_edit, praised]
FEEDBACK_DECOYS = [decoy_goes_on, decoy_goes_on, decoy_report, decoy_escape, decoy_refused_to_ask]


def with_feedback(count: int, seed: int = 2) -> list[Planted]:
    return told(["commit and push", "Now the notes.", "Next, the readme."], [*FEEDBACK, *FEEDBACK_DECOYS], count, seed)


# -- credit: which edits turned the tests ------------------------------------------------------------------------------


def suite(name: str, failed: int, passed: int, says: str = "") -> Step:
    """A run of pytest over one module's tests."""
    counts = [f"{failed} failed"] * bool(failed) + [f"{passed} passed"] * bool(passed)
    printed = f"{says}\n{'=' * 9} {', '.join(counts)} in 0.12s {'=' * 9}"
    return bash(f"python -m pytest tests/test_{name}.py", printed, code=1 if failed else 0)


def change(name: str, story: Story) -> Step:
    return edit(
        f"/app/{name}.py", f"{story.verb()} = 0", f"{story.verb()}_{story.draw.randint(1, 9)} = {len(story.steps)}"
    )


def one_edit(story: Story) -> None:
    name = story.module()
    story.add(suite(name, 1, 3))
    story.noise()
    first = story.add(change(name, story))
    story.add(suite(name, 0, 4))
    story.expected.add((first, 1))


def last_edit(story: Story) -> None:
    """The first edit did not help: the tests failed as before."""
    name = story.module()
    story.add(suite(name, 2, 3), change(name, story), suite(name, 2, 3))
    first = story.add(change(name, story))
    story.add(suite(name, 0, 5))
    story.expected.add((first, 1))


def in_two_steps(story: Story) -> None:
    name = story.module()
    story.add(suite(name, 4, 3))
    first = story.add(change(name, story))
    story.add(suite(name, 1, 6))
    second = story.add(change(name, story))
    story.add(suite(name, 0, 7))
    story.expected |= {(first, 1), (second, 1)}


def named(story: Story) -> None:
    """Of two edits the failing run names one's file; the notes are no code."""
    name, other = story.module(), story.module()
    story.add(suite(name, 1, 3, f'File "/app/{name}.py", line 3, in {story.verb()}'))
    story.add(change(other, story))
    first = story.add(change(name, story))
    story.add(edit("/app/README.md", "old", "new"), suite(name, 0, 4))
    story.expected.add((first, 1))


def written_over(story: Story) -> None:
    name = story.module()
    story.add(suite(name, 1, 3), edit(f"/app/{name}.py", "q = 0", "q = 5"))
    first = story.add(edit(f"/app/{name}.py", "q = 5", "q = 7"))
    story.add(suite(name, 0, 4))
    story.expected.add((first, 1))


def made_worse(story: Story) -> None:
    name = story.module()
    story.add(suite(name, 0, 4))
    first = story.add(change(name, story))
    story.add(suite(name, 2, 2))
    second = story.add(change(name, story))
    story.add(suite(name, 0, 4))
    story.expected |= {(first, 0), (second, 1)}


def decoy_test_edited(story: Story) -> None:
    name = story.module()
    story.add(suite(name, 1, 3), edit(f"/app/tests/test_{name}.py", "== 1", "== 2"), suite(name, 0, 4))


def decoy_flaky(story: Story) -> None:
    name = story.module()
    story.add(suite(name, 1, 3), suite(name, 0, 4))


def decoy_installed(story: Story) -> None:
    name = story.module()
    story.add(suite(name, 1, 3), change(name, story), bash("pip install tabulate", "ok"), suite(name, 0, 4))


def decoy_other_tests(story: Story) -> None:
    name, other = story.module(), story.module()
    story.add(suite(f"{name}_a", 1, 3), change(name, story), suite(f"{other}_b", 0, 4))


def decoy_after_green(story: Story) -> None:
    name = story.module()
    story.add(suite(f"{name}_g", 0, 3), change(name, story), suite(f"{name}_g", 0, 3))


def decoy_notes(story: Story) -> None:
    name = story.module()
    story.add(suite(f"{name}_n", 1, 3), edit("/app/CHANGES.md", "a", "b"), suite(f"{name}_n", 0, 4))


def decoy_stashed(story: Story) -> None:
    name = story.module()
    story.add(suite(f"{name}_s", 1, 3), change(name, story), bash("git stash", "Saved"), suite(f"{name}_s", 0, 4))
    story.add(bash("git stash pop", "Dropped"))


def decoy_taken_back(story: Story) -> None:
    name = story.module()
    story.add(suite(f"{name}_t", 1, 3), change(name, story), bash(f"git checkout -- /app/{name}.py"))
    story.add(suite(f"{name}_t", 0, 4))


CREDIT = [one_edit, last_edit, in_two_steps, named, written_over, made_worse]
CREDIT_DECOYS = [decoy_test_edited, decoy_flaky, decoy_installed, decoy_other_tests, decoy_after_green, decoy_notes,
                 decoy_stashed, decoy_taken_back]  # fmt: skip


def with_credit(count: int, seed: int = 3) -> list[Planted]:
    return told(GOES_ON, [*CREDIT, *CREDIT_DECOYS], count, seed)


RETRIES = [wrong_place, wrong_path, misspelt, wrong_flag, other_program, missing_argument, failed_twice]
RETRY_DECOYS = [decoy_test, decoy_fixed_world, decoy_same_call, decoy_network, decoy_hidden, decoy_other_file,
                decoy_sibling, decoy_not_read, decoy_looking, decoy_denied, decoy_never]  # fmt: skip
GOES_ON = ["And now the next module, please.", "Good. Then the rest.", "Go on.", "yes", "Now write the notes."]


def with_retries(count: int, seed: int = 1) -> list[Planted]:
    return told(GOES_ON, [*RETRIES, *RETRY_DECOYS], count, seed)


def score(found: list[set[tuple[int, ...]]], planted: list[Planted]) -> tuple[float, float, int]:
    """Precision, recall, and how many there were to find."""
    hits = sum(len(one & session.expected) for one, session in zip(found, planted, strict=True))
    said, there = sum(map(len, found)), sum(len(session.expected) for session in planted)
    return hits / max(said, 1), hits / max(there, 1), there
