"""The file format of captured traffic, and how it is read.

One JSON object a line, one request with its answer, as claude-trace writes it and as our own gateway does:

    {"request": {"timestamp": 1760000000.5, "method": "POST", "url": "https://host/v1/messages",
                 "headers": {"name": "value"}, "body": {...}},
     "response": {"timestamp": 1760000002.5, "status_code": 200, "headers": {...},
                  "body": {...}} or {..., "body_raw": "event: message_start\\ndata: ..."} or null,
     "logged_at": "2025-10-09T08:53:22.500Z"}

Times are seconds since 1970 or ISO 8601. `status` stands for `status_code`; a body may be JSON in a string;
`body_raw` is the text of a stream (server-sent events) as it came; a request without an answer has `null`. A HAR file
(one object with `log.entries`) is read as the same. Who writes this format leaves credentials out; who reads it drops
them all the same (scrub.py), and `metadata`, `user` and their like in a request's body."""

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bashgym import jsonl
from bashgym.reading import blobs
from bashgym.reading.files import content, opened, unreadable
from bashgym.reading.values import iso_or_text
from bashgym.trace import Malformed, SourceFile
from bashgym.traffic import scrub, sse

HAR = ".har"


class Exchange(msgspec.Struct, eq=False):
    """One request and its answer; `line_no` is its line, or its place among a HAR's entries, from 1."""

    line_no: int
    method: str
    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    asked: str | None  # when
    answered: str | None
    status: int | None  # None: no answer came
    answer_headers: dict[str, str] = {}
    answer: Any = None  # an object, or the text of a stream

    def summary(self) -> dict[str, Any]:
        """What is told of a request that is no step: nothing of its body but the model."""
        answer = self.answer if self.status is not None and self.status >= 400 else self.broken()
        told = {"method": self.method, "url": self.url, "model": self.body.get("model"), "status": self.status}
        return {**told, "headers": self.headers, "answer_headers": self.answer_headers, "error": answer}

    def broken(self) -> Any:
        """The error that a stream ended with."""
        found = sse.events(self.answer) if isinstance(self.answer, str) else []
        return next((event.get("error") for event in found if event.get("type") == "error"), None)


class Log(msgspec.Struct, eq=False):
    """A file while it is read: what it is (complete at the end), and what could not be read."""

    source: SourceFile
    malformed: list[Malformed]


def read(path: Path, log: Log) -> Iterator[Exchange | tuple[int, Any]]:
    """The exchanges of a file in order, one at a time; (line, value) for an object that is none. Fills `log`.

    Raises InputError when the file cannot be read. Of a line that is no JSON only its size and hash are kept: it may
    hold a credential where no one can tell."""
    found = of_har(path, log) if path.suffix == HAR else of_lines(path, log)
    for number, value in found:
        made = exchange(number, value)
        yield made if made is not None else (number, without_secrets(value))


def without_secrets(value: Any) -> Any:
    return scrub.without_secrets(value)


def of_lines(path: Path, log: Log) -> Iterator[tuple[int, Any]]:
    digest = hashlib.sha256()

    def seen(raw: bytes) -> None:
        log.source.bytes += len(raw)
        digest.update(raw)

    try:
        secrets = scrub.secrets_in(path)
        with opened(path) as file:
            for number, raw, ended, fault in jsonl.pieces(file, seen):
                log.source.lines += 1
                value, reason = parsed(raw, secrets, ended) if fault is None else (None, fault)
                if reason is None:
                    yield number, value
                else:
                    bad(log, number, reason, raw)
    except OSError as error:
        raise unreadable(path, error) from None
    log.source.sha256 = digest.hexdigest()


def parsed(raw: bytes, secrets: list[bytes], ended: bool) -> tuple[Any, str | None]:
    """The object of a line without credentials' values, or why there is none."""
    own = [
        value for match in scrub.NAMED.finditer(raw) for value in scrub.values(match.group(1) or match.group(2) or b"")
    ]
    try:
        value = jsonl.parse(scrub.cleaned(raw, {*secrets, *own}))
        blobs.lift_long(value, lift=False)
    except ValueError as error:
        return None, f"not JSON: {error}" if ended else "unfinished last line"
    return (value, None) if isinstance(value, dict) else (None, "not an object")


