"""A real Claude Code plays a session against a model on loopback, our hooks in it; what we keep is what was played."""

import gzip
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import clients
import pytest
from anthropic_model import Block, Model, Script, text, thinking, tool

from bashgym import registry, trace
from bashgym.trace import Step, ToolCall, Trace

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ["2.0.76", "2.1.329"]
PROMPT = "Play the session, naïvely."
INNER = "Count the files here."
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("claude")]


class Played(NamedTuple):
    """What is there after a session."""

    home: Path  # BashGym's
    config: Path  # Claude Code's
    project: Path
    version: str
    script: Script
    answer: dict[str, Any]  # what the client printed


def script(version: str, project: Path, background: bool = False) -> Script:
    """Thinking, text, a tool that works, one that fails, a file, one that a rule forbids, and a sub-agent."""
    agent, more = ("Task", {}) if version.startswith("2.0") else ("Agent", {"run_in_background": background})
    sub = {"description": "count", "prompt": INNER, "subagent_type": "general-purpose", **more}
    return {
        PROMPT: [
            [
                thinking("First I look."),
                text("I start."),
                tool("toolu_ok", "Bash", command="echo seen", description="a"),
            ],
            [tool("toolu_failed", "Bash", command="echo broken; exit 3", description="b")],
            [text("Now a file."), tool("toolu_write", "Write", file_path=str(project / "made.txt"), content="ünï\n")],
            [tool("toolu_denied", "Bash", command="curl http://127.0.0.1:9/", description="c")],
            [tool("toolu_agent", agent, **sub)],
            [text("All is done.")],
        ],
        INNER: [[tool("toolu_inner", "Bash", command="ls | wc -l", description="d")], [text("One file.")]],
    }


def settings(version: str) -> dict[str, Any]:
    agent = "Task" if version.startswith("2.0") else "Agent"
    allowed = ["Bash(echo:*)", "Bash(exit:*)", "Bash(ls:*)", "Bash(wc:*)", "Write", agent]
    return {"permissions": {"allow": allowed, "deny": ["Bash(curl:*)"]}}


def environment(home: Path, config: Path, user: Path, claude: Path) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join([str(claude.parent), str(clients.node_folder()), os.environ["PATH"]]),
        "HOME": str(user),
        "BASHGYM_HOME": str(home),
        "CLAUDE_CONFIG_DIR": str(config),
        "ANTHROPIC_API_KEY": "dummy",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
    }


