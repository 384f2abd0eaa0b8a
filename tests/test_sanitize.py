"""`bashgym sanitize`: the same lines in the same order, nothing private in them, nothing lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bashgym import sanitize
from bashgym.errors import PrivacyError
from bashgym.gate import canary

SEED = "f" * 64
PLANTED = canary.canaries(SEED)


@pytest.fixture(scope="module")
def sanitizers() -> list:
    return sanitize.chosen(["secrets", "pii", "identity"])


def test_json_lines(bashgym: Callable, tmp_path: Path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out" / "clean.jsonl"
    lines = [json.dumps({"n": n, "text": one.line}) for n, one in enumerate(PLANTED)]
    lines[3:3] = ["", "{broken", '{"twice": "' + PLANTED[0].value + '", "twice": 1}']
    source.write_bytes("\r\n".join(lines).encode() + b"\r\n")
    done = bashgym("sanitize", str(source), "-o", str(target), "--report", str(tmp_path / "r.json"), "--json")
    assert done.returncode == 0, done.stderr
    out = target.read_bytes()
    assert out.count(b"\r\n") == len(lines)
    for one in PLANTED:
        assert one.value not in out.decode()
        assert one.value not in done.stdout + (tmp_path / "r.json").read_text()
    clean = out.decode().split("\r\n")
    assert clean[3] == ""
    assert json.loads(clean[4]) == {"bashgym_malformed_line": 5}
    assert [json.loads(line)["n"] for line in (*clean[:3], *clean[6:-1])] == list(range(len(PLANTED)))
    aside = [json.loads(line) for line in (target.parent / "clean.jsonl.quarantine.jsonl").read_text().splitlines()]
    assert [(one["line"], one["raw"]) for one in aside] == [(5, "{broken")]
    assert target.stat().st_mode & 0o077 == 0
    assert json.loads((tmp_path / "r.json").read_text())["malformed"] == 1


def test_text_keeps_its_lines(bashgym: Callable, tmp_path: Path):
    pem = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(
        f"MIIEpAIBAAKCAQEA{n}gT8kXq2mVv0bLzNcRw1yHj5sPd7fUe3a" for n in range(5)
    )
    text = "\n".join([*(one.line for one in PLANTED), pem, "-----END RSA PRIVATE KEY-----", "the end", ""])
    (tmp_path / "notes.txt").write_text(text)
    done = bashgym("sanitize", "notes.txt")
    assert done.returncode == 0, done.stderr
    clean = (tmp_path / "notes.clean.txt").read_text()
    assert clean.count("\n") == text.count("\n")
    assert clean.endswith("the end\n")
    assert all(one.value not in clean for one in PLANTED)
    assert "MIIEpAIB" not in clean


def test_what_one_part_gives_away_is_removed_from_all(
    tmp_path: Path, sanitizers: list, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sanitize, "CHUNK", 1)  # every line a chunk of its own
    source = tmp_path / "in.jsonl"
    source.write_text('{"a": "why Kestrel-9911-bracken?"}\n{"password": "Kestrel-9911-bracken"}\n')
    sanitize.sanitize(source, tmp_path / "out.jsonl", sanitizers)
    assert "Kestrel" not in (tmp_path / "out.jsonl").read_text()


def test_show_spans_masks(bashgym: Callable, tmp_path: Path):
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps({"t": one.line}) for one in PLANTED))
    done = bashgym("sanitize", "in.jsonl", "--show-spans", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len({one["line"] for one in found}) == len(PLANTED)
    assert all(one.value not in done.stdout for one in PLANTED)
    assert not (tmp_path / "in.clean.jsonl").exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b" ").replace(b"\r", b" ")), max_size=8))
def test_any_bytes_keep_their_lines(tmp_path: Path, sanitizers: list, rows: list[bytes]):
    source, target = tmp_path / "in", tmp_path / "out"
    for start in (b"", b'{"a": 1}\n'):
        source.write_bytes(start + b"\n".join(rows))
        sanitize.sanitize(source, target, sanitizers)
        assert target.read_bytes().count(b"\n") == source.read_bytes().count(b"\n")
        if start:
            assert all(
                isinstance(json.loads(line), object) for line in target.read_bytes().splitlines() if line.strip()
            )


def test_the_gate_stops_what_sanitizers_missed(tmp_path: Path, sanitizers: list, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "in.txt").write_text(PLANTED[0].line)
    real = sanitize.clean_text
    monkeypatch.setattr(sanitize, "clean_text", lambda chunk, *_: b"".join(line.raw + line.end for line in chunk))
    with pytest.raises(PrivacyError, match="leak gate"):
        sanitize.sanitize(tmp_path / "in.txt", tmp_path / "out.txt", sanitizers)
    assert not (tmp_path / "out.txt").exists()
    assert (tmp_path / "out.txt.quarantined").exists()
    monkeypatch.setattr(sanitize, "clean_text", real)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.jsonl"], "is no file"),
        (["in.txt", "-o", "in.txt"], "the file itself"),
        (["in.txt", "--sanitizers", "secretz"], "did you mean"),
        (["in.txt", "--sanitizers", ""], "names none"),
    ],
)
def test_bad_input(bashgym: Callable, tmp_path: Path, words: list[str], told: str):
    (tmp_path / "in.txt").write_text("x\n")
    done = bashgym("sanitize", *words)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
