"""Folders on the Hub that are whole or known to be torn: files first, then a note of each one's size and SHA-256.

Runs here and beside a training on another machine (`environment.place` takes it along), so it needs the standard
library and huggingface_hub. A folder `there` of a repository counts once `there/complete.json` can be read:
{files: {name: {size, sha256}}, ...}; whoever takes it back compares every byte with that."""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

MARK = "complete.json"
PAUSES = (1.0, 3.0, 9.0)  # seconds between tries of a call that failed and may succeed later
BUSY = (408, 409, 412, 425, 429)  # 412: somebody else committed meanwhile

T = TypeVar("T")


class Torn(RuntimeError):
    """A folder that was not pushed to its end, or is not any more what its note says."""


def patiently(call: Callable[[], T]) -> T:
    """`call()`, tried again while the network or the Hub is at fault; raises its last error."""
    import httpx

    for pause in PAUSES:
        try:
            return call()
        except httpx.HTTPError as error:
            if not passing(error):
                raise
        time.sleep(pause)
    return call()


def passing(error: Exception) -> bool:
    """Whether the same call may succeed a little later: no answer, a busy server, a broken one."""
    answer = status(error)
    return answer is None or answer in BUSY or answer >= 500


def status(error: Exception) -> int | None:
    """The Hub's answer as a number; None where there was none."""
    found = getattr(error, "_response", None)  # httpx raises when `response` is asked of an error without one
    found = found if found is not None else getattr(error, "response", None)
    return None if found is None else int(found.status_code)


def facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"size": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def listing(folder: Path) -> dict[str, dict[str, Any]]:
    """{name: {size, sha256}} of all files below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): facts(path) for path in files}


def put(api: Any, repository: str, there: str, folder: Path, told: Mapping[str, Any]) -> None:
    """Pushes a folder; what an earlier push to the same place left half is replaced. `told` goes into the note."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    files = listing(folder)
    stale = [name for name in sizes(api, repository, there) if name not in files]
    if MARK in stale:  # while files are exchanged nothing may call them whole
        commit(api, repository, [CommitOperationDelete(path_in_repo=f"{there}/{MARK}")], f"{there} is exchanged")
        stale.remove(MARK)
    added = [
        CommitOperationAdd(path_in_repo=f"{there}/{name}", path_or_fileobj=str(folder / name)) for name in sorted(files)
    ]
    gone = [CommitOperationDelete(path_in_repo=f"{there}/{name}") for name in stale]
    commit(api, repository, [*gone, *added], f"{there}: {len(added)} files")
    note = json.dumps({**told, "files": files}, sort_keys=True).encode()
    mark = CommitOperationAdd(path_in_repo=f"{there}/{MARK}", path_or_fileobj=note)
    commit(api, repository, [mark], f"{there} is complete")


def commit(api: Any, repository: str, operations: list[Any], message: str) -> None:
    patiently(lambda: api.create_commit(repository, operations, commit_message=message))


def remove(api: Any, repository: str, folders: Iterable[str]) -> None:
    """Takes folders out of a repository and out of its history, so that they use no space there."""
    from huggingface_hub import CommitOperationDelete

    gone = [CommitOperationDelete(path_in_repo=f"{folder}/", is_folder=True) for folder in folders]
    if gone:
        commit(api, repository, gone, f"{len(gone)} folders are not needed any more")
        patiently(lambda: api.super_squash_history(repository))


def sizes(api: Any, repository: str, there: str, revision: str | None = None) -> dict[str, int]:
    """{name: bytes} of the files in a folder of a repository; nothing where there is no such folder."""
    from huggingface_hub.errors import EntryNotFoundError

    def look() -> dict[str, int]:
        try:
            tree = list(api.list_repo_tree(repository, there, recursive=True, revision=revision))
        except EntryNotFoundError:
            return {}
        return {one.path.removeprefix(f"{there}/"): one.size for one in tree if hasattr(one, "size")}

    return patiently(look)


def note(api: Any, repository: str, there: str, folder: Path) -> dict[str, Any] | None:
    """The note of a folder that was pushed to its end, else None; `folder` is where it may be written for a moment."""
    revision = patiently(lambda: api.repo_info(repository)).sha
    if MARK not in sizes(api, repository, there, revision):
        return None
    part = folder / ".note"
    try:
        return read(download(api, repository, f"{there}/{MARK}", revision, part), f"{repository}/{there}")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def take(api: Any, repository: str, there: str, folder: Path) -> dict[str, Any]:
    """Brings a folder back whole, or not at all, and returns its note. Raises Torn when it is not all there.

    What was at `folder` before is replaced."""
    revision = patiently(lambda: api.repo_info(repository)).sha
    on_hub = sizes(api, repository, there, revision)
    if MARK not in on_hub:
        raise Torn(f"{repository}/{there} was not pushed to its end")
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        note = read(download(api, repository, f"{there}/{MARK}", revision, part), f"{repository}/{there}")
        for name, wanted in note["files"].items():
            if on_hub.get(name) != wanted["size"]:
                raise Torn(f"{repository}/{there}/{name} is not there or not whole")
            if facts(download(api, repository, f"{there}/{name}", revision, part)) != wanted:
                raise Torn(f"{repository}/{there}/{name} is not what was pushed: its SHA-256 differs")
        (part / there / MARK).unlink()
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        (part / there).rename(folder)
        return note
    finally:
        shutil.rmtree(part, ignore_errors=True)


def download(api: Any, repository: str, name: str, revision: str, folder: Path) -> Path:
    """One file. Whatever the client makes of a broken connection (no local copy, another size than told), it is one."""
    import httpx

    def once() -> Path:
        try:
            return Path(api.hf_hub_download(repository, name, revision=revision, local_dir=str(folder)))
        except httpx.HTTPError:
            raise
        except OSError as error:
            if isinstance(error.__cause__, httpx.HTTPError):
                raise error.__cause__ from None
            raise httpx.ReadError(str(error)) from error

    return patiently(once)


def read(path: Path, what: str) -> dict[str, Any]:
    """The note; raises Torn for one that is none, or that names files outside its folder."""
    try:
        note: dict[str, Any] = json.loads(path.read_bytes())
        names = [PurePosixPath(name) for name in note["files"]]
        whole = all(set(told) == {"size", "sha256"} for told in note["files"].values())
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Torn(f"{what}: its note of what belongs to it cannot be read") from None
    if not whole or any(name.is_absolute() or ".." in name.parts for name in names):
        raise Torn(f"{what}: its note of what belongs to it is not one of ours")
    return note
