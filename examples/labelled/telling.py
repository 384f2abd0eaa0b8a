"""Stories told as traces. A story is plain data (YAML or made by code); what it says of files is held to be true: an
edit whose old text is not in the file, or is there more than once, is an error of the story.

    id, about, why     what it is; label: {class, hacked, unsafe}
    agent              claude_code (as if left out), codex, gemini or opencode: whose tools are used
    files              what is there when it begins, by path
    steps              user, say, think, read, grep, edit, write, run, patch, interrupt, api_error, reject"""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from bashgym.trace import (
    Agent,
    CallExtra,
    CallInfo,
    Observation,
    ObservationResult,
    Outcome,
    ProjectInfo,
    ResultExtra,
    ResultInfo,
    SourceInfo,
    Step,
    StepExtra,
    StepInfo,
    StepKind,
    ToolCall,
    Trace,
    TraceExtra,
    TraceInfo,
    to_builtins,
)

ROOT = "/home/dev/code/project"
REFUSED = "The user doesn't want to proceed with this tool use. The tool use was rejected."
NAMES = {"claude_code": "claude-code", "codex": "codex", "gemini": "gemini-cli", "opencode": "opencode"}
TOOLS = {  # by agent: running, reading, editing, writing, looking
    "claude_code": ("Bash", "Read", "Edit", "Write", "Grep"),
    "codex": ("exec_command", "exec_command", "apply_patch", "apply_patch", "exec_command"),
    "gemini": ("run_shell_command", "read_file", "replace", "write_file", "search_file_content"),
    "opencode": ("bash", "read", "edit", "write", "grep"),
}
Story = dict[str, Any]


class Answer(NamedTuple):
    """What came of a call."""

    text: str
    raw: Any = None
    code: int | None = None
    error: bool = False


