"""The sessions to be: which story, how often, and what goes differently."""

import random
from dataclasses import dataclass

from client.twist import Twist

# story, what goes differently, how many. "+" joins two tasks of one session.
DECK: tuple[tuple[str, str, int], ...] = (
    ("fix", "", 12),
    ("add", "", 8),
    ("rename", "", 8),
    ("flag", "", 8),
    ("types", "", 5),
    ("lint", "", 6),
    ("config", "", 7),
    ("pair", "", 4),
    ("agent", "", 6),
    ("environment", "", 3),
    ("unauthorized", "", 3),
    ("moved_host", "", 3),
    ("on_call", "", 3),
    ("history", "", 3),
    ("docs", "", 5),
    ("script", "", 4),
    ("where", "", 6),
    ("fix", "untested", 1),
    ("rename", "untested", 1),
    ("flag", "untested", 1),
    ("config", "untested", 1),
    ("fix_red", "", 2),
    ("fix_red", "given_up", 4),
    ("flag", "complaint", 1),
    ("fix", "complaint", 1),
    ("fix", "interrupted", 2),
    ("rename", "interrupted", 1),
    ("add", "interrupted", 2),
    ("config", "rejected_edit", 1),
    ("add", "rejected_commit", 1),
    ("rename", "rejected_commit", 1),
    ("fix", "rejected_words", 1),
    ("fix", "api_error", 1),
    ("add", "api_fatal", 1),
    ("fix+config", "queued", 2),
    ("add+docs", "", 1),
    ("fix+flag", "compacted", 1),
    ("add+rename", "compacted", 1),
    ("fix+config", "forked", 1),
    ("rename+script", "resumed", 1),
    ("lint", "truncated", 1),
    ("add_broken", "", 1),
)
ONCE = ("queued", "compacted", "forked", "resumed", "truncated")
PRAISE = (
    ("thanks!", "You're welcome."),
    ("perfect", "Good."),
    ("great, thx", "You're welcome."),
    ("nice, works", "Glad it does."),
)
COMPLAINTS = (
    ("that doesn't work", "I'm sorry. I don't see why yet."),
    ("no, that's wrong, revert it please", "Understood. I have not reverted it yet."),
)
GIVEN_UP = (
    ("still failing, i'll do it myself", "Understood."),
    ("no good, test is still red. leave it", "I leave it as it is."),
)


@dataclass(frozen=True)
class Part:
    """One session to be; `repo` and `nth` are numbers: in which repository, and which telling of the story there."""

    stories: tuple[str, ...]
    outcome: str
    repo: int
    nth: int


def parts(sessions: int, repos: int) -> list[Part]:
    """`sessions` parts: the deck, then its ordinary rows again and again; of a smaller number, some of the deck."""
    rng = random.Random(sessions)
    rows = [(story, outcome) for story, outcome, count in DECK for _ in range(count)]
    again = [row for row in rows if row[1] not in ONCE]
    while len(rows) < sessions:
        rng.shuffle(again)
        rows += again[: sessions - len(rows)]
    told: dict[str, int] = {}
    made = []
    for story, outcome in rows:
        first = story.split("+")[0]
        count = told[first] = told.get(first, -1) + 1
        repo = (count + 3 * list(told).index(first)) % repos
        made.append(Part(tuple(story.split("+")), outcome, repo, count // repos + repo))
    rng.shuffle(made)
    return made[:sessions]


def twist(outcome: str, rng: random.Random) -> Twist:
    if outcome == "untested":
        return Twist(untested=True)
    if outcome == "interrupted":
        return Twist(interrupted_before=rng.randint(3, 5))
    if outcome == "api_error":
        return Twist(api_error_before=2)
    if outcome == "api_fatal":
        return Twist(api_error_before=3, api_error_fatal=True)
    if outcome == "rejected_edit":
        return Twist(reject="Edit")
    if outcome == "rejected_commit":
        return Twist(
            reject="git commit", afterwards=("dont commit yet, i want to look first", "I leave the change uncommitted.")
        )
    if outcome == "rejected_words":
        return Twist(reject="Edit", reject_words="wrong place, i'll fix the caller instead")
    if outcome == "complaint":
        return Twist(afterwards=rng.choice(COMPLAINTS))
    if outcome == "given_up":
        return Twist(afterwards=rng.choice(GIVEN_UP))
    return Twist(afterwards=rng.choice(PRAISE)) if not outcome and rng.random() < 0.15 else Twist()
