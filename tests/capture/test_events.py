"""The one list of events, and what of it a client gets."""

import json
from pathlib import Path

from bashgym.capture import events

ROOT = Path(__file__).resolve().parents[2]


def test_a_client_gets_only_what_it_knows():
    unknown, old, newest = (events.registered(version) for version in (None, "2.0.76", "2.1.329"))
    assert list(unknown) == [
        "SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStop", "Stop", "PreCompact",
        "SessionEnd",
    ]  # fmt: skip
    assert set(old) - set(unknown) == {"PostToolUseFailure", "PermissionRequest", "SubagentStart"}
    assert set(newest) - set(old) == {
        "PermissionDenied", "StopFailure", "PostCompact", "PreModelSwitch", "PostModelSwitch",
    }  # fmt: skip
    assert "PostToolUseFailure" not in events.registered("2.0.9"), "versions are numbers, not text"
    assert events.registered("2.1.329 (Claude Code)") == newest


def test_never_those_that_break_or_flood():
    everything = set(events.registered("99.0"))
    assert not everything & {"WorktreeCreate", "WorktreeRemove", "MessageDisplay", "FileChanged"}


def test_the_plugin_names_every_file_of_hooks():
    plugin = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_bytes())
    files = [path.name for path in events.layers()]
    assert files[0] == "hooks.json", "Claude Code reads this one itself"
    assert plugin["hooks"] == [f"./hooks/{name}" for name in files[1:]]


def test_every_hook_is_the_launcher_and_never_fails():
    for path in events.layers():
        for groups in json.loads(path.read_bytes())["hooks"].values():
            (hook,) = groups[0]["hooks"]
            assert hook["command"] == 'sh "${CLAUDE_PLUGIN_ROOT}/hooks/capture.sh" >/dev/null 2>&1 || :'
            assert len(groups) == 1
            assert 5 <= hook["timeout"] <= 30


def test_the_plugin_is_of_this_version():
    from bashgym import __version__

    plugin = json.loads((ROOT / ".claude-plugin" / "plugin.json").read_bytes())
    assert plugin["version"] == __version__
    market = json.loads((ROOT / ".claude-plugin" / "marketplace.json").read_bytes())
    assert [(one["name"], one["source"]) for one in market["plugins"]] == [(plugin["name"], "./")]
