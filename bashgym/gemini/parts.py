"""Parts of Gemini's API (`text`, `inlineData`, `functionResponse` ...) as text and as parts of a step."""

import re
from typing import Any, Literal

from bashgym import jsonl
from bashgym.reading import blobs
from bashgym.reading.conversation import Content
from bashgym.reading.values import at, record, text

INJECTED = ("<session_context>", "This is the Gemini CLI. We are setting up the context", "<hook_context>")
SHELL = "run_shell_command"
EXIT = re.compile(r"^Exit Code: (-?\d+)\s*$", re.MULTILINE)
NOT_ZERO = re.compile(r"^(?:Signal: (?!\(none\))|Error: (?!\(none\)))|^Command (?:was|timed|moved)", re.MULTILINE)
BY_USER = re.compile(r"did not allow|denied execution|user (?:denied|rejected|declined)", re.IGNORECASE)
BY_RULE = re.compile(r"denied by policy|blocked by (?:admin|policy)", re.IGNORECASE)
BY_HOOK = re.compile(r"blocked by (?:\w+ )?hook", re.IGNORECASE)


def parts_of(content: Any) -> list[dict[str, Any]]:
    """A content as a list of parts: it may be a text, a part, or a list of either."""
    found = content if isinstance(content, list) else [content] if content else []
    return [one if isinstance(one, dict) else {"text" if isinstance(one, str) else "value": one} for one in found]


def texts(content: Any) -> str:
    """The texts of a content."""
    return "".join(part["text"] for part in parts_of(content) if isinstance(part.get("text"), str))


def shown(parts: list[dict[str, Any]]) -> Content:
    """Parts as a step keeps them: text as text, media as type, hash and size; calls and answers lie elsewhere."""
    found = [part for part in parts if "functionCall" not in part]
    if all(isinstance(part.get("text"), str) for part in found):
        return "".join(part["text"] for part in found)
    return [convert(part) for part in found]


def convert(part: dict[str, Any]) -> dict[str, Any]:
    if isinstance(part.get("text"), str):
        return {"type": "text", "text": part["text"]}
    data = record(part, "inlineData")
    if data:
        held = data.get("data")
        lifted = held if isinstance(held, dict) else blobs.digest(held) if isinstance(held, str) else {}
        return {"type": "image", "media_type": text(data, "mimeType"), **lifted}
    return {"type": next(iter(part), "other"), **part}


def answer(parts: list[dict[str, Any]]) -> Content:
    """What the model saw of a result: the output or error of each response, and the parts beside them."""
    found: list[dict[str, Any]] = []
    for part in parts:
        response = at(part, "functionResponse", "response")
        if response is None:
            found.append(convert(part))
            continue
        words = text(response, "output") or text(response, "error")
        empty = isinstance(response, dict) and set(response) <= {"output", "error"}
        plain = words if words is not None else "" if empty else jsonl.dumps(response).decode()
        found.append({"type": "text", "text": plain})
        found.extend(convert(one) for one in parts_of(at(part, "functionResponse", "parts")))
    if all(part.get("type") == "text" for part in found):
        return "\n".join(part["text"] for part in found)
    return found


def exit_code(tool: str, words: str, status: str | None) -> int | None:
    """The exit code of a shell command. Since 0.2x it is written only where it is not 0: a result that begins with
    the output, names neither code, signal nor error, and was a success, is a 0."""
    if tool != SHELL:
        return None
    if told := EXIT.findall(words):
        return int(told[-1])
    quiet = status == "success" and words.startswith("Output: ") and not NOT_ZERO.search(words)
    return 0 if quiet else None


def forbidden(words: str, status: str | None) -> Literal["user", "rule", "hook"] | None:
    """Who forbade a call that did not run."""
    if status == "cancelled" and BY_USER.search(words):
        return "user"
    if status == "error":
        return "rule" if BY_RULE.search(words) else "hook" if BY_HOOK.search(words) else None
    return None


def is_injected(words: str) -> bool:
    """Whether the client wrote this in the user's name."""
    return words.lstrip().startswith(INJECTED)
