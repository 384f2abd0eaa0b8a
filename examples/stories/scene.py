"""What a story is told with."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from client.desk import Desk
from repos.shape import Function, Repo
from secrets_invented import Secrets

T = TypeVar("T")


@dataclass(frozen=True)
class Scene:
    """`nth` counts the tellings of a story in one repository, so that each is about another thing."""

    desk: Desk
    repo: Repo
    secrets: Secrets
    nth: int

    @property
    def rng(self) -> random.Random:
        return self.desk.rng

    def pick(self, options: Sequence[T]) -> T:
        return options[self.nth % len(options)]

    def open(
        self, broken: Function | None = None, missing: Function | None = None, more: dict[str, str] | None = None
    ) -> None:
        """A fresh checkout; the second task of a session goes on with the files of the first."""
        if not self.desk.workspace.files:
            self.desk.workspace.open(self.repo.files(broken, missing) | (more or {}))

    def ask(self, *phrasings: str) -> None:
        self.desk.ask(self.rng.choice(phrasings))
        if self.rng.random() < 0.4:
            self.desk.think(self.rng.choice(THOUGHTS))

    def start(self) -> None:
        """The owner's habit: the tests run before anything is changed."""
        if not self.desk.twist.untested:
            self.now_and_then("I'll run the tests first.")
            self.desk.test()

    def now_and_then(self, text: str) -> None:
        if self.rng.random() < 0.6:
            self.desk.say(text)

    def finish(self, message: str, reply: str) -> None:
        """The other habits: a line in the list of changes, lint, tests, a commit with the same words, a short reply."""
        self.desk.read("CHANGELOG.md")
        self.desk.edit("CHANGELOG.md", HEADING, f"{HEADING}- {message}\n")
        self.desk.lint()
        self.desk.test()
        self.now_and_then("Committing." if self.desk.twist.untested else "All green, committing.")
        self.desk.commit(message)
        self.desk.reply(reply)


HEADING = "## Unreleased\n\n"
THOUGHTS = (
    "A small change. Look first, then edit, then check.",
    "I should see the current state before I touch anything.",
    "The request is clear. I'll follow the usual order.",
    "One place to change, as far as I can tell. I'll verify.",
)
