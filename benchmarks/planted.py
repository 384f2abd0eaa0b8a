"""What comes through the sanitizers of what was planted: the exam's corpora, and random secrets in hundreds of places.

python benchmarks/planted.py [--exam FOLDER] [--seeds 20] [--drawn 20] [--megabytes 0.6] [--places 1] [--seed N]

Corpora: seeds 1 to --seeds and --drawn ones drawn anew, each sanitized session by session and scored by the exam's own
score.py; then the leak gate looks at what was written (rules anew over whole lines, and every removed value in every
form). Places: --places values of each kind below, in every place of tests/sanitizer/placements.py; a value counts as
through where it stands in any form. Only names of kinds and places are printed, and the seeds, so that a corpus can be
made again. Exit code 1 where anything planted in a corpus came through."""

import argparse
import base64
import importlib.util
import json
import os
import random
import string
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import orjson  # noqa: E402

from bashgym import scan  # noqa: E402
from bashgym.gate.rescan import rescan  # noqa: E402
from bashgym.gate.sweep import Sweep, clean_value  # noqa: E402
from bashgym.registry import load  # noqa: E402

KEY = bytes(range(32))
ALNUM = string.ascii_letters + string.digits
HEXADECIMAL = "0123456789abcdef"
WORDS = [
    "amber", "anchor", "badger", "basalt", "bramble", "canyon", "cedar", "cobalt", "copper", "coral", "cricket",
    "dagger", "ember", "falcon", "fennel", "ferry", "garnet", "ginger", "glacier", "granite", "harbor", "hazel",
    "heron", "hollow", "indigo", "ivory", "jasper", "juniper", "kestrel", "lagoon", "lantern", "larch", "linden",
    "lupine", "magnet", "maple", "marble", "meadow", "mercury", "mistral", "nettle", "oyster", "pebble", "pepper",
    "pewter", "poplar", "quarry", "quill", "raven", "saffron", "sailor", "sequoia", "sparrow", "spruce", "thistle",
    "timber", "topaz", "tulip", "tundra", "velvet", "walnut", "willow", "winter", "zephyr",
]  # fmt: skip
Sanitizers = list[tuple[str, Any]]


class Outcome(NamedTuple):
    """Of one corpus: values planted, the kind and form of those that came through, lines in which a value stood that
    was removed from another session (a run repairs them before the gate looks), what the gate still finds."""

    planted: int
    through: list[tuple[str, str]]
    repaired: int
    gate: list[str]
    lost: Counter[str]  # tokens of the corpus in which nothing was planted
    clean_bytes: int


def sanitizers() -> Sanitizers:
    plugins: dict[str, Any] = {name: load("sanitizer", name) for name in ("secrets", "pii", "identity")}
    return [(name, plugin(plugin.Config())) for name, plugin in plugins.items()]


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"planted_{path.stem}", path)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def corpus(exam: Path, seed: int, megabytes: float, mine: Sanitizers) -> Outcome:
    """A corpus of the exam, made, sanitized and looked at."""
    score = module(exam / "score.py")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, str(exam / "make_corpus.py"), str(seed), name, str(megabytes)]
        subprocess.run(command, check=True, capture_output=True)
        out = folder / "sanitized.jsonl"
        lines, removed = cleaned(folder / "planted.jsonl", mine)
        sweep = Sweep(removed)
        clean = [orjson.dumps(clean_value(orjson.loads(line), sweep, KEY)) for line in lines]
        out.write_bytes(b"\n".join(clean) + b"\n")
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        through = []
        for plant in truth:
            value = plant["value"].rsplit("/", 1)[-1] if plant["kind"] == "discord_hook" else plant["value"]
            if score.survives(value, "\n".join(score.leaves(orjson.loads(lines[plant["line"]])))):
                through.append((plant["kind"], plant["form"]))
        repaired = sum(one != other for one, other in zip(lines, clean, strict=True))
        gone = lost(folder / "clean.jsonl", score, mine)
        size = (folder / "clean.jsonl").stat().st_size
        return Outcome(len(truth), through, repaired, gated(out, sweep, mine), gone, size)


