"""Claude Code sessions with retries, corrections and repaired tests, written as the client writes them."""

import json
import random
from pathlib import Path
from typing import Any

WORDS = [a + b for a in "ba ce di fo gu lam ner pos tri vel".split() for b in "dor kin mas nel pit rus sol tam".split()]  # noqa: SIM905


class Session:
    """Lines of one session; ids are of its own."""

    def __init__(self, number: int) -> None:
        self.number, self.draw = number, random.Random(number)
        self.id = f"00000000-0000-4000-8000-{number:012d}"
        self.lines: list[dict[str, Any]] = []

    def words(self, count: int = 14) -> str:
        return " ".join(self.draw.choices(WORDS, k=count))

    def add(self, kind: str, message: dict[str, Any], **more: Any) -> None:
        at = len(self.lines)
        about = {"parentUuid": f"u{self.number}-{at - 1}" if at else None, "uuid": f"u{self.number}-{at}"}
        about |= {"sessionId": self.id, "cwd": "/app", "version": "2.1.0", "isSidechain": False, "userType": "external"}
        stamp = f"2026-03-{self.number % 27 + 1:02d}T10:{at // 60:02d}:{at % 60:02d}.000Z"
        self.lines.append({**about, "type": kind, "message": message, "timestamp": stamp, **more})

    def user(self, text: str) -> None:
        self.add("user", {"role": "user", "content": text})

    def reply(self, *blocks: dict[str, Any]) -> None:
        name = f"msg_{self.number}_{len(self.lines)}"
        usage = {"input_tokens": 10, "output_tokens": 5}
        about = {"id": name, "type": "message", "role": "assistant", "model": "claude-x", "usage": usage}
        self.add("assistant", {**about, "content": list(blocks), "stop_reason": "end_turn"}, requestId=f"r{name}")

    def says(self, text: str) -> None:
        self.reply({"type": "text", "text": text})

    def call(self, tool: str, arguments: dict[str, Any], output: str, error: bool = False) -> None:
        name = f"toolu_{self.number}_{len(self.lines)}"
        self.reply({"type": "tool_use", "id": name, "name": tool, "input": arguments})
        result = {"type": "tool_result", "tool_use_id": name, "content": output, "is_error": error}
        self.add("user", {"role": "user", "content": [result]}, toolUseResult=output)

    def bash(self, command: str, output: str, code: int = 0) -> None:
        self.call("Bash", {"command": command}, f"Exit code {code}\n{output}" if code else output, bool(code))

    def edit(self, path: str, old: str, new: str) -> None:
        self.call("Edit", {"file_path": path, "old_string": old, "new_string": new}, "The file has been updated.")


def session(number: int) -> Session:
    """One retry, one edit that repairs the tests, one correction that is followed."""
    made = Session(number)
    name = made.draw.choice(WORDS)
    made.user(f"Fix the {name} module. {made.words(30)}")
    made.bash(f"tar --unpak -f {name}.tar", "tar: unrecognized option '--unpak'", 64)
    made.bash(f"tar --extract -f {name}.tar", "done")
    made.bash("python -m pytest", "=== 1 failed, 3 passed in 0.10s ===", 1)
    made.edit(f"/app/{name}.py", "pass", f"def load_{name}(rows):\n    return [rows]  # {made.words()}")
    made.bash("python -m pytest", "=== 4 passed in 0.10s ===")
    made.says(f"load_{name} is there: {made.words()}")
    made.user("No, it should return the rows instead of a list of them.")
    made.edit(f"/app/{name}.py", "return [rows]", "return rows")
    made.bash("python -m pytest", "=== 4 passed in 0.11s ===")
    made.says(f"load_{name} returns the rows now. {made.words(20)}")
    return made


def project(folder: Path, count: int) -> Path:
    """`count` sessions below a folder as Claude Code keeps them."""
    for number in range(count):
        made = session(number)
        file = folder / f"-app-{number % 3}" / f"{made.id}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(json.dumps(line) + "\n" for line in made.lines))
    return folder
