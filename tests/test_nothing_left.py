"""Private values of many kinds in sessions: after a run and an audit nothing of them is left in anything that BashGym
keeps or prints, but the folders a session was in, in two files that no other user may read."""

import json
import random
import stat
import string
from collections.abc import Callable
from pathlib import Path

from bashgym.gate.canary import canaries
from tests.nothing_left import content, left
from tests.sanitizer import placements
from tests.stages.sessions import Session

LOGIN = "dwhitfield"
# Which session lies where (bashgym/stages/ledger.py) and what is known of its file (bashgym/reading/remembered.py)
RAW = ("ledger.jsonl", "cache/history.sqlite")
PLACES = 6  # of each secret, drawn from all


def secrets(draw: random.Random) -> list[str]:
    """Of no provider: letters and digits, hexadecimal, a password, words with a number."""
    return [
        "".join(draw.choices(string.ascii_letters + string.digits, k=32)),
        "".join(draw.choices("0123456789abcdef", k=40)),
        "".join(draw.choices(string.ascii_letters, k=7)) + "!" + "".join(draw.choices(string.digits, k=5)) + "x",
        f"Pebble-lantern{draw.randint(1000, 9999)}!",
    ]


def session(number: int, draw: random.Random) -> tuple[Session, list[str]]:
    """Private values in prompts, commands, results, files, thoughts, names of folders and of branches."""
    made, planted = Session(number), canaries(f"{draw.random()}")
    made.user("Fix the settings.\n" + "\n".join(one.line for one in planted[:7]))
    made.bash("cat notes.txt", "\n".join(one.line for one in planted))
    made.reply(
        {"type": "thinking", "thinking": f"So {planted[0].value} is it.", "signature": ""},
        {"type": "text", "text": f"It is {planted[6].value}."},
    )
    values = [one.value for one in planted]
    for secret in secrets(draw):
        values.append(secret)
        every = [text for _, text in [*placements.lines(secret), *placements.structures(secret)]]
        for text in draw.sample(every, PLACES):
            plain = text if isinstance(text, str) else json.dumps(text)
            made.call("Write", {"file_path": "app/settings.txt", "content": plain}, "written")
            made.bash("cat app/settings.txt", plain)
    made.bash("pytest -q", "3 passed in 0.02s")
    made.says("All is well.")
    for line in made.lines:
        line |= {"cwd": f"/home/{LOGIN}/code/app", "gitBranch": f"{LOGIN}/fix"}
    return made, [*values, LOGIN]


def test_nothing_private_is_left(bashgym: Callable, own_home: Path, tmp_path: Path):
    seed = random.SystemRandom().randrange(10**9)
    print(f"sessions of seed {seed}")
    draw, private = random.Random(seed), []
    folder = tmp_path / "projects" / f"-home-{LOGIN}-code-app"
    folder.mkdir(parents=True)
    for number in range(4):
        made, values = session(number, draw)
        private += values
        lines = [json.dumps(line, ensure_ascii=bool(number % 2)) for line in made.lines]
        lines.insert(5, f'{{"cut": "{values[0]}')  # a line that was cut off
        (folder / f"{made.id}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["run", "recipe=quickstart", f"source.examples.path={tmp_path / 'projects'}", "--until", "dataset"]
    words += ["dataset.classes=[gold,silver,unverified]"]
    told = ""
    for command in (words, ["audit"]):
        done = bashgym(*command)
        assert done.returncode == 0, done.stderr
        told += done.stdout + done.stderr
    (own_home / "told.txt").write_text(told)
    rows = b"".join(content(path) for path in own_home.glob("runs/*/dataset/*.jsonl"))
    assert rows.count(b"Fix the settings") >= 4 and all(name in rows for name in (b"PASSWORD_", b"API_KEY_", b"CARD_"))
    assert left(own_home, set(private), dict.fromkeys(RAW, frozenset({LOGIN}))) == set()
    for name in RAW:
        assert stat.S_IMODE((own_home / name).stat().st_mode) == 0o600
    assert {value for value, _, _ in left(folder, set(private), {})} == set(private)  # the search finds what is there