def of_har(path: Path, log: Log) -> Iterator[tuple[int, Any]]:
    """The entries of a HAR file."""
    raw = content(path)
    log.source.sha256, log.source.bytes = hashlib.sha256(raw).hexdigest(), len(raw)
    try:
        whole = jsonl.parse(raw)
        blobs.lift_long(whole, lift=False)
        entries = whole["log"]["entries"]
        if not isinstance(entries, list):
            raise ValueError("log.entries is no list")
    except (ValueError, KeyError, TypeError) as error:
        log.source.lines += 1
        bad(log, 1, f"no HAR: {error}", raw)
        return
    secrets = list(har_secrets(entries))
    for number, entry in enumerate(entries, 1):
        log.source.lines += 1
        clean = jsonl.parse(scrub.cleaned(jsonl.dumps(entry), secrets))
        if isinstance(clean, dict):
            yield number, from_har(clean)
        else:
            bad(log, number, "not an object", jsonl.dumps(entry))


def har_secrets(entries: list[Any]) -> Iterator[bytes]:
    for entry in entries:
        sides = (entry.get(side) for side in ("request", "response")) if isinstance(entry, dict) else ()
        for side in sides:
            for name, value in scrub.listed(side.get("headers") if isinstance(side, dict) else None):
                if isinstance(name, str) and isinstance(value, str) and scrub.SECRET.search(name):
                    yield from scrub.values(value.encode("utf-8", "surrogatepass"))


def from_har(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry in our own format; what is no entry comes back as it is."""
    request, response = entry.get("request"), entry.get("response")
    if not isinstance(request, dict):
        return entry
    post = request.get("postData")
    asked = {
        **request,
        "timestamp": entry.get("startedDateTime"),
        "body": post.get("text") if isinstance(post, dict) else None,
    }
    if not isinstance(response, dict) or not response.get("status"):
        return {"request": asked, "response": None}
    body = response.get("content")
    text = body.get("text") if isinstance(body, dict) else None
    if isinstance(body, dict) and body.get("encoding") == "base64" and isinstance(text, str):
        text = decoded(text)
    return {"request": asked, "response": {**response, "body": text}}


def decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return ""


def bad(log: Log, number: int, reason: str, raw: bytes) -> None:
    """Kept aside without its text."""
    kept = f"{len(raw)} bytes left out, as they may hold credentials; sha256 {hashlib.sha256(raw).hexdigest()}"
    log.malformed.append(Malformed(file=0, line_no=number, reason=reason, raw=kept))
    log.source.malformed += 1


def exchange(number: int, value: dict[str, Any]) -> Exchange | None:
    """A line's request and answer, credentials dropped; None where it holds none."""
    request, response = value.get("request"), value.get("response")
    if not isinstance(request, dict) or not isinstance(response, dict | None):
        return None
    answer = response or {}
    status = answer.get("status_code", answer.get("status"))
    body = opened_body(request.get("body"))
    raw = answer.get("body_raw")
    return Exchange(
        line_no=number,
        method=str(request.get("method") or "").upper(),
        url=scrub.address(request.get("url")),
        headers=scrub.headers(request.get("headers")),
        body={key: item for key, item in body.items() if key not in scrub.BODY} if isinstance(body, dict) else {},
        asked=iso_or_text(request.get("timestamp")) or iso_or_text(value.get("logged_at")),
        answered=iso_or_text(answer.get("timestamp")) or iso_or_text(value.get("logged_at")),
        status=status if isinstance(status, int) and not isinstance(status, bool) else 200 if response else None,
        answer_headers=scrub.headers(answer.get("headers")),
        answer=raw if isinstance(raw, str) and raw else opened_body(answer.get("body")),
    )


def opened_body(body: Any) -> Any:
    """The object that a string holds; text that is no JSON as it is."""
    if isinstance(body, str) and body.lstrip()[:1] in ("{", "["):
        try:
            value = jsonl.parse(body.encode("utf-8", "surrogatepass"))
            blobs.lift_long(value, lift=False)
        except ValueError:
            return body
        return value
    return body
