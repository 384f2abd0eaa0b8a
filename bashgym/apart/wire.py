"""What a plugin is given and gives, as JSON: records by their names, the rest as itself."""

import base64
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

from bashgym import jsonl, kinds, records, trace
from bashgym.errors import PluginError

MARK = "$"
RECORDS: dict[str, type] = {
    name: value
    for module in (records, trace)
    for name, value in vars(module).items()
    if isinstance(value, type) and issubclass(value, msgspec.Struct)
}
TUPLES: dict[str, Any] = {
    name: value
    for name, value in vars(kinds).items()
    if isinstance(value, type) and (hasattr(value, "_fields") or dataclasses.is_dataclass(value))
}
MOST = 2_000_000_000  # bytes of one message


def encode(value: Any, call: Callable[[Any], int] | None = None) -> Any:
    """`call` gives a function a number, by which the other side can call it back; without it there are none."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, trace.Trace):
        return {MARK: "Trace", "v": trace.to_builtins(value)}
    if isinstance(value, msgspec.Struct):
        return {MARK: type(value).__name__, "v": msgspec.to_builtins(value)}
    if type(value).__name__ in TUPLES:
        names = getattr(value, "_fields", None) or [field.name for field in dataclasses.fields(value)]
        return {MARK: type(value).__name__, "v": {name: encode(getattr(value, name), call) for name in names}}
    if isinstance(value, Mapping):
        return {MARK: "dict", "v": [[encode(key, call), encode(one, call)] for key, one in value.items()]}
    if isinstance(value, list | tuple | set | frozenset):
        inner = [encode(one, call) for one in value]
        return inner if isinstance(value, list) else {MARK: "tuple", "v": inner}
    if isinstance(value, bytes):
        return {MARK: "bytes", "v": base64.b64encode(value).decode()}
    if isinstance(value, Path):
        return {MARK: "Path", "v": str(value)}
    if callable(value) and call is not None:
        return {MARK: "call", "v": call(value)}
    raise PluginError(f"a plugin of a pack can be given and can give records and plain data, and no {type(value)}")


def decode(value: Any, called: Callable[[int], Any] | None = None) -> Any:
    """Raises PluginError for what is no record of ours."""
    if isinstance(value, list):
        return [decode(one, called) for one in value]
    if not isinstance(value, dict):
        return value
    name, inner = value.get(MARK), value.get("v")
    simple: dict[Any, Callable[[], Any]] = {
        "dict": lambda: {decode(key, called): decode(one, called) for key, one in inner},  # type: ignore[union-attr]
        "tuple": lambda: tuple(decode(one, called) for one in inner),  # type: ignore[union-attr]
        "bytes": lambda: base64.b64decode(str(inner)),
        "Path": lambda: Path(str(inner)),
        "Trace": lambda: trace.from_builtins(inner),  # type: ignore[arg-type]
    }
    try:
        if name in simple:
            return simple[name]()
        if name == "call" and called is not None:
            return called(int(inner))  # type: ignore[arg-type]
        if name in TUPLES:
            return TUPLES[name](**{key: decode(one, called) for key, one in inner.items()})  # type: ignore[union-attr]
        return msgspec.convert(inner, RECORDS[str(name)])
    except (KeyError, TypeError, ValueError, AttributeError, msgspec.MsgspecError) as error:
        raise PluginError(f"a plugin of a pack gave what is no record ({name}: {error}); tell its authors") from None


def send(pipe: IO[bytes], message: dict[str, Any]) -> None:
    content = jsonl.dumps(message)
    pipe.write(len(content).to_bytes(8, "big") + content)
    pipe.flush()


def receive(pipe: IO[bytes]) -> dict[str, Any] | None:
    """The next message; None where the other side is gone."""
    head = pipe.read(8)
    if len(head) < 8:
        return None
    size = int.from_bytes(head, "big")
    if size > MOST:
        raise PluginError(f"a plugin of a pack said {size:,} bytes at once; tell its authors")
    content = pipe.read(size)
    if len(content) < size:
        return None
    message: dict[str, Any] = jsonl.parse(content)
    return message
