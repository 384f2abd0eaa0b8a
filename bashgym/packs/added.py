"""Packs added, updated, removed, trusted: what changes the list of packs."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bashgym import paths
from bashgym.errors import InputError
from bashgym.packs import address as addresses
from bashgym.packs import folder, git, hub, kept, manifest, tree
from bashgym.packs.address import Address
from bashgym.packs.kept import Pack

FETCH: dict[str, Callable[[Address, Path], git.Fetched]] = {
    "git": git.fetch,
    "hub": hub.fetch,
    "folder": folder.fetch,
}


class Change(NamedTuple):
    """What an update brought: `rewritten` where the earlier commit is not in the later one's history."""

    before: Pack
    after: Pack
    rewritten: bool
    files: list[tuple[str, str]]  # (added, removed or changed; path)
    texts_before: dict[str, str]  # YAML files that are others now, as they were and as they are
    texts_after: dict[str, str]


def add(text: str, name: str = "", allow: tuple[str, ...] = (), shadowing: bool = False, listed: bool = True) -> Pack:
    """Fetches a pack and keeps it at the commit that it has now; of one that is there already, the kept one.

    Raises InputError for what cannot be had or is no harmless pack."""
    where = addresses.parsed(text, allow)
    name = name or where.name
    if not addresses.NAME.fullmatch(name):
        raise InputError(f"packs add: '{name}' is no name of a pack; give another: --name NAME")
    same = {pack.name: pack for pack in kept.packs()}.get(name)
    if same and same.url != where.url:
        raise InputError(f"{text}: a pack '{name}' is there already ({same.url}); give another name: --name NAME")
    got = fetched(where, shadowing)
    found = tree.hashes(got.files)
    pack = Pack(
        name=name,
        url=where.url,
        revision=where.revision,
        commit=got.commit,
        sha256=tree.digest(found),
        files=found,
        listed=listed,
        added=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        trusted=same.trusted if same else "",
        allow=allow,
    )
    put(pack, got.files)
    return pack


def fetched(where: Address, shadowing: bool) -> git.Fetched:
    got = FETCH[where.kind](where, kept.home())
    tree.check_files(got.files, where.url)
    manifest.check(got.files, where.url)
    if not shadowing:
        for path in taken(got.files):
            raise InputError(
                f"{where.url}: its {path} takes the name of a plugin that ships; have it renamed there, or, where that "
                "is meant: bashgym packs add ... --shadowing"
            )
    return got


def taken(files: Mapping[str, object], parts: tuple[str, ...] = ("plugins/",)) -> Iterator[str]:
    """Files of a pack that bear the path of a shipped one."""
    for path in files:
        if path.startswith(parts) and (paths.shipped(path.split("/")[0]) / path.split("/", 1)[1]).is_file():
            yield path


def put(pack: Pack, files: dict[str, bytes]) -> None:
    with kept.changing() as packs:
        kept.write(pack, files)
        at = next((number for number, one in enumerate(packs) if one.name == pack.name), len(packs))
        for old in packs[at : at + 1]:
            if old.folder != pack.folder:
                kept.drop(old)
        packs[at:] = [pack, *packs[at + 1 :]]


def update(name: str, revision: str = "") -> Change:
    """Fetches a pack anew: the commit that its revision means now. A changed pack is not trusted.

    Raises InputError where it cannot be fetched; the kept one stays then."""
    before = kept.named(name)
    where = addresses.parsed(f"{before.url}@{revision or before.revision}".rstrip("@"), before.allow)
    got = fetched(where, any(True for _ in taken(before.files)))
    files = tree.hashes(got.files)
    after = before._replace(revision=where.revision, commit=got.commit, sha256=tree.digest(files), files=files)
    moved = where.kind == "git" and before.commit != after.commit
    rewritten = moved and not git.follows(where, kept.home(), before.commit, after.commit)
    others = list(differing(before.files, files))
    earlier = yaml_texts(others, tree.read(before.folder, filter(before.is_there, before.files)))
    put(after, got.files)
    return Change(before, after, rewritten, others, earlier, yaml_texts(others, got.files))


def yaml_texts(others: list[tuple[str, str]], files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: files[path].decode() for _, path in others if path.endswith(".yaml") and path in files}


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            yield "added" if path not in before else "removed" if path not in after else "changed", path


def remove(name: str) -> Pack:
    pack = kept.named(name)
    with kept.changing() as packs:
        packs[:] = [one for one in packs if one.name != name]
        kept.drop(pack)
    return pack


def trust(name: str, pin: str) -> Pack:
    """Notes that the user said yes to the pack as it was shown; raises InputError where it changed since."""
    with kept.changing() as packs:
        for number, pack in enumerate(packs):
            if pack.name == name and pack.pin == pin:
                kept.check(pack)
                packs[number] = pack._replace(trusted=pin)
                return packs[number]
    raise InputError(f"{name}: changed while it was shown; look again: bashgym packs trust {name}")


def ensure(text: str) -> Pack:
    """The pack of a recipe's address: the one that is kept, else fetched now and kept at that commit."""
    where = addresses.parsed(text)
    for pack in kept.packs():
        same_place = pack.url == where.url
        if same_place and where.revision in {pack.revision, pack.commit}:
            kept.use(pack)
            return pack
    names = {pack.name for pack in kept.packs()}
    name = where.name if where.name not in names else f"{where.name}-{where.revision or 'head'}".replace("/", "-")
    pack = add(str(where), name=name, listed=False, allow=allowed_by_environment(where))
    kept.use(pack)
    return pack


def allowed_by_environment(where: Address) -> tuple[str, ...]:
    scheme = where.url.removeprefix("git+").partition("://")[0]
    return (scheme,) if where.kind == "git" and scheme in addresses.ASKED else ()
