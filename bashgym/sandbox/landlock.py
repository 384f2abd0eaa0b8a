"""Landlock's three system calls: what a process and all it starts may still do with files, and whom it may signal.

Numbers and structures from Linux' `linux/landlock.h`; the same on all processors."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446
PATH_BENEATH = 1
EXECUTE, WRITE, READ, LIST, TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
MAKE_CHARACTER, MAKE_BLOCK, DEVICE = 1 << 6, 1 << 11, 1 << 15
OF_FILES = EXECUTE | WRITE | READ | TRUNCATE  # the rights that mean something for a file; the others are of folders
LOOK = EXECUTE | READ | LIST
TCP = 0b11  # bind and connect
OUTSIDE = 0b11  # abstract sockets and signals
# all rights over files that a version knows
RIGHTS = {1: 0x1FFF, 2: 0x3FFF, 3: 0x7FFF, 4: 0x7FFF, 5: 0xFFFF}
NEEDED = 3  # before that, files outside could be emptied


class Attributes(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def call(number: int, *arguments: object) -> int:
    """A system call; raises OSError with its error."""
    library = ctypes.CDLL(None, use_errno=True)
    answer: int = library.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer


def version() -> int:
    """The version this kernel has; 0: none."""
    try:
        return call(CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    except OSError:
        return 0


def ruleset(readable: Iterable[Path], writable: Iterable[Path], devices: Iterable[Path]) -> int:
    """The descriptor of rules that allow this much and nothing else of what the kernel can forbid."""
    known = version()
    rights = RIGHTS[min(known, max(RIGHTS))]
    attributes = Attributes(rights, TCP if known >= 4 else 0, OUTSIDE if known >= 6 else 0)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    rules = call(CREATE, ctypes.byref(attributes), ctypes.c_size_t(size), ctypes.c_uint32(0))
    for path in readable:
        allow(rules, path, LOOK)
    for path in writable:
        allow(rules, path, rights & ~(MAKE_CHARACTER | MAKE_BLOCK | DEVICE))
    for path in devices:
        allow(rules, path, READ | WRITE)
    return rules


def allow(rules: int, path: Path, rights: int) -> None:
    """Allows `rights` at and below a path; nothing where there is no such path."""
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rule = Beneath(rights if path.is_dir() else rights & OF_FILES, place)
        call(ADD, ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(place)


def restrict(rules: int) -> None:
    """From here on, for this process and all it starts; needs no_new_privs."""
    call(RESTRICT, ctypes.c_int(rules), ctypes.c_uint32(0))
