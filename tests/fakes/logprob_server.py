"""A server on loopback that speaks OpenAI's completions as vLLM does, with its `prompt_logprobs`.

As strict as the real one where clients go wrong: an unknown model (404), an unknown field (400), more logprobs than it
allows (400). What it thinks is decided by two functions, text -> token ids and ids -> {token: log probability} a place;
the token that stands at a place is always among its answer, as with the real one."""

import json
import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes.loopback import Loopback

MODEL = "big-teacher"
FIELDS = {"model", "prompt", "max_tokens", "temperature", "prompt_logprobs", "add_special_tokens", "echo", "logprobs"}
MOST = 20  # vLLM's --max-logprobs
Encode = Callable[[str], Sequence[int]]
Think = Callable[[Sequence[int]], Sequence[dict[int, float]]]


class LogprobServer(Loopback):
    """Serves on a free port while it is entered. `requests` are the bodies that came, in order."""

    def __init__(self, encode: Encode, think: Think, faults: Sequence[int] = ()) -> None:
        super().__init__(Answer)
        self.encode, self.think, self.faults = encode, think, list(faults)
        self.requests: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"{super().url}/v1"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LogprobServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(request)
            fault = self.server.faults.pop(0) if self.server.faults else None
        if fault:
            return self.refused(fault, f"scripted {fault}")
        if self.path != "/v1/completions":
            return self.refused(404, "no such path")
        if request.get("model") != MODEL:
            return self.refused(404, f"The model `{request.get('model')}` does not exist.")
        for name in set(request) - FIELDS:
            return self.refused(400, f"Extra inputs are not permitted: {name}")
        k = request.get("prompt_logprobs")
        if k is not None and k > MOST:
            return self.refused(400, f"Requested prompt logprobs of {k}, which is greater than max allowed: {MOST}")
        ids = list(self.server.encode(request["prompt"]))
        about = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": MODEL}
        choice = {"index": 0, "text": "x", "logprobs": None, "finish_reason": "length", "stop_reason": None}
        choice["prompt_logprobs"] = None if k is None else self.places(ids, k)
        usage = {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1}
        return self.send(200, {**about, "choices": [choice], "usage": usage})

    def places(self, ids: Sequence[int], k: int) -> list[dict[str, Any] | None]:
        """For each place the k likeliest tokens, and the one that is there with its rank; nothing for the first."""
        answered: list[dict[str, Any] | None] = [None]
        for here, said in zip(ids[1:], self.server.think(ids)[1:], strict=True):
            ranked = sorted(said.items(), key=lambda one: -one[1])
            shown = {one: (value, rank) for rank, (one, value) in enumerate(ranked[:k], 1)}
            rank = next((rank for rank, (one, _) in enumerate(ranked, 1) if one == here), len(ranked) + 1)
            shown.setdefault(here, (said.get(here, -30.0), rank))
            answered.append(
                {
                    str(one): {"logprob": value, "rank": rank, "decoded_token": f"<{one}>"}
                    for one, (value, rank) in shown.items()
                }
            )
        return answered

    def refused(self, status: int, message: str) -> None:
        self.send(status, {"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}})

    def send(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing: pytest's output is not the place."""
