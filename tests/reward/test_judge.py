"""A model's opinion as a reward, from a server that speaks the real protocol; and what must not leave."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bashgym.errors import RecipeError

ASKED: list[dict[str, Any]] = []
SAID = ['{"score": 8}']


class Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        ASKED.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = json.dumps({"choices": [{"message": {"role": "assistant", "content": SAID[0]}}]}).encode()
        self.send_response(200 if self.path == "/v1/chat/completions" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()


def test_it_asks_a_model_that_is_near(reward: Callable[..., Any], row: dict[str, Any], url: str):
    one = reward("judge", url=url, model="small", criteria="Is it short?")
    assert one.score("an answer", row) == 0.8
    assert ASKED[-1]["model"] == "small" and "Is it short?" in ASKED[-1]["messages"][1]["content"]
    for said, score in (("10/10, splendid", 1.0), ("-3", 0.0), ("99", 1.0), ("no idea", 0.0)):
        SAID[0] = said
        assert one.score("an answer", row) == score
    with pytest.raises(RuntimeError, match=r"^reward.judge: 127.0.0.1:1 cannot be asked"):
        reward("judge", url="http://127.0.0.1:1/v1").score("an answer", row)


@pytest.mark.parametrize("far", ["https://api.openai.com/v1", "http://8.8.8.8/v1", "ftp://127.0.0.1", "nonsense"])
def test_nothing_leaves_for_another_network(reward: Callable[..., Any], far: str):
    with pytest.raises(RecipeError, match=r"^reward.judge.url: answers would leave"):
        reward("judge", url=far)
