"""A model server on loopback that speaks both real protocols: OpenAI's chat completions and Anthropic's messages.

It is as strict as the real ones where clients go wrong: a missing key (401), a missing or unknown field (400), a schema
that is not closed (400). What it says is decided by a function of the prompt's text; its faults are scripted, one for
each request to come."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes.loopback import Loopback

KEY = "not-a-real-key"
OPENAI = {
    "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "response_format", "tools", "tool_choice"
}  # fmt: skip
ANTHROPIC = {"model", "messages", "max_tokens", "temperature", "system", "tools", "tool_choice"}
Brain = Callable[[str], Any]  # the prompt's text -> the text, or the structured answer, of the reply


class ModelServer(Loopback):
    """Serves on a free port while it is entered. `requests` are the bodies that came, `headers` theirs; `faults` are
    taken one at a time: (status, headers), "hang", "cut" or "garbage". `refuses` are fields it answers 400 to."""

    def __init__(self, brain: Brain, faults: list[Any] | None = None, refuses: set[str] | None = None) -> None:
        super().__init__(Answer)
        self.brain, self.faults, self.refuses = brain, list(faults or []), refuses or set()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lock = threading.Lock()

    @property
    def openai(self) -> str:
        return f"{self.url}/v1"

    @property
    def anthropic(self) -> str:
        return self.url


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ModelServer

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            request = json.loads(data)
            self.server.requests.append(request)
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
            fault = self.server.faults.pop(0) if self.server.faults else None
        if fault == "hang":
            time.sleep(3)
            return self.send(200, {})
        if fault == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"id": "ms')
            self.close_connection = True
            return None
        if fault == "garbage":
            return self.raw(200, b"<html>Bad Gateway</html>", {})
        if fault:
            status, headers = fault
            return self.send(status, {"error": {"type": "scripted", "message": f"scripted {status}"}}, headers)
        if self.path == "/v1/chat/completions":
            return self.openai(request)
        if self.path == "/v1/messages":
            return self.anthropic(request)
        return self.send(404, {"error": {"message": "no such path"}})

    def refused(self, status: int, message: str) -> None:
        self.send(status, {"error": {"type": "invalid_request_error", "message": message}})

    def openai(self, request: dict[str, Any]) -> None:
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            return self.refused(401, f"Incorrect API key provided: {self.headers.get('Authorization')}")
        for name in request:
            if name not in OPENAI or name in self.server.refuses:
                hint = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                return self.refused(400, f"Unsupported parameter: '{name}'.{hint}")
        schema, forced = (
            request.get("response_format", {}).get("json_schema", {}).get("schema"),
            "tool_choice" in request,
        )
        if schema and (fault := not_closed(schema)):
            return self.refused(400, f"Invalid schema for response_format: {fault}")
        said = self.server.brain(words(request["messages"]))
        message: dict[str, Any] = {"role": "assistant", "content": said if isinstance(said, str) else json.dumps(said)}
        if forced:
            name = request["tool_choice"]["function"]["name"]
            call = {"name": name, "arguments": json.dumps(said)}
            message = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": call}]}
        if call := called(said):
            given = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
            function = {"id": "c1", "type": "function", "function": given}
            message, forced = {"role": "assistant", "content": None, "tool_calls": [function]}, True
        size = len(json.dumps(request)) // 4
        usage = {"prompt_tokens": size, "completion_tokens": 20, "total_tokens": size + 20}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if forced else "stop"}
        return self.send(200, {"id": "c1", "object": "chat.completion", "choices": [choice], "usage": usage})

    def anthropic(self, request: dict[str, Any]) -> None:
        if self.headers.get("x-api-key") != KEY:
            return self.refused(401, f"invalid x-api-key {self.headers.get('x-api-key')}")
        if not self.headers.get("anthropic-version"):
            return self.refused(400, "anthropic-version: header is required")
        for name in ("max_tokens", "messages", "model"):
            if name not in request:
                return self.refused(400, f"{name}: Field required")
        for name in request:
            if name not in ANTHROPIC or name in self.server.refuses:
                return self.refused(400, f"{name}: Extra inputs are not permitted")
        if any(message["role"] == "system" for message in request["messages"]):
            return self.refused(400, "messages: the role must be user or assistant")
        said = self.server.brain(request.get("system", "") + "\n" + words(request["messages"]))
        content: list[dict[str, Any]] = [{"type": "text", "text": said if isinstance(said, str) else json.dumps(said)}]
        stop = "end_turn"
        if request.get("tool_choice", {}).get("type") == "tool" and not isinstance(said, str):
            content = [{"type": "tool_use", "id": "t1", "name": request["tool_choice"]["name"], "input": said}]
            stop = "tool_use"
        if call := called(said):
            content = [{"type": "tool_use", "id": "t1", "name": call["name"], "input": call["arguments"]}]
            stop = "tool_use"
        usage = {"input_tokens": len(json.dumps(request)) // 4, "output_tokens": 20}
        about = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"]}
        return self.send(200, {**about, "content": content, "stop_reason": stop, "usage": usage})

    def send(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.raw(status, json.dumps(value).encode(), headers or {})

    def raw(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # a client that did not wait
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        return None


def words(messages: list[dict[str, Any]]) -> str:
    return "\n".join(
        message["content"] if isinstance(message["content"], str) else json.dumps(message["content"])
        for message in messages
    )


def called(said: Any) -> dict[str, Any] | None:
    """The call {name, arguments} that the brain wants to be made, where it says {"call": ...}."""
    return said["call"] if isinstance(said, dict) and set(said) == {"call"} else None


def not_closed(schema: Any) -> str:
    """What a strict server finds wrong with a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            if schema.get("additionalProperties") is not False:
                return "'additionalProperties' is required to be supplied and to be false"
            if set(schema.get("required", [])) != set(schema["properties"]):
                return "'required' is required to be an array including every key in properties"
        return next((fault for value in schema.values() if (fault := not_closed(value))), "")
    if isinstance(schema, list):
        return next((fault for value in schema if (fault := not_closed(value))), "")
    return ""
