"""Writes a tree of invented Claude Code sessions, as the client keeps them under ~/.claude/projects.

    python examples/make_sessions.py OUT [--sessions N] [--seed S]

OUT gets `projects/<folder>/<session>.jsonl` (sub-agents in `<session>/subagents/`), `planted.json` (every invented
name, key and address, and the files it is in) and `sessions.json` (which story each session tells). Standard library
only; the same arguments write the same bytes."""

import argparse
import copy
import json
import random
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cast
import repos
import secrets_invented
import stories
from client import identity
from client.desk import Desk
from client.transcript import NEW, OLD, Transcript
from client.twist import TurnOver
from client.workspace import Workspace
from repos.shape import Repo
from secrets_invented import LINUX_USER, MAC_USER, Secrets
from stories.scene import Scene

SESSIONS, SEED = sum(count for _, _, count in cast.DECK), 20260216
NEW_ERA = datetime(2026, 4, 18)
WORDS = (
    ("amber", "brisk", "calm", "dusty", "eager", "fuzzy", "gentle", "humble"),
    ("drifting", "humming", "knitting", "rolling", "singing", "walking"),
    ("badger", "cedar", "comet", "heron", "lantern", "maple", "otter", "pebble"),
)
Row = dict[str, Any]
Files = dict[str, str]  # text by path, relative to OUT


def home(repo: Repo) -> str:
    return f"/Users/{MAC_USER}" if repo.system == "mac" else f"/home/{LINUX_USER}"


def seat(repo: Repo, when: datetime, part: cast.Part, rng: random.Random) -> Desk:
    """A desk before the first prompt."""
    era, cwd = (NEW if when >= NEW_ERA else OLD), f"{home(repo)}/code/{repo.name}"
    session, slug = identity.fresh_uuid(rng), "-".join(rng.choice(words) for words in WORDS)
    branch = rng.choice(("main", "main", "main", "dev"))
    transcript = Transcript(era, rng.choice(era.versions), session, cwd, branch, slug, when, rng)
    return Desk(transcript, Workspace(cwd), rng, cast.twist(part.outcome, rng))


def play(desk: Desk, story: str, repo: Repo, secrets: Secrets, nth: int) -> None:
    try:
        stories.ALL[story](Scene(desk, repo, secrets, nth))
    except TurnOver:
        desk.opening.clear()


def perform(part: cast.Part, when: datetime, secrets: Secrets, rng: random.Random) -> list[Desk]:
    """Plays a session; a fork or a resumed copy is a second one."""
    repo = repos.ALL[part.repo]
    desk = seat(repo, when, part, rng)
    play(desk, part.stories[0], repo, secrets, part.nth)
    desks = [desk]
    if part.outcome == "forked":
        desks.append(copied(desk))
        play(desks[1], "rename", repo, secrets, part.nth + 1)
    if part.outcome == "compacted":
        desk.compact(summary(desk))
    for story in part.stories[1:] if part.outcome != "resumed" else ():
        desk.queue_next = part.outcome == "queued"
        play(desk, story, repo, secrets, part.nth)
    said, answer = desk.twist.afterwards
    if said:
        desk.twist.untested = False
        desk.ask(said)
        desk.reply(answer)
    if part.outcome == "resumed":
        desks.append(copied(desk))
        title = {"type": "summary", "summary": desk.done[0].capitalize(), "leafUuid": desk.transcript.tip}
        desks[1].transcript.lines.insert(0, title)
        play(desks[1], part.stories[1], repo, secrets, part.nth)
    for one in desks:
        one.close()
    return desks


def copied(desk: Desk) -> Desk:
    """The same session so far under another id, as a fork or a resume in another file writes it."""
    other = copy.deepcopy(desk)
    other.rng.seed(desk.rng.getrandbits(64))
    other.transcript.session = identity.fresh_uuid(other.rng)
    for line in other.transcript.lines:
        if "sessionId" in line:
            line["sessionId"] = other.transcript.session
    other.transcript.now += timedelta(hours=1)
    return other


def summary(desk: Desk) -> str:
    tasks = "\n".join(f"   - {prompt}" for prompt in desk.done)
    files = "\n".join(f"   - {path}" for path in desk.workspace.files if path.endswith(".py"))
    state = "done and committed, all tests pass"
    return f"1. Requests:\n{tasks}\n2. State: {state}.\n3. Files:\n{files}\n4. Next: wait for the next request."


def written(desk: Desk, outcome: str) -> Files:
    """The files of one session."""
    transcript = desk.transcript
    folder = "projects/" + re.sub("[^A-Za-z0-9]", "-", transcript.cwd)
    text = transcript.text()
    if outcome == "truncated":
        last = text.rstrip("\n").rfind("\n") + 1
        text = text[: last + (len(text) - last) // 2]
    files = {f"{folder}/{transcript.session}.jsonl": text}
    for agent, about in desk.agents:
        path = f"{folder}/{transcript.session}/subagents/agent-{agent.agent}"
        files[f"{path}.jsonl"] = agent.text()
        if transcript.era is NEW:
            files[f"{path}.meta.json"] = json.dumps(about)
    return files


def generate(sessions: int, seed: int) -> Files:
    rng = random.Random(seed)
    known = [secrets_invented.draw(rng, repo.name, repo.server, number) for number, repo in enumerate(repos.ALL)]
    files: Files = {}
    plots: list[Row] = []
    when = datetime(2026, 2, 16, 8, 12)
    for part in cast.parts(sessions, len(repos.ALL)):
        when += timedelta(minutes=rng.randint(300, 1500))
        for desk in perform(part, when, known[part.repo], rng):
            mine = written(desk, part.outcome)
            files |= mine
            plots.append({"file": next(iter(mine)), "stories": list(part.stories), "outcome": part.outcome or "done"})
    files["planted.json"] = listed(planted(files, known))
    files["sessions.json"] = listed(plots)
    return files


def planted(files: Files, known: list[Secrets]) -> list[Row]:
    """Every invented value that made it into a file, and where."""
    values = dict.fromkeys([*secrets_invented.OWNERS, *(value for secrets in known for value in secrets.values())])
    places = {(kind, value): [path for path in sorted(files) if value in files[path]] for kind, value in values}
    return [{"kind": kind, "value": value, "files": paths} for (kind, value), paths in places.items() if paths]


def listed(rows: list[Row]) -> str:
    return "[\n" + ",\n".join(" " + json.dumps(row) for row in rows) + "\n]\n"


def write(out: Path, files: Files) -> None:
    """Replaces an earlier tree of this program, and nothing else."""
    if (out / "projects").exists():
        if not (out / "sessions.json").exists():
            sys.exit(f"{out / 'projects'} is there and was not written by this program: name another folder")
        shutil.rmtree(out / "projects")
    for path, text in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(text.encode())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--sessions", type=int, default=SESSIONS, help=f"how many, copies not counted (default {SESSIONS})"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args()
    write(args.out, generate(args.sessions, args.seed))


if __name__ == "__main__":
    main()