def lost(file: Path, score: ModuleType, mine: Sanitizers) -> Counter[str]:
    """Tokens, as the exam counts them, that are gone from a file in which nothing is anybody's."""
    tokens: Counter[str] = Counter()
    for before, after in zip(file.read_bytes().splitlines(), cleaned(file, mine)[0], strict=True):
        for one, other in zip(score.leaves(orjson.loads(before)), score.leaves(orjson.loads(after)), strict=True):
            if one != other:
                tokens += Counter(score.TOKEN.findall(one)) - Counter(score.TOKEN.findall(other))
    return tokens


def cleaned(file: Path, mine: Sanitizers) -> tuple[list[bytes], dict[str, str]]:
    """The lines of a file, sanitized session by session as a run does it; what was removed."""
    sessions: dict[str, list[tuple[int, Any]]] = {}
    for number, line in enumerate(file.read_bytes().splitlines()):
        value = orjson.loads(line)
        sessions.setdefault(value["sessionId"], []).append((number, value))
    lines: dict[int, bytes] = {}
    removed: dict[str, str] = {}
    for name, session in sessions.items():
        result = scan.sanitize([value for _, value in session], mine, KEY, name)
        lines.update((number, orjson.dumps(value)) for (number, _), value in zip(session, result.value, strict=True))
        removed |= result.removed
    return [lines[number] for number in sorted(lines)], removed


def gated(out: Path, sweep: Sweep, mine: Sanitizers) -> list[str]:
    """What the leak gate says of the written bytes, by rule or form."""
    hits = [f"{hit.type} {hit.form}" for line in out.read_bytes().splitlines() for hit in sweep.hits(line)]
    return hits + [f"{seen.type} {seen.rule}" for seen in rescan(out, mine)]


def corpora(exam: Path, seeds: list[int], megabytes: float, mine: Sanitizers) -> bool:
    """Whether nothing came through, with a table of what did."""
    started, total, repaired, size = time.perf_counter(), 0, 0, 0
    through, gate, gone = Counter[str](), Counter[str](), Counter[str]()
    for seed in seeds:
        found = corpus(exam, seed, megabytes, mine)
        total += found.planted
        repaired += found.repaired
        through.update(f"{kind} ({form})" for kind, form in found.through)
        gate.update(found.gate)
        gone.update(found.lost)
        size += found.clean_bytes
        if found.through or found.gate:
            print(f"seed {seed}: through {found.through}; gate {found.gate}", flush=True)
    took = time.perf_counter() - started
    print(f"{len(seeds)} corpora, {total} planted: {through.total()} through; {repaired} lines repaired", end="")
    print(f", then the gate finds {gate.total()}; {took:.0f} s")
    print(f"clean corpora: {gone.total() / size * 1e6:.2f} tokens lost per MB of {size / 1e6:.1f} MB")
    print(f"drawn seeds: {' '.join(map(str, (seed for seed in seeds if seed > 1000)))}")
    return not through and not gate


def picked(source: random.Random, letters: str, count: int) -> str:
    return "".join(source.choices(letters, k=count))


def words(source: random.Random, count: int, between: str) -> str:
    return between.join(source.choice(WORDS) for _ in range(count))


def web_token(source: random.Random) -> str:
    parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": picked(source, string.digits, 9), "iat": 1_700_000_000}]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, picked(source, ALNUM + "_-", 43)])


