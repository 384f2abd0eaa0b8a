"""Any trace at all, for property tests: every field of every struct, with ids that collide and keys that are ours."""

import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from bashgym.trace import Trace

WORDS = st.sampled_from(["", "a", "b", "a/b", "bashgym", "was", "foreign", "place", "parts", "2026-01-02T03:04:05Z"])
TEXT = WORDS | st.text(max_size=6)
WHOLE = st.integers(-(2**53), 2**53)
REAL = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | REAL | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
PART = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT, "citations": JSON}),
    st.just({"type": "image", "source": {"media_type": "image/png", "path": "images/one.png"}}),
    st.just({"type": "image", "media_type": "image/gif", "sha256": "ab" * 32, "bytes": 9000}),
    st.just({"type": "audio", "source": {"media_type": "audio/wav", "path": "a.wav", "duration_sec": 1.5}}),
    st.just({"type": "document", "media_type": "application/pdf", "sha256": "cd" * 32, "bytes": 5}),
    st.dictionaries(TEXT, JSON, max_size=2),
)
REFERENCE = st.fixed_dictionaries(
    {}, optional={"trajectory_id": TEXT | st.none(), "session_id": TEXT, "trajectory_path": TEXT, "odd": JSON}
)
SHAPES = {"message": st.lists(PART, max_size=3), "content": st.lists(PART, max_size=3)}


def of(kind: Any, name: str = "", depth: int = 1) -> st.SearchStrategy:
    """A strategy for a type as the structs of bashgym/trace.py use them."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return st.one_of([of(one, name, depth) for one in inner])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin is list:
        if name in SHAPES:
            return SHAPES[name]
        if name == "subagent_trajectory_ref":
            return st.lists(REFERENCE, max_size=2)
        if inner[0] is Trace:
            return st.lists(struct(Trace, depth - 1), max_size=2) if depth else st.just([])
        return st.lists(of(inner[0], name, depth), max_size=3)
    if origin is dict:
        return st.dictionaries(TEXT, of(inner[1], depth=depth), max_size=2)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return struct(kind, depth)
    return {str: TEXT, int: WHOLE, float: REAL, bool: st.booleans(), type(None): st.none(), Any: JSON}[kind]


def struct(kind: type, depth: int = 1) -> st.SearchStrategy:
    hints = get_type_hints(kind)
    given = {one.name: of(hints[one.name], one.name, depth) for one in msgspec.structs.fields(kind)}
    return st.builds(kind, **given)


TRACES = st.lists(struct(Trace), min_size=1, max_size=3)