class Telling:
    """One story while it is told: the files as they are, the steps so far."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.agent = story.get("agent", "claude_code")
        self.run_tool, self.read_tool, self.edit_tool, self.write_tool, self.grep_tool = TOOLS[self.agent]
        self.files: dict[str, str] = dict(story.get("files") or {})
        self.steps: list[Step] = []
        self.thought: str | None = None
        self.calls = 0

    def told(self) -> Trace:
        for step in self.story["steps"]:
            (verb,) = [name for name in step if name in VERBS]
            getattr(self, f"on_{verb}")(step[verb], step)
        outcome = Outcome(ended=self.story.get("ended", "completed"))
        info = TraceInfo(source=SourceInfo(kind=self.agent), project=ProjectInfo(cwd=ROOT), outcome=outcome)
        name = hashlib.sha256(self.story["id"].encode()).hexdigest()
        session = f"{name[:8]}-{name[8:12]}-4{name[13:16]}-8{name[17:20]}-{name[20:32]}"
        return Trace(
            session_id=session, agent=Agent(name=NAMES[self.agent]), steps=self.steps, extra=TraceExtra(bashgym=info)
        )

    def on_user(self, text: str, _: Story) -> None:
        self.add("user", "human", text)

    def on_say(self, text: str, _: Story) -> None:
        self.add("agent", "agent", text)

    def on_think(self, text: str, _: Story) -> None:
        self.thought = text

    def on_interrupt(self, *_: Any) -> None:
        self.add("user", "interrupt", "[Request interrupted by user]")

    def on_api_error(self, text: str, _: Story) -> None:
        self.add("agent", "api_error", text)

    def on_read(self, path: str, _: Story) -> None:
        text = self.files[path]
        if self.agent == "codex":
            return self.call({"cmd": f"cat {path}"}, Answer(text, code=0), self.read_tool)
        rows = text.removesuffix("\n").split("\n")
        numbered = "\n".join(f"{number:>6}→{row}" for number, row in enumerate(rows, 1))
        part = {"filePath": absolute(path), "content": text, "numLines": len(rows), "startLine": 1}
        raw = {"type": "text", "file": {**part, "totalLines": len(rows)}} if self.agent == "claude_code" else None
        return self.call(self.at(path), Answer(numbered if raw else text, raw), self.read_tool)

    def on_grep(self, pattern: str, step: Story) -> None:
        if self.agent == "codex":
            return self.call({"cmd": f"rg -n {pattern}"}, Answer(step.get("out", ""), code=0), self.grep_tool)
        return self.call({"pattern": pattern}, Answer(step.get("out", "")), self.grep_tool)

    def on_edit(self, edit: Story, step: Story) -> None:
        path, old, new = edit["path"], edit["old"], edit["new"]
        before = self.files[path]
        found = before.count(old)
        if not found or (found > 1 and not edit.get("all")):
            raise ValueError(f"{self.story['id']}: {old!r} occurs {found} times in {path}")
        if not step.get("rejected"):
            self.files[path] = before.replace(old, new)
        if self.agent == "codex":
            return self.patched(path, before, self.files[path])
        names = ("oldString", "newString") if self.agent == "opencode" else ("old_string", "new_string")
        arguments = {**self.at(path), names[0]: old, names[1]: new}
        raw = {"filePath": absolute(path), "oldString": old, "newString": new, "originalFile": before}
        known = {**raw, "userModified": False, "replaceAll": bool(edit.get("all"))}
        answer = Answer("The file has been updated.", known if self.agent == "claude_code" else None)
        return self.call(arguments, answer, self.edit_tool, step)

    def on_write(self, write: Story, step: Story) -> None:
        path, text = write["path"], write["content"]
        before = self.files.get(path)
        self.files[path] = text
        if self.agent == "codex":
            return self.patched(path, before, text)
        kind = "create" if before is None else "update"
        raw = {"type": kind, "filePath": absolute(path), "content": text, "originalFile": before}
        answer = Answer("File written.", raw if self.agent == "claude_code" else None)
        return self.call({**self.at(path), "content": text}, answer, self.write_tool, step)

    def on_patch(self, text: str, step: Story) -> None:
        self.call({"input": text}, Answer("Success. Updated the following files:", code=0), "apply_patch", step)

    def patched(self, path: str, before: str | None, after: str) -> None:
        """The whole file in Codex's patch format: rows that go, rows that come."""
        if before is None:
            rows = [f"+{row}" for row in after.removesuffix("\n").split("\n")]
            text = "\n".join(["*** Begin Patch", f"*** Add File: {path}", *rows, "*** End Patch"])
        else:
            rows = [f"-{row}" for row in before.removesuffix("\n").split("\n")]
            rows += [f"+{row}" for row in after.removesuffix("\n").split("\n")]
            text = "\n".join(["*** Begin Patch", f"*** Update File: {path}", "@@", *rows, "*** End Patch"])
        self.call({"input": text}, Answer("Success.", code=0), "apply_patch")

    def on_run(self, command: str, step: Story) -> None:
        out, code = step.get("out", "").removesuffix("\n"), step.get("code", 0)
        for path in step.get("restores", ()):  # what the command takes back
            self.files[path] = self.story["files"][path]
        if self.agent == "codex":
            text = f"Wall time: 0.1 seconds\nProcess exited with code {code}\nOutput:\n{out}"
            return self.call({"cmd": command}, Answer(text, code=code, error=bool(code)), self.run_tool, step)
        if self.agent == "gemini":
            text = f"Command: {command}\nDirectory: (root)\nOutput: {out}\nError: (none)\nExit Code: {code}"
            return self.call({"command": command}, Answer(text, code=code), self.run_tool, step)
        if self.agent == "opencode":
            return self.call({"command": command}, Answer(out, code=code), self.run_tool, step)
        text = f"Exit code {code}\n{out}" if code else out
        raw = f"Error: {text}" if code else {"stdout": out, "stderr": "", "interrupted": False}
        arguments = {"command": command}
        return self.call(arguments, Answer(text, raw, error=bool(code)), self.run_tool, step)

    def at(self, path: str) -> dict[str, str]:
        return {"filePath" if self.agent == "opencode" else "file_path": absolute(path)}

    def call(self, arguments: dict[str, Any], answer: Answer, tool: str, step: Story | None = None) -> None:
        """A reply with one call and its result."""
        self.calls += 1
        name = f"call_{self.calls:04d}"
        rejected = bool((step or {}).get("rejected"))
        info = ResultInfo(is_error=answer.error or rejected, raw=answer.raw, exit_code=answer.code)
        content = REFUSED if rejected else answer.text
        result = ObservationResult(source_call_id=name, content=content, extra=ResultExtra(bashgym=info))
        about = CallExtra(bashgym=CallInfo(denied="user" if rejected else None))
        made = ToolCall(tool_call_id=name, function_name=tool, arguments=arguments, extra=about)
        self.add("agent", "agent", "", [made], Observation(results=[result]))

    def add(
        self,
        source: Any,
        kind: StepKind,
        text: str,
        calls: list[ToolCall] | None = None,
        observation: Observation | None = None,
    ) -> None:
        thought, self.thought = (self.thought, None) if source == "agent" else (None, self.thought)
        number = len(self.steps) + 1
        info = StepInfo(kind=kind, message_id=f"msg_{number:04d}" if source == "agent" else None)
        self.steps.append(
            Step(
                step_id=number,
                source=source,
                message=text,
                timestamp=f"2026-05-04T09:{number // 60:02d}:{number % 60:02d}.000Z",
                reasoning_content=thought,
                tool_calls=calls,
                observation=observation,
                extra=StepExtra(bashgym=info),
            )
        )


VERBS = frozenset(name.removeprefix("on_") for name in vars(Telling) if name.startswith("on_"))


def absolute(path: str) -> str:
    return path if path.startswith(("/", "~")) else f"{ROOT}/{path}"


def line(story: Story, group: str) -> dict[str, Any]:
    """One line of a labelled set."""
    label = story["label"]
    return {
        "id": story["id"],
        "set": group,
        "about": story.get("about", ""),
        "label": {"class": label["class"], "hacked": label.get("hacked", ""), "unsafe": label.get("unsafe", "")},
        "why": story.get("why", ""),
        "trace": to_builtins(Telling(story).told()),
    }


def lines(stories: list[Story], group: str) -> Iterator[dict[str, Any]]:
    known: set[str] = set()
    for story in stories:
        if story["id"] in known:
            raise ValueError(f"{story['id']} is told twice")
        known.add(story["id"])
        yield line(story, group)
