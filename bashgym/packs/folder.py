"""A pack out of a folder of this machine: its files as they are now."""

import os
from pathlib import Path

from bashgym.errors import InputError
from bashgym.packs import tree
from bashgym.packs.address import Address
from bashgym.packs.git import Fetched


def fetch(address: Address, home: Path) -> Fetched:
    """The commit is the hash of the files. Raises InputError for links and for what is no harmless pack."""
    top = Path(address.url)
    sizes = {}
    for folder, names, found in os.walk(top):
        here = Path(folder)
        inside = (
            [*names, *found] if here != top else [one for one in [*names, *found] if tree.wanted(one) or within(one)]
        )
        names[:] = [name for name in names if name in inside]
        for name in inside:
            path = here / name
            relative = path.relative_to(top).as_posix()
            if path.is_symlink():
                raise InputError(f"{top}: {relative!r} is a symbolic link; a pack holds plain files only")
            if name in found and tree.wanted(relative):
                if not path.is_file():
                    raise InputError(f"{top}: {relative!r} is no plain file; a pack holds plain files only")
                sizes[relative] = path.stat().st_size
    tree.check_paths(sizes, str(top))
    files = tree.read(top, sizes)
    return Fetched(tree.digest(tree.hashes(files)), files)


def within(name: str) -> bool:
    return f"{name}/" in tree.PARTS
