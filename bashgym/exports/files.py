"""The JSON files of an export, wherever they lie: in its zip, in a folder, or one of them alone.

A zip is hostile until shown otherwise. Nothing is extracted to a path that it names: a member is unpacked into a file
without a name in the data home (private, gone when the process ends) and mapped into memory, so that a large export
costs disk and not memory. Sizes and ratios are checked as declared, and again while unpacking."""

import mmap
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from bashgym import paths
from bashgym.errors import InputError
from bashgym.reading.files import unreadable

CONVERSATIONS = re.compile(r"conversations(-\d+)?\.json")
BLOCK = 1 << 20
SMALL = 1 << 20  # bytes; below this no ratio is suspicious
ENCRYPTED = 0x1  # the bit of a member's flags
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class Limits(NamedTuple):
    """Of what a zip may unpack to: mebibytes of all that is read of it, and how many times its packed size."""

    megabytes: int
    ratio: int


class Part(NamedTuple):
    """A file of an export: where it lies (`path` is the zip where it is in one), its name, its bytes."""

    path: Path
    name: str
    content: mmap.mmap | bytes

    @property
    def place(self) -> str:
        """The path as a reader would write it, a zip taken for a folder."""
        return str(self.path) if self.path.name == self.name else f"{self.path}/{self.name}"


def parts(path: Path, others: frozenset[str], limits: Limits, key: str) -> list[Part]:
    """The conversations' files of the export at `path`, and those whose name is in `others`.

    `key` is the recipe key of the path, for errors. Raises InputError in one line when there are no conversations,
    or when a zip is damaged, encrypted, larger than `limits`, or names places outside itself."""
    if not path.exists():
        raise InputError(f"{key}: {path} is not there; name the export's zip, its folder or its conversations.json")
    if path.is_dir():
        files = sorted(file for file in path.rglob("*.json") if file.is_file() and wanted(file.name, others))
        found = [Part(file, file.name, mapped(file)) for file in files]
    elif path.suffix == ".json":
        beside = [path.parent / name for name in sorted(others) if (path.parent / name).is_file()]
        return [Part(file, file.name, mapped(file)) for file in (path, *beside)]
    elif zipfile.is_zipfile(path):
        found = list(of_zip(path, others, limits, key))
    else:
        raise InputError(f"{key}: {path} is neither a zip (or it is damaged), a folder nor a .json; download it again")
    if not any(CONVERSATIONS.fullmatch(part.name) for part in found):
        zips = " (name one of the zips in it)" if path.is_dir() and any(path.glob("*.zip")) else ""
        raise InputError(f"{key}: {path} holds no conversations.json{zips}; name an export of your chats")
    return found


def wanted(name: str, others: frozenset[str]) -> bool:
    return name in others or CONVERSATIONS.fullmatch(name) is not None


def mapped(path: Path) -> mmap.mmap | bytes:
    """The bytes of a file, read only where they are looked at. Raises InputError."""
    try:
        with path.open("rb") as file:
            return view(file)
    except OSError as error:
        raise unreadable(path, error) from None


def view(file: IO[bytes]) -> mmap.mmap | bytes:
    """An open file mapped into memory; an empty one cannot be."""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.seek(0, 2) else b""


def of_zip(path: Path, others: frozenset[str], limits: Limits, key: str) -> Iterator[Part]:
    """The wanted members of a zip, each unpacked once."""
    left = limits.megabytes << 20
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            for member in members:
                refuse_escape(path, member, key)
            for member in sorted(members, key=lambda one: one.filename):
                name = member.filename.rpartition("/")[2]
                if wanted(name, others):
                    refuse_bomb(path, member, limits, left, key)
                    content = unpack(archive, member, left, f"{key}: {path}: {member.filename}")
                    left -= len(content)
                    yield Part(path, name, content)
    except OSError as error:
        raise unreadable(path, error) from None
    except DAMAGED as error:
        raise InputError(f"{key}: {path}: the zip is damaged ({error}); download it again") from None


def refuse_escape(path: Path, member: zipfile.ZipInfo, key: str) -> None:
    """No export names a place outside itself; a zip that does was made by someone else."""
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or re.match(r"[A-Za-z]:", name) or ".." in name.split("/") or "\0" in name:
        raise InputError(
            f"{key}: {path}: {member.orig_filename!r} names a place outside the zip; do not trust this file"
        )


def refuse_bomb(path: Path, member: zipfile.ZipInfo, limits: Limits, left: int, key: str) -> None:
    """By what the zip says of itself; `unpack` holds it to that."""
    where = f"{key}: {path}: {member.filename}"
    option = key.rpartition(".")[0]
    if member.flag_bits & ENCRYPTED:
        raise InputError(f"{where} is encrypted; unpack it yourself and name the folder")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InputError(
            f"{where} is packed in a way that is not read here (method {member.compress_type}); "
            "unpack it yourself and name the folder"
        )
    if member.file_size > left:
        raise InputError(
            f"{where} unpacks to {member.file_size >> 20} MB, more than is allowed; "
            f"if you trust it, raise {option}.max_unpacked_mb (now {limits.megabytes})"
        )
    if member.file_size > SMALL and member.file_size > limits.ratio * max(member.compress_size, 1):
        raise InputError(
            f"{where} unpacks to {member.file_size // max(member.compress_size, 1)} times its size, as zip bombs do; "
            f"if you trust it, raise {option}.max_ratio (now {limits.ratio})"
        )


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, where: str) -> mmap.mmap | bytes:
    """The member's bytes, in a file without a name; what is more than declared or allowed ends it."""
    with archive.open(member) as packed, tempfile.TemporaryFile(dir=paths.home()) as file:
        size = 0
        while block := packed.read(BLOCK):
            size += len(block)
            if size > min(left, member.file_size):
                raise InputError(f"{where} is larger than it says it is; do not trust this file")
            file.write(block)
        file.flush()
        return view(file)
