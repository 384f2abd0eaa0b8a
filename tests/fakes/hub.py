"""A Hub on loopback: repositories of files at commits, as huggingface_hub's own client asks for them.

GET /api/models/ORG/NAME[/revision/REV], GET /api/models/ORG/NAME/tree/REV, HEAD and GET /ORG/NAME/resolve/REV/PATH."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlparse


class Hub(ThreadingHTTPServer):
    """Serves on a free port while it is entered. `push` makes a commit; `lies` replaces what a tree tells."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}  # repository -> commit -> path -> content
        self.heads: dict[tuple[str, str], str] = {}
        self.lies: list[dict[str, object]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def push(self, repository: str, files: dict[str, str], branch: str = "main") -> str:
        content = {path: text.encode() for path, text in files.items()}
        commit = hashlib.sha1(repr(sorted(content.items())).encode()).hexdigest()
        self.commits.setdefault(repository, {})[commit] = content
        self.heads[repository, branch] = commit
        return commit

    def __enter__(self) -> "Hub":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown()
        self.server_close()


class Answer(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        asked = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?", path)
        if asked:
            self.about(asked[1], asked[2] or "revision", asked[3] or "main")
            return
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
        if file and (commit := self.commit(file[1], file[2])):
            content = self.server.commits[file[1]][commit].get(file[3])
            if content is not None:
                tag = f'"{hashlib.sha1(content).hexdigest()}"'
                self.answer(200, content, **{"X-Repo-Commit": commit, "ETag": tag})
                return
        self.missing("EntryNotFound")

    do_HEAD = do_GET

    def about(self, repository: str, what: str, revision: str) -> None:
        if repository not in self.server.commits:
            self.missing("RepoNotFound", 401)
            return
        commit = self.commit(repository, revision)
        if commit is None:
            self.missing("RevisionNotFound")
            return
        files = self.server.commits[repository][commit]
        if what == "tree":
            told = [
                {"type": "file", "path": path, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                for path, content in files.items()
            ]
            self.answer(200, json.dumps([*told, *self.server.lies]).encode(), **{"Content-Type": "application/json"})
            return
        about = {"id": repository, "sha": commit, "siblings": [{"rfilename": path} for path in files]}
        self.answer(200, json.dumps(about).encode(), **{"Content-Type": "application/json"})

    def commit(self, repository: str, revision: str) -> str | None:
        known = self.server.commits.get(repository, {})
        return revision if revision in known else self.server.heads.get((repository, revision))

    def missing(self, code: str, status: int = 404) -> None:
        self.answer(status, b"{}", **{"X-Error-Code": code, "X-Error-Message": code})

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass
