"""Which folders a session worked in, found once for the same content (see reading/remembered.py)."""

from collections.abc import Callable, Iterable

from bashgym import jsonl
from bashgym.reading import cwd, remembered
from bashgym.records import SessionRef

Find = Callable[[SessionRef], Iterable[str]]


def of_session(what: str, ref: SessionRef, find: Find = cwd.folders_of) -> list[str]:
    """What `find` says of a session; `what` names `find` and its version, or its answers are remembered as they were.

    Nothing for a session that could not be read and is only counted. Raises what `find` raises."""
    if not ref.sha256:
        return []
    key = remembered.digest(what, ref.sha256)
    known = remembered.recall(key)
    if known is None:
        known = jsonl.dumps(list(dict.fromkeys(find(ref))))
        remembered.keep(key, known)
    return list(jsonl.parse(known))
