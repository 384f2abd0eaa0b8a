"""The process in which a pack's plugin runs: asked over a pipe, it loads, builds and calls the plugin."""

import itertools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel

from bashgym.apart import wire
from bashgym.config import documentation, validate
from bashgym.errors import BashGymError
from bashgym.kinds import ScanContext
from bashgym.loading import Plugin, loaded

SESSIONS = 16  # of a sanitizer, whose strings are kept here


class Host:
    """One plugin's class and what was built of it, by numbers; the other side knows no more than these."""

    def __init__(self, hears: IO[bytes], says: IO[bytes]) -> None:
        self.hears, self.says = hears, says
        self.cls: Any = None
        self.built: dict[int, Any] = {}
        self.streams: dict[int, Iterator[Any]] = {}
        self.numbers = itertools.count(1)
        self.sessions: dict[str, ScanContext] = {}

    def load(self, plugin: list[str]) -> dict[str, Any]:
        kind, name, path, origin, sha256 = plugin
        self.cls = loaded(Plugin(kind, name, Path(path), origin, sha256))
        plain = {
            name: value
            for one in reversed(self.cls.__mro__)
            for name, value in vars(one).items()
            if not name.startswith("_") and isinstance(value, bool | int | float | str | type(None))
        }
        methods = [name for name in dir(self.cls) if not name.startswith("_") and callable(getattr(self.cls, name))]
        config = self.cls.Config
        docs = {one.__name__: documentation(one) for one in {config, *nested(config)}}
        schema = config.model_json_schema(mode="validation")
        return {"plain": plain, "methods": methods, "schema": schema, "docs": docs}

    def settings(self, values: Any, where: str) -> Any:
        return validate(self.cls.Config, values, where).model_dump(mode="json")

    def build(self, values: Any, where: str) -> int:
        number = next(self.numbers)
        self.built[number] = self.cls(validate(self.cls.Config, values, where))
        return number

    def get(self, of: int, name: str) -> dict[str, Any]:
        if not hasattr(self.built[of], name):
            return {"absent": True}
        value = getattr(self.built[of], name)
        return {"method": True} if callable(value) else {"value": wire.encode(value)}

    def put(self, of: int, name: str, value: Any) -> None:
        setattr(self.built[of], name, self.decoded(value))

    def call(self, of: int, name: str, args: list[Any], session: dict[str, Any] | None = None) -> dict[str, Any]:
        given = [self.decoded(one) for one in args]
        if session:
            given.append(self.context(session))
        answer = getattr(self.built[of], name)(*given)
        if isinstance(answer, Iterator):
            number = next(self.numbers)
            self.streams[number] = answer
            return {"stream": number}
        return {"value": wire.encode(answer)}

    def next(self, stream: int) -> dict[str, Any]:
        for value in self.streams[stream]:
            return {"value": wire.encode(value)}
        del self.streams[stream]
        return {"end": True}

    def context(self, told: dict[str, Any]) -> ScanContext:
        """A sanitizer's: the session's strings are told once, its memory stays here."""
        if "strings" in told:
            self.sessions[told["token"]] = ScanContext(told["session"], wire.decode(told["strings"]))
            for oldest in list(self.sessions)[:-SESSIONS]:
                del self.sessions[oldest]
        context = self.sessions[told["token"]]
        context.keys, context.shared = wire.decode(told["keys"]), {}
        return context

    def decoded(self, value: Any) -> Any:
        return wire.decode(value, self.callback)

    def callback(self, number: int) -> Any:
        def ask(*args: Any) -> Any:
            wire.send(self.says, {"callback": number, "args": [wire.encode(one) for one in args]})
            answer = wire.receive(self.hears)
            if answer is None:
                os._exit(1)
            if "error" in answer:
                raise BashGymError(answer["error"])
            return wire.decode(answer["value"])

        return ask

    def serve(self) -> None:
        while (message := wire.receive(self.hears)) is not None:
            do, number = message.pop("do"), message.pop("id")
            try:
                answer = {"answer": getattr(self, do)(**message)}
            except Exception as error:
                ours = type(error).__name__ if isinstance(error, BashGymError) else ""
                answer = {"error": str(error), "type": type(error).__name__, "ours": ours}
            wire.send(self.says, {"id": number, **answer})


def nested(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Settings classes among the fields of another, at any depth."""
    for field in model.model_fields.values():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield inner
            yield from nested(inner)


def main() -> None:
    """What the plugin prints goes to standard error: standard output is the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    says = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    hears = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    Host(hears, says).serve()
    sys.exit(0)
