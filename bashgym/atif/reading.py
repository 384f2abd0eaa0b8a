"""ATIF documents to traces: our own come back as they were, those of other tools as traces like any."""

from typing import Any

import msgspec

from bashgym.atif import foreign, parts
from bashgym.errors import InputError
from bashgym.trace import SourceInfo, Trace, from_builtins

Plain = dict[str, Any]
VERSIONS = tuple(f"ATIF-v1.{minor}" for minor in range(9))


def check(document: Any, where: str) -> None:
    """Raises InputError, in one line, where `document` is not ATIF or of a version that is not known."""
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(version, str) or not version.startswith("ATIF-"):
        raise InputError(f"{where}: not ATIF (no schema_version of it); name ATIF documents, or another source")
    if version not in VERSIONS:
        raise InputError(f"{where}: schema_version {version!r} is not known; {VERSIONS[0]} to {VERSIONS[-1]} are")


def traces(document: Plain, source: SourceInfo, session_id: str) -> list[Trace]:
    """The document's trace, then one for each trajectory embedded in it, at any depth.

    `source` and `session_id` are for documents of other tools; ours say it themselves. Raises ValueError where the
    document is nested too deeply."""
    found = own(document)
    if found is not None:
        return found
    return foreign.traces(document, source, session_id)


def own(document: Plain) -> list[Trace] | None:
    """The traces of a document that `writing.document` made; None when it is another's, or was damaged."""
    if not is_own(document):
        return None
    pieces: list[tuple[int, Plain]] = []
    try:
        gather(document, pieces)
        return [from_builtins(restored(one)) for _, one in sorted(pieces, key=lambda piece: piece[0])]
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def is_own(document: Any) -> bool:
    held = document.get("extra") if isinstance(document, dict) else None
    info = held.get("bashgym") if isinstance(held, dict) else None
    return isinstance(info, dict) and isinstance(info.get("source"), dict)


def gather(document: Plain, pieces: list[tuple[int, Plain]]) -> None:
    """All trajectories that were traces of their own, with their places, taken out of those that embed them."""
    subs = document.get("subagent_trajectories") or []
    placed = [one for one in subs if "place" in one["extra"]["bashgym"]]
    own = [one for one in subs if "place" not in one["extra"]["bashgym"]]
    kept = {"subagent_trajectories": own} if "subagent_trajectories" in document else {}
    pieces.append((document["extra"]["bashgym"].get("place", 0), {**document, **kept}))
    for one in placed:
        gather(one, pieces)


def restored(made: Plain) -> Plain:
    """A trajectory as msgspec knows it: `writing.trajectory` undone."""
    info = dict(made["extra"]["bashgym"])
    info.pop("place", None)
    plain = unmoved({**made, "extra": {**made["extra"], "bashgym": info}})
    if "version" in plain:
        plain["agent"] = {**plain["agent"], "version": plain.pop("version")}
    plain["steps"] = [step(one) for one in plain["steps"] if not is_blank(one)]
    if plain.get("subagent_trajectories"):
        plain["subagent_trajectories"] = [restored(one) for one in plain["subagent_trajectories"]]
    return plain


def is_blank(step: Plain) -> bool:
    """The step that stands in a trajectory that has none, since ATIF wants one."""
    return bool(((step.get("extra") or {}).get("bashgym") or {}).get("blank"))


def unmoved(made: Plain) -> Plain:
    """`made` with what `was` before, and its extra as ours is: foreign keys under `foreign`."""
    held = dict(made.get("extra") or {})
    info = dict(held.pop("bashgym", {}))
    was = info.pop("was", {})
    beside = {**held, **info.pop("foreign", {})}
    if beside:
        info["foreign"] = beside
    return {**made, **was, "extra": {"bashgym": info}}


def step(made: Plain) -> Plain:
    plain = unmoved(made)
    plain["message"] = parts.restored(plain["message"], plain.pop("parts", None))
    if plain.get("metrics") is not None:
        plain["metrics"] = unmoved(plain["metrics"])
    if plain.get("tool_calls"):
        plain["tool_calls"] = [unmoved(one) for one in plain["tool_calls"]]
    if plain.get("observation") is not None:
        plain["observation"] = {"results": [result(one) for one in plain["observation"]["results"]]}
    return plain


def result(made: Plain) -> Plain:
    plain = unmoved(made)
    plain["content"] = parts.restored(plain.get("content"), plain.pop("parts", None))
    return plain
