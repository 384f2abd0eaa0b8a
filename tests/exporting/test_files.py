"""`bashgym traces export`: what it writes is clean, strict, and for this user only."""

import json
import shutil
import stat
from pathlib import Path

import pytest

from bashgym import jsonl, registry
from bashgym.atif import writing

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"[:36]
SESSION = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def history(own_home, monkeypatch, tmp_path):
    """A Claude Code history of two sessions, one with a token in three places."""
    folder = own_home / "claude" / "projects" / "-w-shop"
    folder.mkdir(parents=True)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(own_home / "claude"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for number, name in enumerate((SESSION, "22222222" + SESSION[8:])):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines(name, number))) + "\n")
    return folder


def lines(name, number):
    base = {"sessionId": name, "cwd": "/w/shop", "version": "2.1.0", "gitBranch": "main"}
    ask = {"role": "user", "content": f"push with {TOKEN}" if number == 0 else "hello"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": f"git push https://x:{TOKEN}@h/r"}}
    reply = {"id": "msg_1", "role": "assistant", "model": "claude-x", "content": [use], "stop_reason": "tool_use",
             "usage": {"input_tokens": 5, "output_tokens": 7}}  # fmt: skip
    answer = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": f"ok {TOKEN}"}]}
    yield {
        **base,
        "type": "user",
        "uuid": f"a{number}",
        "parentUuid": None,
        "timestamp": "2026-01-01T00:00:00Z",
        "message": ask,
    }
    if number == 0:
        yield {**base, "type": "assistant", "uuid": "b0", "parentUuid": "a0", "timestamp": "2026-01-01T00:00:02Z",
               "message": reply}  # fmt: skip
        yield {**base, "type": "user", "uuid": "c0", "parentUuid": "b0", "timestamp": "2026-01-01T00:00:03Z",
               "message": answer}  # fmt: skip


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_written_is_clean_strict_and_private(history, bashgym, tmp_path, harbor):
    out, spans = tmp_path / "out", tmp_path / "spans.jsonl"
    ran = bashgym("traces", "export", "--atif", str(out), "--otlp", str(spans))
    assert ran.returncode == 0, ran.stderr
    assert "2 sessions" in ran.stdout and "replaced" in ran.stdout
    files = sorted(out.glob("*.json"))
    assert [path.stem for path in files] == [SESSION, "22222222" + SESSION[8:]]
    for path in (*files, spans):
        assert TOKEN not in path.read_text() and mode(path) == 0o600
    assert len(spans.read_text().splitlines()) == 2
    for path in files:
        harbor.Trajectory.model_validate(json.loads(path.read_text()))


def test_raw_says_so_aloud_and_comes_back_as_it_was(history, bashgym, tmp_path):
    target = tmp_path / "one.json"
    ran = bashgym("traces", "export", SESSION[:8], "--atif", str(target), "--raw")
    assert ran.returncode == 0, ran.stderr
    assert "raw: what is written holds the text as it was, secrets included" in ran.stderr
    assert TOKEN in target.read_text() and mode(target) == 0o600
    back = traces_of("atif", target)
    assert back == [one for one in traces_of("claude_code", history) if one[0].session_id == SESSION]


def traces_of(name, path):
    cls = registry.load("source", name)
    plugin = cls(cls.Config(path=str(path)))
    return [list(plugin.read(ref)) for ref in plugin.list()]


def test_filters_lines_and_json(history, bashgym, tmp_path):
    target = tmp_path / "all.jsonl"
    ran = bashgym("traces", "export", "--atif", str(target), "--repo", "shop", "--json")
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert (report["sessions"], report["raw"], report["faults"], report["files"]) == (2, False, [], [str(target)])
    assert report["redactions"] >= 3
    assert len(target.read_text().splitlines()) == 2 and len(traces_of("atif", target)) == 2
    none = bashgym("traces", "export", "--atif", str(target), "--repo", "nothing-here")
    assert none.returncode == 2 and "no session fits" in none.stderr


def test_other_sources_are_exported_from_a_path(bashgym, tmp_path, monkeypatch):
    row = {"session_id": "one", "model": "m", "messages": [{"role": "user", "content": f"use {TOKEN}"}], "stats": {}}
    (tmp_path / "conversations.jsonl").write_text(json.dumps(row) + "\n")
    out = tmp_path / "out.jsonl"
    ran = bashgym("traces", "export", "--source", "dataclaw", "--path", str(tmp_path / "conversations.jsonl"),
                  "--otlp", str(out))  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert TOKEN not in out.read_text() and '"s' in out.read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "traces export: say what to write, with --atif FOLDER or --otlp FILE"),
        (["--atif", "one.json"], "one document for 2 sessions; name a folder, or a file in .jsonl"),
        (["--atif", "file.txt"], "is a file; name a folder"),
        (["--otlp", "x", "--raw", "--redacted"], "not allowed with argument"),
        (["--otlp", "x", "--path", "p", "--repo", "r"], "leave out the filters"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(history, bashgym, tmp_path, words, told):
    (tmp_path / "file.txt").write_text("")
    ran = bashgym("traces", "export", *words)
    assert ran.returncode == 2 and told in ran.stderr and ran.stdout == ""


def test_a_sanitizer_that_fails_stops_the_export_and_leaves_no_file(history, tmp_path, monkeypatch):
    from bashgym.display import Terminal
    from bashgym.errors import PrivacyError
    from bashgym.exporting import files
    from bashgym.history import reports
    from bashgym.history.listed import Wanted

    class Broken:
        def find(self, strings, context):
            raise RuntimeError("engine gone")

        def engine(self):
            return "broken"

    monkeypatch.setattr(reports, "sanitizers", lambda: (("broken", Broken()),))
    screen = Terminal(quiet=True)
    chosen = files.wanted(Wanted(), None, None, screen)
    spans = tmp_path / "spans.jsonl"
    with pytest.raises(PrivacyError, match="nothing was written"):
        files.export(chosen, None, spans, False, screen)
    assert list(tmp_path.iterdir()) == []


def test_sanitized_samples_are_still_strict(samples, harbor):
    from bashgym.exporting import files

    for name in ("claude-code-spotter", "rig-claude-code/2.1.329-a329", "claude-code-happy"):
        cls = registry.load("source", "claude_code")
        plugin = cls(cls.Config(path=str(samples / name)))
        for ref in plugin.list():
            traces, _ = files.sanitized(list(plugin.read(ref)), ref)
            harbor.Trajectory.model_validate(json.loads(jsonl.dumps(writing.document(traces))))


def test_pictures_are_written_only_when_asked_for_raw(samples, bashgym, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (picture,) = (samples / "claude-code-entire").glob("image-in-prompt*.jsonl")
    shutil.copy(picture, folder)
    words = ["traces", "export", "--source", "claude_code", "--path", str(folder), "--atif"]
    clean = bashgym(*words, str(tmp_path / "clean"))
    assert clean.returncode == 0 and "referred to but not written: pictures cannot be sanitized" in clean.stderr
    assert not (tmp_path / "clean" / "blobs").exists()
    raw = bashgym(*words, str(tmp_path / "raw"), "--raw")
    assert raw.returncode == 0, raw.stderr
    (document,) = (tmp_path / "raw").glob("*.json")
    named = [part["source"]["path"] for part in parts(json.loads(document.read_text()))]
    assert named and all((tmp_path / "raw" / name).stat().st_size for name in named)


def parts(document):
    for step in document["steps"]:
        results = (step.get("observation") or {}).get("results", [])
        for content in (step["message"], *(result.get("content") for result in results)):
            yield from (part for part in (content if isinstance(content, list) else ()) if part["type"] == "image")
