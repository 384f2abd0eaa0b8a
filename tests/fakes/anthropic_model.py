"""A model on loopback that speaks the Anthropic Messages protocol and says what it was told to say.

For real clients in tests: POST /v1/messages, streamed or not, and /v1/messages/count_tokens. A script belongs to a
prompt: whoever asks with that prompt in the first user message, and with tools, gets the script's turns one after the
other, as many as replies are already in the request. So the main thread and each sub-agent follow scripts of their
own, however they interleave, and what a client asks besides (titles, summaries) gets a plain answer."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Block = dict[str, Any]
Script = dict[str, list[list[Block]]]  # {words of the prompt: turns, each the content blocks of one reply}


def text(words: str) -> Block:
    return {"type": "text", "text": words}


def thinking(words: str) -> Block:
    return {"type": "thinking", "thinking": words, "signature": hashlib.sha256(words.encode()).hexdigest()}


def tool(call_id: str, name: str, **arguments: Any) -> Block:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


class Model(ThreadingHTTPServer):
    """Serves on a free port of loopback while it is entered; `requests` are the bodies it was sent, in order."""

    daemon_threads = True

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.script = script
        self.requests: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "Model":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        """The message that answers a request; input tokens by its length, the same for the same request."""
        messages = request.get("messages", [])
        turn = sum(message["role"] == "assistant" for message in messages)
        first = words_of(messages[0]["content"]) if messages else ""
        turns = next((turns for prompt, turns in self.script.items() if prompt in first), [])
        content = turns[turn] if request.get("tools") and turn < len(turns) else [text("Fine.")]
        name = hashlib.sha256(f"{first} {turn} {json.dumps(content)}".encode()).hexdigest()[:24]
        return {
            "id": f"msg_{name}",
            "type": "message",
            "role": "assistant",
            "model": request.get("model", "claude"),
            "content": content,
            "stop_reason": "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn",
            "stop_sequence": None,
            "usage": usage(len(json.dumps(messages)) // 4, len(json.dumps(content)) // 4),
        }


def words_of(content: str | list[Block]) -> str:
    return content if isinstance(content, str) else "\n".join(block.get("text", "") for block in content)


def usage(read: int, written: int) -> dict[str, Any]:
    return {
        "input_tokens": read,
        "output_tokens": written,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }


def events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The message as a stream sends it: what each block is, then its content in pieces, then why it stopped."""
    start = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": opening(block)}
        for delta in deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": message["usage"]}
    yield {"type": "message_stop"}


def opening(block: Block) -> Block:
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
    return {**block, **empty[block["type"]]}


def deltas(block: Block) -> Iterator[Block]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
    elif block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        arguments = json.dumps(block["input"])
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(arguments))


def pieces(words: str, size: int = 16) -> list[str]:
    return [words[start : start + size] for start in range(0, len(words), size)]


class Answer(BaseHTTPRequestHandler):
    server: Model
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        path = self.path.partition("?")[0]
        if path == "/v1/messages/count_tokens":
            self.send({"input_tokens": len(json.dumps(body)) // 4})
        elif path == "/v1/messages":
            self.server.requests.append(body)
            message = self.server.reply(body)
            self.stream(message) if body.get("stream") else self.send(message)
        else:
            self.do_GET()

    def do_GET(self) -> None:
        self.send({"type": "error", "error": {"type": "not_found_error", "message": self.path}}, 404)

    do_HEAD = do_PUT = do_GET

    def send(self, value: Any, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.head("application/json", status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def stream(self, message: dict[str, Any]) -> None:
        self.head("text/event-stream", 200)
        self.send_header("connection", "close")
        self.end_headers()
        for event in events(message):
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True

    def head(self, kind: str, status: int) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("request-id", f"req_{len(self.server.requests):06d}")

    def log_message(self, *_: object) -> None:
        """Nothing: pytest's output is not the place."""