@pytest.fixture
def play(
    tmp_path: Path,
    own_home: Path,
    bashgym: Callable[..., subprocess.CompletedProcess[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Played]:
    """Plays the session in a client of that version; `install` with our installer, else with what `options` name."""

    def call(version: str, *options: str, install: bool = False, background: bool = False) -> Played:
        claude = clients.claude(version)
        project, config = tmp_path / "project", tmp_path / "config"
        project.mkdir()
        config.mkdir()
        (config / "settings.json").write_text(json.dumps(settings(version), indent=2))
        env = environment(own_home, config, tmp_path, claude)
        if install:
            done = bashgym("capture", "install", **env)
            assert done.returncode == 0, done.stderr
        plan = script(version, project, background)
        with Model(plan) as model:
            command = [claude, "-p", PROMPT, "--model", "claude-sonnet-4-5", "--output-format", "json", *options]
            env["ANTHROPIC_BASE_URL"] = model.url
            done = subprocess.run(
                command, cwd=project, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
            )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(config))
        return Played(own_home, config, project, version, plan, json.loads(done.stdout))

    return call


def read() -> list[Trace]:
    """The only session, through the source that `bashgym run` uses."""
    source = registry.load("source", "claude_code")
    made = source(source.Config())
    (ref,) = [ref for ref in made.list() if not Path(ref.path).name.startswith("agent-")]
    return list(made.read(ref))


def said(step: Step) -> list[Block]:
    """The blocks of a reply as the model sent them, but for signatures."""
    blocks = [{"type": "thinking", "thinking": step.reasoning_content}] if step.reasoning_content else []
    blocks += [text(step.message)] if step.message else []
    return blocks + [tool(one.tool_call_id, one.function_name, **one.arguments) for one in step.tool_calls or ()]


def unsigned(blocks: list[Block]) -> list[Block]:
    return [{key: value for key, value in block.items() if key != "signature"} for block in blocks]


def replies(found: Trace) -> list[list[Block]]:
    return [said(step) for step in found.steps if step.source == "agent"]


def calls(found: Trace) -> dict[str, tuple[ToolCall, Any]]:
    """Each call with its result, by id."""
    pairs = {}
    for step in found.steps:
        results = {one.source_call_id: one for one in (step.observation.results if step.observation else ())}
        pairs |= {one.tool_call_id: (one, results.get(one.tool_call_id)) for one in step.tool_calls or ()}
    return pairs


def holds_what_was_played(played: Played) -> None:
    main, *others = read()
    prompts = [step.message for step in main.steps if step.info.kind == "human"]
    assert prompts == [PROMPT]
    assert replies(main) == [unsigned(blocks) for blocks in played.script[PROMPT]]
    assert (played.project / "made.txt").read_text() == "ünï\n"
    found = calls(main)
    assert found["toolu_ok"][1].content == "seen"
    failed = found["toolu_failed"][1]
    assert "broken" in failed.content
    assert (failed.extra.bashgym.is_error, failed.extra.bashgym.exit_code) == (True, 3)
    assert not found["toolu_write"][1].extra.bashgym.is_error
    call, result = found["toolu_denied"]
    assert (call.extra.bashgym.denied, result.extra.bashgym.is_error) == ("rule", True)
    assert "One file." in json.dumps(found["toolu_agent"][1].content)
    (sub,) = [one for one in others if one.info.lineage.parent_call_id]
    assert sub.info.lineage.parent_call_id == "toolu_agent"
    assert (sub.info.lineage.relation, sub.info.lineage.parent_trace) == ("subagent", main.session_id)
    assert replies(sub) == played.script[INNER]
    assert calls(sub)["toolu_inner"][1].content.strip() == "1"
    for one in (main, sub):
        assert one.info.malformed == []
        assert one.info.outcome.ended == "completed"
        assert trace.to_builtins(trace.from_builtins(trace.to_builtins(one))) == trace.to_builtins(one)
    assert (main.info.outcome.tool_errors, main.agent.version) == (2, played.version)
    assert main.info.totals.replies == len(played.script[PROMPT])


def hooks_told_it(played: Played) -> None:
    """The spool has every event, once; the trace what they add."""
    main = read()[0]
    (path,) = (played.home / "spool" / "claude_code").iterdir()
    assert path.name == f"{main.session_id}.jsonl" == f"{played.answer['session_id']}.jsonl"
    told = [json.loads(line)["event"] for line in path.read_bytes().splitlines()]
    counts = Counter(event["hook_event_name"] for event in told if event.get("agent_type") != "Explore")
    assert counts["SessionStart"] == counts["UserPromptSubmit"] == counts["Stop"] == counts["SessionEnd"] == 1
    assert told[-1]["hook_event_name"] == "SessionEnd"
    by_call = Counter((event["hook_event_name"], event["tool_use_id"]) for event in told if "tool_use_id" in event)
    wanted = {("PreToolUse", f"toolu_{name}") for name in ("ok", "failed", "write", "denied", "agent", "inner")}
    wanted |= {("PostToolUse", f"toolu_{name}") for name in ("ok", "write", "agent", "inner")}
    wanted |= {("PostToolUseFailure", "toolu_failed")}
    assert by_call == Counter(wanted)
    assert counts["SubagentStart"] >= 1
    assert counts["SubagentStop"] >= 1
    assert main.info.source.captured_by == "hook"
    assert main.info.outcome.end_reason == "other"
    assert "Exit code 3" in calls(main)["toolu_failed"][0].extra.bashgym.error
    kept = [event.raw.get("attachment", {}).get("type", "") for event in main.info.events if event.type == "attachment"]
    assert not [kind for kind in kept if kind.startswith("hook_")], "what a hook prints gets into the session"


def archive_has_it(played: Played) -> None:
    """Every file of the session, as it is when nothing writes any more."""
    root, archive = played.config / "projects", played.home / "archive" / "claude_code"
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) >= 2

    def unpacked(path: Path) -> bytes | None:
        copy = archive / path.relative_to(root).with_name(path.name + ".gz")
        return gzip.decompress(copy.read_bytes()) if copy.exists() else None

    until = time.monotonic() + 20
    while any(unpacked(path) != path.read_bytes() for path in files) and time.monotonic() < until:
        time.sleep(0.2)
    assert {path: unpacked(path) for path in files} == {path: path.read_bytes() for path in files}


@pytest.mark.parametrize("version", VERSIONS)
def test_installed_by_our_installer(version: str, play: Callable[..., Played]):
    played = play(version, install=True)
    holds_what_was_played(played)
    hooks_told_it(played)
    archive_has_it(played)


@pytest.mark.parametrize("version", VERSIONS)
def test_as_a_plugin(version: str, play: Callable[..., Played]):
    played = play(version, "--plugin-dir", str(ROOT))
    holds_what_was_played(played)
    hooks_told_it(played)
    archive_has_it(played)


def test_a_sub_agent_in_the_background(play: Callable[..., Played]):
    """As recent clients start them: the call answers at once, what was found comes as a notification."""
    played = play(VERSIONS[-1], install=True, background=True)
    main, sub = read()
    assert (sub.info.lineage.parent_call_id, sub.info.lineage.parent_trace) == ("toolu_agent", main.session_id)
    assert replies(sub) == played.script[INNER]
    assert replies(main)[: len(played.script[PROMPT])] == [unsigned(blocks) for blocks in played.script[PROMPT]]
    (told,) = [step.message for step in main.steps if step.info.kind == "task_notification"]
    assert "toolu_agent" in told
    assert "One file." in told


def test_both_keep_every_event_once(play: Callable[..., Played]):
    played = play(VERSIONS[-1], "--plugin-dir", str(ROOT), install=True)
    hooks_told_it(played)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_plugin_is_valid(version: str, tmp_path: Path):
    claude = clients.claude(version)
    env = environment(tmp_path / "home", tmp_path / "config", tmp_path, claude)
    done = subprocess.run(
        [claude, "plugin", "validate", str(ROOT)], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation passed" in done.stdout
