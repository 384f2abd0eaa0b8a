"""A session at work: prompts, replies and tool calls, done in a workspace and written to a transcript."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from client import checks, identity, suite
from client.transcript import NEW, Transcript
from client.twist import REJECTED, REJECTED_WITH_WORDS, TurnOver, Twist
from client.workspace import Workspace

Call = tuple[str, dict[str, Any]]
Answer = tuple[Any, Any, bool | None]  # what the model sees, what the client knows, is_error
KEPT = (
    "Todos have been modified successfully. Ensure that you continue to use the todo list to track your progress. "
    "Please proceed with the current tasks if applicable"
)
CONTINUED = (
    "This session is being continued from a previous conversation that ran out of context. "
    "The summary below covers the earlier portion of the conversation.\n\n"
)


@dataclass
class Desk:
    """`twist` is what goes differently in this session; story code does not know of it."""

    transcript: Transcript
    workspace: Workspace
    rng: random.Random
    twist: Twist = field(default_factory=Twist)
    replies: int = 0
    opening: list[dict[str, Any]] = field(default_factory=list)
    started: datetime | None = None
    todos: list[dict[str, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)  # prompts of this session, for a summary
    agents: list[tuple[Transcript, dict[str, str]]] = field(default_factory=list)
    outputs: dict[str, tuple[int, str]] = field(default_factory=dict)  # of commands that only pretend to run
    errand: tuple[Sequence[Call], str] = ((), "")  # what the next sub-agent does and reports
    queue_next: bool = False  # the next prompt is typed while the model is at work

    # what is said

    def ask(self, text: str) -> None:
        if self.queue_next:
            self.queue_next = False
            line = {"type": "queue-operation", "operation": "enqueue", "timestamp": self.transcript.stamp()}
            self.transcript.note({**line, "sessionId": self.transcript.session, "content": text})
            line = {"type": "queue-operation", "operation": "dequeue", "timestamp": self.transcript.stamp()}
            self.transcript.note({**line, "sessionId": self.transcript.session})
        if self.twist.untested:
            text += self.rng.choice(
                [". no need to run the tests", ", dont run the tests", ". skip the tests, they are slow"]
            )
        self.transcript.asked(text)
        self.started = self.transcript.now
        self.done.append(text)

    def think(self, text: str) -> None:
        self.opening.append({"type": "thinking", "thinking": text, "signature": identity.signature(self.rng)})

    def say(self, text: str) -> None:
        self.opening.append({"type": "text", "text": text})

    def reply(self, text: str) -> None:
        """The words that end a turn."""
        self.say(text)
        self.send([])
        self.transcript.stopped(self.started or self.transcript.now)

    # what is done

    def read(self, *paths: str) -> None:
        self.use(*[("Read", {"file_path": self.workspace.absolute(path)}) for path in paths])

    def edit(self, path: str, old: str, new: str, replace_all: bool = False) -> None:
        arguments = {"file_path": self.workspace.absolute(path), "old_string": old, "new_string": new}
        self.use(("Edit", {**arguments, "replace_all": replace_all}))

    def write(self, path: str, text: str) -> None:
        self.use(("Write", {"file_path": self.workspace.absolute(path), "content": text}))

    def grep(self, pattern: str) -> None:
        self.use(("Grep", {"pattern": pattern, "output_mode": "content", "-n": True}))

    def glob(self, pattern: str) -> None:
        self.use(("Glob", {"pattern": pattern}))

    def bash(self, command: str, description: str, output: str = "", code: int = 0) -> None:
        """Runs a command; `output` is what a command prints that this module cannot run."""
        self.outputs[command] = (code, output)
        self.use(("Bash", {"command": command, "description": description}))

    def test(self) -> None:
        if not self.twist.untested:
            self.bash("pytest -q", "Run the tests")

    def lint(self) -> None:
        self.bash("ruff check . --output-format concise", "Run the linter")

    def types(self) -> None:
        self.bash("mypy src", "Run the type checker")

    def commit(self, message: str) -> None:
        self.bash(f'git add -A && git commit -m "{message}"', "Commit the change")

    def todo(self, *items: tuple[str, str, str]) -> None:
        """Items: what, what is being done, status."""
        todos = [{"content": what, "status": status, "activeForm": doing} for what, doing, status in items]
        self.use(("TodoWrite", {"todos": todos}))

    def delegate(self, description: str, prompt: str, work: Sequence[Call], report: str) -> None:
        """Hands a question to a sub-agent, which makes the calls of `work` and reports."""
        arguments = {"description": description, "prompt": prompt, "subagent_type": "general-purpose"}
        self.errand = (work, report)
        self.use((self.transcript.era.task_tool, arguments))

    # how it is written down

    def use(self, *calls: Call) -> None:
        """One reply with tool calls, and their results."""
        self.happen(calls)
        ids = [identity.call_id(self.rng) for _ in calls]
        blocks = [
            {"type": "tool_use", "id": fresh, "name": name, "input": arguments}
            for fresh, (name, arguments) in zip(ids, calls, strict=True)
        ]
        uuids = self.send(blocks)
        for fresh, source, call in zip(ids, uuids[-len(calls) :], calls, strict=True):
            self.finish(fresh, source, call)

    def send(self, blocks: list[dict[str, Any]]) -> list[str]:
        opening, self.opening = self.opening, []
        self.replies += 1
        self.transcript.tick(900, 5000)
        return self.transcript.replied([*opening, *blocks])

    def finish(self, call_id: str, source: str, call: Call) -> None:
        if self.twist.rejects(call):
            self.reject(call_id, source)
        if call[0] == "Bash" and self.rng.random() < 0.15:
            data = {"type": "bash_progress", "output": "", "fullOutput": "", "elapsedTimeSeconds": 2, "totalLines": 0}
            self.transcript.progress(data, call_id, "bash-progress-0")
        content, raw, error = self.perform(call, call_id)
        self.transcript.tick(40, 2500)
        self.transcript.answered(call_id, source, content, raw, error)

    def perform(self, call: Call, call_id: str) -> Answer:
        name, arguments = call
        path = str(arguments.get("file_path", "")).removeprefix(self.workspace.root + "/")
        if name == "Read":
            return *self.workspace.read(path), None
        if name == "Edit":
            return *self.workspace.edit(
                path, arguments["old_string"], arguments["new_string"], arguments["replace_all"]
            ), None
        if name == "Write":
            return *self.workspace.write(path, arguments["content"]), None
        if name == "Grep":
            return *self.workspace.grep(arguments["pattern"]), None
        if name == "Glob":
            return *self.workspace.glob(arguments["pattern"]), None
        if name == "TodoWrite":
            return self.kept(arguments["todos"])
        if name == "Bash":
            return self.ran(*self.execute(arguments["command"]))
        return self.delegated(arguments, call_id)

    def kept(self, todos: list[dict[str, str]]) -> Answer:
        old, self.todos = self.todos, todos
        return KEPT, {"oldTodos": old, "newTodos": todos}, None

    def ran(self, code: int, output: str) -> Answer:
        if code:
            text = f"Exit code {code}\n{output}"
            return text, f"Error: {text}", True
        return output, {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}, False

    def execute(self, command: str) -> tuple[int, str]:
        files = self.workspace.files
        if command == "pytest -q":
            return suite.run(files, f"0.0{self.rng.randint(2, 9)}")
        if command.startswith("ruff check"):
            return checks.ruff(files)
        if command == "mypy src":
            return checks.mypy(files)
        if command.startswith("bash -n "):
            return (
                (0, "")
                if checks.bash_syntax(files[command.split()[-1]])
                else (2, "syntax error: unexpected end of file")
            )
        if command.startswith("git add -A && git commit"):
            return 0, self.committed(command.split('"')[1])
        if command.startswith("cat "):
            return 0, files[command.split()[-1]].rstrip("\n")
        return self.outputs[command]

    def committed(self, message: str) -> str:
        changed, added, removed, fresh = self.workspace.commit()
        counts = [f"{changed} file{'s' if changed != 1 else ''} changed"]
        counts += [f"{added} insertion{'s' if added != 1 else ''}(+)"] if added else []
        counts += [f"{removed} deletion{'s' if removed != 1 else ''}(-)"] if removed else []
        head = f"[{self.transcript.branch} {identity.commit_hash(self.rng)}] {message}"
        return "\n".join([head, " " + ", ".join(counts), *[f" create mode 100644 {path}" for path in fresh]])

    def delegated(self, arguments: dict[str, Any], call_id: str) -> Answer:
        """The sub-agent's own file, and the answer its parent sees."""
        outer, agent = self.transcript, identity.agent_id(self.rng)
        inner = Transcript(
            outer.era, outer.version, outer.session, outer.cwd, outer.branch, outer.slug, outer.now, self.rng, agent
        )
        work, report = self.errand
        helper = Desk(inner, self.workspace, self.rng)
        inner.asked(arguments["prompt"])
        for call in work:
            helper.use(call)
        helper.say(report)
        helper.send([])
        self.agents.append((inner, {"agentType": arguments["subagent_type"], "description": arguments["description"]}))
        spent = int((inner.now - outer.now).total_seconds() * 1000)
        outer.now = inner.now
        usage = inner.lines[-1]["message"]["usage"]
        total = sum(usage[key] for key in usage if key.endswith("_tokens"))
        tail = f"agentId: {agent} (for resuming to continue this agent's work if needed)\n"
        tail += f"<usage>total_tokens: {total}\ntool_uses: {len(work)}\nduration_ms: {spent}</usage>"
        raw = {
            "status": "completed",
            "prompt": arguments["prompt"],
            "agentId": agent,
            "content": [{"type": "text", "text": report}],
        }
        raw |= {"totalDurationMs": spent, "totalTokens": total, "totalToolUseCount": len(work), "usage": usage}
        return [{"type": "text", "text": report}, {"type": "text", "text": tail}], raw, None

    # what goes wrong

    def happen(self, calls: tuple[Call, ...]) -> None:
        """The twists that come before a reply."""
        if self.replies == self.twist.interrupted_before:
            self.opening.clear()
            self.transcript.tick(3000, 20000)
            self.transcript.user([{"type": "text", "text": "[Request interrupted by user]"}])
            raise TurnOver
        if self.replies == self.twist.api_error_before:
            self.twist.api_error_before = -1
            for attempt in range(1, 4):
                about = {
                    "level": "error",
                    "error": {"status": 529},
                    "retryInMs": 530.5 * 2**attempt,
                    "retryAttempt": attempt,
                }
                self.transcript.system("api_error", **about, maxRetries=10)
                self.transcript.tick(500, 9000)
            if self.twist.api_error_fatal:
                self.give_up()

    def give_up(self) -> None:
        """The message the client makes up when the model cannot be reached."""
        zeros = dict.fromkeys(
            ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"], 0
        )
        text = 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
        message: dict[str, Any] = {
            "id": identity.fresh_uuid(self.rng),
            "model": "<synthetic>",
            "role": "assistant",
            "type": "message",
        }
        message |= {
            "stop_reason": "stop_sequence",
            "stop_sequence": "",
            "usage": zeros,
            "content": [{"type": "text", "text": text}],
        }
        self.transcript.chain("assistant", {"message": message, "isApiErrorMessage": True})
        raise TurnOver

    def reject(self, call_id: str, source: str) -> None:
        words = self.twist.reject_words
        self.twist.reject = ""
        self.transcript.tick(2000, 15000)
        if words:
            text = REJECTED_WITH_WORDS + words
            self.transcript.answered(call_id, source, text, f"Error: {text}", True)
        else:
            self.transcript.answered(call_id, source, REJECTED, "User rejected tool use", True)
            self.transcript.user([{"type": "text", "text": "[Request interrupted by user for tool use]"}])
        raise TurnOver

    def compact(self, summary: str) -> None:
        """The context is replaced by a summary; the chain starts anew and remembers what it followed."""
        about = {"content": "Conversation compacted", "isMeta": False, "level": "info"}
        before, after = self.transcript.cached, 14000
        metadata = {"trigger": "auto", "preTokens": before + 120000}
        last = self.transcript.tip
        self.transcript.system("compact_boundary", None, logicalParentUuid=last, **about, compactMetadata=metadata)
        self.transcript.user(CONTINUED + summary, isVisibleInTranscriptOnly=True, isCompactSummary=True)
        self.transcript.cached, self.transcript.pending = 0, after + len(summary) // 4

    def close(self) -> None:
        if self.transcript.era is NEW and self.done:
            self.transcript.note(
                {"type": "last-prompt", "lastPrompt": self.done[-1], "sessionId": self.transcript.session}
            )
