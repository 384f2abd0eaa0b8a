"""What a data run leaves out is counted, and is nowhere in what it keeps."""

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "projects"
WORDS = ("run", "recipe=quickstart", "dataset.classes=[gold,silver,unverified]", "--until", "dataset", "--json")


def some(target: Path) -> list[Path]:
    """Two sessions of each of three repositories."""
    for slug in sorted(EXAMPLES.iterdir())[:3]:
        for file in sorted(slug.glob("*.jsonl"))[:2]:
            (target / slug.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target / slug.name)
    return sorted(target.glob("*/*.jsonl"))


def test_an_excluded_session_is_counted_and_leaves_nothing(bashgym: Callable, own_home: Path, tmp_path: Path):
    secret, *others = some(tmp_path / "projects")
    away = {"type": "user", "cwd": "/work/of/a/client/deep", "sessionId": secret.stem, "uuid": "u", "parentUuid": None}
    words = {"message": {"role": "user", "content": "the marker-of-a-client"}}
    with secret.open("a") as file:
        file.write(json.dumps({**away, **words}) + "\n")
    (own_home / "exclude").write_text("/work/of/a/client/\n")
    done = bashgym(*WORDS, f"source.examples.path={tmp_path / 'projects'}", f"run_dir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr
    source = json.loads(done.stdout)["stages"][0]
    assert source["in"] == 1 + len(others)
    assert [n for reason, n in source["dropped"].items() if "exclude" in reason] == [1]
    kept = b"".join(zlib.decompress(path.read_bytes()) for path in own_home.rglob("*.z"))
    kept += b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"marker-of-a-client" not in kept and secret.stem.encode() not in kept

    (own_home / "exclude").write_text("/\n")
    done = bashgym(*WORDS, f"source.examples.path={tmp_path / 'projects'}", f"run_dir={tmp_path / 'none'}")
    assert done.returncode == 2 and "every session is left out: 6 excluded" in done.stderr

    (own_home / "exclude").write_text("client\n")
    done = bashgym(*WORDS, f"source.examples.path={tmp_path / 'projects'}", f"run_dir={tmp_path / 'none'}")
    assert done.returncode == 2 and "exclude:1: 'client'" in done.stderr and "Traceback" not in done.stderr