VALUES: dict[str, Callable[[random.Random], str]] = {
    "letters and digits, 20": lambda source: picked(source, ALNUM, 20),
    "letters and digits, 32": lambda source: picked(source, ALNUM, 32),
    "letters and digits, 64": lambda source: picked(source, ALNUM, 64),
    "small letters and digits, 24": lambda source: picked(source, string.ascii_lowercase + string.digits, 24),
    "capitals and digits, 20": lambda source: picked(source, string.ascii_uppercase + string.digits, 20),
    "letters only, 28": lambda source: picked(source, string.ascii_letters, 28),
    "hexadecimal, 32": lambda source: picked(source, HEXADECIMAL, 32),
    "hexadecimal, 64": lambda source: picked(source, HEXADECIMAL, 64),
    "uuid": lambda source: str(uuid.UUID(int=source.getrandbits(128), version=4)),
    "Base32, 32": lambda source: picked(source, string.ascii_uppercase + "234567", 32),
    "Base64, 40": lambda source: base64.b64encode(source.randbytes(30)).decode(),
    "Base64, padded": lambda source: base64.b64encode(source.randbytes(32)).decode(),
    "Base64 of URLs, 43": lambda source: base64.urlsafe_b64encode(source.randbytes(32)).decode().rstrip("="),
    "prefix and tail": lambda source: (
        f"{picked(source, string.ascii_lowercase, 3)}_{source.choice(('live', 'v1'))}_{picked(source, ALNUM, 30)}"
    ),
    "groups of five": lambda source: "-".join(picked(source, ALNUM, 5) for _ in range(5)),
    "two halves and a dot": lambda source: f"{picked(source, ALNUM, 12)}.{picked(source, ALNUM + '_-', 27)}",
    "web token": web_token,
    "password, 10": lambda source: picked(source, ALNUM, 9) + picked(source, string.digits, 1),
    "password with marks, 14": lambda source: (
        f"{picked(source, ALNUM, 6)}{picked(source, '!^*_', 1)}{picked(source, ALNUM, 6)}{source.randint(0, 9)}"
    ),
    "word, number and mark": lambda source: (
        f"{source.choice(WORDS).title()}{source.randint(100, 9999)}{source.choice('!^*')}"
    ),
    "four words": lambda source: words(source, 4, "-"),
    "short word and digits": lambda source: f"{source.choice(WORDS)}{source.randint(10, 999)}",
    "two words and a number": lambda source: f"{words(source, 2, source.choice('-_'))}{source.randint(100, 9999)}",
}


def every_form(value: str, places: ModuleType) -> list[str]:
    return [value, places.b64(value), places.numbered(value), quote(value, safe=""), value.encode().hex()]


def trials(source: random.Random, rounds: int, places: ModuleType) -> Iterator[tuple[str, str, str, Any]]:
    """Kind, value, place and what is written there."""
    for _ in range(rounds):
        for kind, make in VALUES.items():
            value = make(source)
            for place, text in [*places.lines(value), *places.structures(value)]:
                yield kind, value, place, text


def in_places(seed: int, rounds: int, mine: Sanitizers) -> None:
    """Each alone, as a session of one string: nothing else gives the value away."""
    places = module(ROOT / "tests" / "sanitizer" / "placements.py")
    kinds, names, total = Counter[str](), Counter[str](), 0
    for kind, value, place, text in trials(random.Random(seed), rounds, places):
        total += 1
        after = str(scan.sanitize(text, mine, KEY, "s").value)
        if any(form in after for form in every_form(value, places)):
            kinds[kind] += 1
            names[place] += 1
    print(f"\nseed {seed}: {total} values in {total // rounds // len(VALUES)} places: {kinds.total()} through")
    print(f"by kind: {dict(kinds.most_common())}\nby place: {dict(names.most_common())}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exam", type=Path, default=ROOT.parent / "shared" / "exam")
    parser.add_argument("--seeds", type=int, default=20, help="corpora of the exam from seed 1 on")
    parser.add_argument("--drawn", type=int, default=20, help="corpora of seeds drawn anew")
    parser.add_argument("--megabytes", type=float, default=0.6, help="of each corpus")
    parser.add_argument("--places", type=int, default=1, help="values of each kind in each place")
    parser.add_argument("--seed", type=int, help="of the values in places; drawn anew where none is given")
    chosen = parser.parse_args()
    draw = random.SystemRandom()
    with tempfile.TemporaryDirectory() as home:
        os.environ["BASHGYM_HOME"] = home
        mine, clean = sanitizers(), True
        if chosen.exam.is_dir():
            seeds = [*range(1, chosen.seeds + 1), *(draw.randrange(1001, 10**9) for _ in range(chosen.drawn))]
            clean = not seeds or corpora(chosen.exam, seeds, chosen.megabytes, mine)
        if chosen.places:
            seed = draw.randrange(10**9) if chosen.seed is None else chosen.seed
            in_places(seed, chosen.places, mine)
    sys.exit(not clean)


if __name__ == "__main__":
    main()
