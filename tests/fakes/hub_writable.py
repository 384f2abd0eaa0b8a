"""The Hub of tests/fakes/hub.py, written to: private repositories are made, committed to, squashed and deleted.

Requests can be made to go wrong: `faults`, and `writes_left` after which every write is refused (a client cut off)."""

import base64
import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlparse

from tests.fakes.hub import Answer, Hub

USER = "ada"
TOKEN = "hf_fake_0123456789"


@dataclass
class Fault:
    """The `times` next requests that match fail: `500`, `429`, `403`, `drop` (no answer, nothing done), `lost` (done,
    and the answer is lost); the `after` first of them are spared."""

    method: str
    path: str  # a pattern that is searched for
    how: str
    times: int = 1
    after: int = 0


class WritableHub(Hub):
    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = Writable
        self.private: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self.faults: list[Fault] = []
        self.writes_left: int | None = None
        self.lock = threading.RLock()
        self.role = "write"  # of the token
        self.bodies: list[bytes] = []  # of every request, for those who look for what should not be in them

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def fault(self, method: str, path: str) -> str | None:
        with self.lock:
            if method != "GET" and method != "HEAD" and self.writes_left is not None:
                self.writes_left -= 1
                if self.writes_left < 0:
                    return "403"  # not 500, which the client would try again and again
            for fault in self.faults:
                if fault.method == method and re.search(fault.path, path) and fault.times > 0:
                    if fault.after > 0:
                        fault.after -= 1
                        return None
                    fault.times -= 1
                    return fault.how
            return None

    def files(self, repository: str) -> dict[str, bytes]:
        """What is on the main branch; nothing where there is no such repository."""
        head = self.heads.get((repository, "main"))
        return self.commits[repository][head] if head else {}

    def store(self, repository: str, content: dict[str, bytes]) -> str:
        seen = repr((repository, sorted(content), time.time_ns())).encode()
        commit = hashlib.sha1(seen).hexdigest()
        self.commits.setdefault(repository, {})[commit] = content
        self.heads[repository, "main"] = commit
        return commit


class Writable(Answer):
    server: WritableHub
    swallow = False
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, BrokenPipeError):  # the client is gone
            self.close_connection = True

    def received(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def dispatch(self) -> None:
        url = urlparse(self.path)
        path, body = unquote(url.path), self.received()
        self.swallow = False
        self.server.requests.append((self.command, path))
        self.server.bodies.append(body)
        how = self.server.fault(self.command, path)
        if how == "drop":
            self.close_connection = True
            return
        if how in ("500", "429", "403"):
            self.answer(int(how), b'{"error": "made to fail"}')
            return
        self.swallow = how == "lost"
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.missing("RepoNotFound", 401)
            return
        with self.server.lock:
            handled = self.routed(path, body, parse_qs(url.query))
        if not handled:
            super().do_GET()

    do_GET = do_HEAD = do_POST = do_DELETE = dispatch

    def routed(self, path: str, body: bytes, query: dict[str, list[str]]) -> bool:
        """Whether the request is one of those below; the others are those of hub.py."""
        if path == "/api/whoami-v2":
            token = {"role": self.server.role, "displayName": "test"}
            self.say({"name": USER, "type": "user", "canPay": True, "auth": {"accessToken": token}, "orgs": []})
        elif path == "/api/repos/create":
            self.create(json.loads(body))
        elif path == "/api/repos/delete":
            self.delete(json.loads(body))
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)(?:/(.+))?", path):
            self.tree(match[1], match[2], match[3] or "")
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(preupload|commit|super-squash)/([^/]+)", path):
            if match[1] not in self.server.commits:
                self.missing("RepoNotFound")
            else:
                {"preupload": self.preupload, "commit": self.committed, "super-squash": self.squashed}[match[2]](
                    match[1], body
                )
        else:
            return False
        return True

    def say(self, value: Any, status: int = 200) -> None:
        self.answer(status, json.dumps(value).encode(), **{"Content-Type": "application/json"})

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        if self.swallow:
            self.close_connection = True
            return
        super().answer(status, content, **headers)

    def about(self, repository: str, what: str, revision: str) -> None:
        commit = self.commit(repository, revision)
        if repository not in self.server.commits or commit is None:
            self.missing("RepoNotFound" if commit is None else "RevisionNotFound")
            return
        files = self.server.commits[repository][commit]
        told = {"id": repository, "sha": commit, "private": repository in self.server.private}
        self.say(told | {"siblings": [{"rfilename": path} for path in files]})

    def named(self, asked: dict[str, Any]) -> str:
        return f"{asked.get('organization') or USER}/{asked['name']}"

    def create(self, asked: dict[str, Any]) -> None:
        name = self.named(asked)
        told = {"url": f"{self.server.url}/{name}", "name": name, "id": name}
        if name in self.server.commits:
            self.say(told | {"error": "You already created this model repo"}, 409)
            return
        self.server.store(name, {".gitattributes": b""})
        if asked.get("private") or asked.get("visibility") == "private":
            self.server.private.add(name)
        self.say(told)

    def delete(self, asked: dict[str, Any]) -> None:
        name = self.named(asked)
        if self.server.commits.pop(name, None) is None:
            self.missing("RepoNotFound")
            return
        self.server.heads.pop((name, "main"))
        self.answer(200, b"OK")

    def tree(self, repository: str, revision: str, under: str) -> None:
        commit = self.commit(repository, revision)
        if commit is None:
            self.missing("RepoNotFound" if repository not in self.server.commits else "RevisionNotFound")
            return
        files = self.server.commits[repository][commit]
        found = {path: content for path, content in files.items() if not under or path.startswith(f"{under}/")}
        if not found:
            self.missing("EntryNotFound")
            return
        told = [
            {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
            for path, content in sorted(found.items())
        ]
        self.say([*told, *self.server.lies])

    def preupload(self, repository: str, body: bytes) -> None:
        names = [file["path"] for file in json.loads(body)["files"]]
        self.say({"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]})

    def squashed(self, repository: str, body: bytes) -> None:
        head = self.server.heads[repository, "main"]
        self.server.commits[repository] = {head: self.server.commits[repository][head]}
        self.answer(200, b"{}")

    def committed(self, repository: str, body: bytes) -> None:
        content = dict(self.server.files(repository))
        for line in map(json.loads, body.splitlines()):
            told = line["value"]
            if line["key"] == "file":
                content[told["path"]] = base64.b64decode(told["content"])
            elif line["key"] == "deletedFile":
                content.pop(told["path"], None)
            elif line["key"] == "deletedFolder":
                under = told["path"].rstrip("/") + "/"
                content = {name: data for name, data in content.items() if not name.startswith(under)}
        commit = self.server.store(repository, content)
        url = f"{self.server.url}/{repository}/commit/{commit}"
        self.say({"success": True, "commitOid": commit, "commitUrl": url, "hookOutput": ""})
