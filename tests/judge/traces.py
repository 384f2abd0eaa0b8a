"""Small traces built by hand: one function per kind of step, `trace` puts them together."""

from itertools import count
from typing import Any

from bashgym.trace import (
    Agent,
    CallExtra,
    CallInfo,
    Observation,
    ObservationResult,
    Outcome,
    ResultExtra,
    ResultInfo,
    SourceInfo,
    Step,
    StepExtra,
    StepInfo,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
)

IDS = count(1)
REFUSED = "The user doesn't want to proceed with this tool use."


def human(text: str) -> Step:
    return Step(step_id=0, source="user", message=text, extra=StepExtra(bashgym=StepInfo(kind="human")))


def says(text: str, kind: str = "agent") -> Step:
    return Step(step_id=0, source="agent", message=text, extra=StepExtra(bashgym=StepInfo(kind=kind)))


def notice(kind: str) -> Step:
    return Step(step_id=0, source="user", message=kind, extra=StepExtra(bashgym=StepInfo(kind=kind)))


def call(
    tool: str,
    arguments: dict[str, Any],
    text: str | None = "",
    *,
    error: bool = False,
    raw: Any = None,
    denied: str | None = None,
    exit_code: int | None = None,
    active: bool = True,
) -> Step:
    """A step with one call; `text=None` leaves the call without a result."""
    name = f"call_{next(IDS)}"
    info = ResultInfo(is_error=error or denied is not None, raw=raw, exit_code=exit_code)
    result = ObservationResult(source_call_id=name, content=text, extra=ResultExtra(bashgym=info))
    return Step(
        step_id=0,
        source="agent",
        tool_calls=[
            ToolCall(
                tool_call_id=name,
                function_name=tool,
                arguments=arguments,
                extra=CallExtra(bashgym=CallInfo(denied=denied)),
            )
        ],
        observation=None if text is None else Observation(results=[result]),
        extra=StepExtra(bashgym=StepInfo(kind="agent", active=active)),
    )


def bash(command: str, output: str = "", code: int = 0, **more: Any) -> Step:
    """A command as Claude Code keeps it: a failure's text begins with its exit code."""
    text = f"Exit code {code}\n{output}" if code else output
    raw = f"Error: {text}" if code else {"stdout": output, "stderr": "", "interrupted": False}
    return call("Bash", {"command": command}, text, **{"error": bool(code), "raw": raw, **more})


def write(path: str, content: str, **more: Any) -> Step:
    raw = {"type": "create", "filePath": path, "content": content, "originalFile": None}
    return call("Write", {"file_path": path, "content": content}, "File created", **{"raw": raw, **more})


def edit(path: str, old: str, new: str, original: str | None = None, **more: Any) -> Step:
    raw = {"filePath": path, "oldString": old, "newString": new, "userModified": False}
    raw |= {"originalFile": original} if original is not None else {}
    arguments = {"file_path": path, "old_string": old, "new_string": new}
    return call("Edit", arguments, "The file has been updated", **{"raw": raw, **more})


def read(path: str, content: str, **arguments: Any) -> Step:
    """A Read as older clients kept it: numbered lines, no structured result."""
    lines = content.removesuffix("\n").split("\n")
    text = "\n".join(f"{number:>6}→{line}" for number, line in enumerate(lines, arguments.get("offset", 1)))
    return call("Read", {"file_path": path, **arguments}, text)


def refused(step: Step) -> Step:
    """The same call, which the user did not allow."""
    only = (step.tool_calls or [])[0]
    return call(only.function_name, only.arguments, REFUSED, denied="user", raw="User rejected tool use")


def trace(*steps: Step, ended: str = "completed", kind: str = "claude_code") -> Trace:
    for number, step in enumerate(steps, 1):
        step.step_id = number
    info = TraceInfo(source=SourceInfo(kind=kind), outcome=Outcome(ended=ended))
    return Trace(session_id="s", agent=Agent(name="claude-code"), steps=list(steps), extra=TraceExtra(bashgym=info))
