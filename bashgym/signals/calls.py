"""Tool calls with their results, in order; which tools run commands, write or read files, here and in peers."""

import re
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from bashgym.trace import ObservationResult, Step, ToolCall, Trace, plain

SHELL_TOOLS = frozenset({
    "bash", "shell", "sh", "terminal", "run_shell_command", "exec_command", "shell_command", "local_shell",
    "execute_command", "run_terminal_cmd", "run_command", "runcommand", "execute", "exec", "container.exec",
})  # fmt: skip
LATER_OUTPUT = frozenset({"bashoutput", "taskoutput", "agentoutput"})  # what a background command has printed since
WRITE_TOOLS = frozenset({"write", "write_file", "writefile", "create_file", "create"})
EDIT_TOOLS = frozenset({"edit", "replace", "str_replace", "edit_file", "multiedit", "str_replace_editor"})
EDIT_TOOLS |= {"str_replace_based_edit_tool"}
OPAQUE_TOOLS = frozenset({"notebookedit", "apply_patch", "patch", "applypatch", "search_replace", "edit_notebook"})
AGENT_TOOLS = frozenset({"task", "agent", "spawn_agent", "delegate"})
READING_AGENTS = frozenset({"explore", "plan", "claude-code-guide", "statusline-setup"})
READ_TOOLS = frozenset({"read", "read_file", "readfile", "view"})
WRITING_NAME = re.compile(r"write|edit|create|patch|replace|insert|delete|move|rename|apply")
EXIT_CODE = re.compile(r"\s*(?:Error: )?Exit code:? (\d+)", re.IGNORECASE)
CUT = re.compile(
    r"<persisted-output>|\[\d+ (?:lines|characters) truncated\]|Output too large|output was truncated", re.IGNORECASE
)


class Called(NamedTuple):
    """One call on the branch the session ended on. `at` orders calls: position of the step, position in the step."""

    at: tuple[int, int]
    step: Step
    call: ToolCall
    result: ObservationResult | None

    @property
    def tool(self) -> str:
        return self.call.function_name.lower()

    @property
    def raw(self) -> Any:
        return self.result.extra.bashgym.raw if self.result else None

    @property
    def text(self) -> str:
        """What the model saw of the result."""
        return plain(self.result.content) if self.result else ""

    @property
    def failed(self) -> bool:
        return bool(self.result and self.result.extra.bashgym.is_error)

    @property
    def took_effect(self) -> bool:
        """Whether it ran to its end without an error; a call without a result is not known to have."""
        return self.result is not None and not self.failed and self.call.extra.bashgym.denied is None

    @property
    def cut(self) -> bool:
        """Whether the output was shortened before the model, or this trace, saw it."""
        return bool(self.result and self.result.extra.bashgym.truncated) or bool(CUT.search(self.text))


def calls(trace: Trace) -> Iterator[Called]:
    """The calls on the active branch, each with its result."""
    for number, step in enumerate(trace.steps):
        if step.tool_calls and step.info.active:
            results = step.results()
            for index, call in enumerate(step.tool_calls):
                yield Called((number, index), step, call, results.get(call.tool_call_id))


def argument(called: Called, *names: str) -> Any:
    """The first argument that bears one of `names`, however the agent spells it (file_path, filePath)."""
    folded = {name.replace("_", "").lower(): value for name, value in called.call.arguments.items()}
    return next((folded[name] for name in names if folded.get(name) is not None), None)


def path_of(called: Called) -> str | None:
    found = argument(called, "filepath", "path", "absolutepath", "notebookpath", "targetfile", "file")
    return found if isinstance(found, str) else None


def command_line(called: Called) -> str | None:
    """The command a call runs; for a look at a background command's output, the command that printed it."""
    if called.tool in LATER_OUTPUT:
        command = called.raw.get("command") if isinstance(called.raw, dict) else None
        return command if isinstance(command, str) else None
    if called.tool not in SHELL_TOOLS:
        return None
    command = argument(called, "command", "cmd", "commandline", "script")
    if isinstance(command, list):
        return shlex.join(str(word) for word in command)
    return command if isinstance(command, str) else None


def exit_code(called: Called, trace: Trace) -> int | None:
    """The exit code of a command, None where it is not known: still running, killed, or an agent that does not tell.

    Claude Code keeps none and begins the text of a failure with "Exit code N"; no error is its word for 0. Other
    agents call a command that failed a success, so that their silence means nothing."""
    if called.result is None or called.call.extra.bashgym.denied:
        return None
    info = called.result.extra.bashgym
    if info.exit_code is not None:
        return info.exit_code
    raw = info.raw if isinstance(info.raw, dict) else {}
    if "exitCode" in raw:
        return raw["exitCode"] if isinstance(raw["exitCode"], int) else None
    if raw.get("interrupted") or raw.get("backgroundTaskId") or argument(called, "runinbackground"):
        return None
    if told := EXIT_CODE.match(called.text):
        return int(told[1])
    quiet_is_zero = "stdout" in raw or trace.info.source.kind == "claude_code"
    return 0 if quiet_is_zero and not info.is_error else None
