"""Hand-written sessions: lines as Claude Code writes them, one call per line."""

import json
from collections import Counter
from pathlib import Path

import pytest

from bashgym.claude_code import files, session

SESSION = "11111111-2222-4333-8444-555555555555"


class Scribe:
    """Writes lines in order; each line's parent is the one before unless told otherwise."""

    def __init__(self, folder: Path, name: str = f"{SESSION}.jsonl") -> None:
        self.path = folder / name
        self.lines: list[bytes] = []
        self.last: str | None = None
        self.common = {"sessionId": SESSION, "version": "2.1.40", "cwd": "/w/proj", "isSidechain": False}

    def raw(self, line: bytes) -> int:
        self.lines.append(line)
        return len(self.lines)

    def line(self, **value) -> str | None:
        """A line of the chain, or outside of it with uuid=None; returns its uuid."""
        number = len(self.lines) + 1
        value = {"uuid": f"u{number}", "parentUuid": self.last, "timestamp": f"2026-01-01T00:00:{number:02d}Z", **value}
        value = {**self.common, **value}
        if value["uuid"] is None:
            del value["uuid"], value["parentUuid"]
        self.raw(json.dumps(value).encode())
        self.last = value.get("uuid") or self.last
        return value.get("uuid")

    def user(self, content, **more) -> str | None:
        return self.line(type="user", message={"role": "user", "content": content}, **more)

    def reply(self, *blocks, id="m1", request="r1", usage=None, model="claude-x", stop=None, **more) -> str | None:
        message = {"id": id, "role": "assistant", "model": model, "content": list(blocks), "stop_reason": stop}
        if usage is not None:
            message["usage"] = usage
        return self.line(type="assistant", message=message, requestId=request, **more)

    def result(self, call, content="ok", failed=None, **more) -> str | None:
        block = {"type": "tool_result", "tool_use_id": call, "content": content}
        if failed is not None:
            block["is_error"] = failed
        return self.user([block], **more)

    def traces(self, end: bytes = b"\n"):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"\n".join(self.lines) + end)
        (ref,) = [ref for ref in files.sessions(self.path.parent) if ref.path == str(self.path)]
        found = session.read(ref)
        accounted(ref, found)
        return found

    def trace(self, end: bytes = b"\n"):
        (found,) = self.traces(end)
        return found


def text(words):
    return {"type": "text", "text": words}


def call(id, name="Bash", **arguments):
    return {"type": "tool_use", "id": id, "name": name, "input": arguments}


def places(found):
    """Every (file, line) that some place in the traces claims."""
    for trace in found:
        names = [file.path for file in trace.info.source.files]
        for step in trace.steps:
            yield from ((names[0], number) for number in step.info.line_nos)
            for result in step.observation.results if step.observation else ():
                number = result.extra.bashgym.line_no
                if number is not None:
                    yield names[0], number
        for one in [*trace.info.events, *trace.info.malformed]:
            if one.line_no is not None:
                yield names[one.file], one.line_no


def accounted(ref, found):
    """Each line that is not blank is in exactly one place."""
    lines = [
        (name, number)
        for name in (ref.path, *ref.files)
        if "agent-acompact" not in name
        for number, line in enumerate(Path(name).read_bytes().split(b"\n"), 1)
        if line.strip()
    ]
    assert Counter(places(found)) == Counter(lines)


@pytest.fixture
def scribe(tmp_path):
    return Scribe(tmp_path)


@pytest.fixture
def write():
    """The vocabulary of the tests: write.text, write.call, write.Scribe, write.accounted, write.SESSION."""

    class Words:
        pass

    Words.text, Words.call, Words.Scribe = staticmethod(text), staticmethod(call), Scribe
    Words.accounted, Words.SESSION = staticmethod(accounted), SESSION
    return Words
