"""Two lock files, or a lock file and this machine, compared in meaning: one line for everything that differs."""

from collections.abc import Iterator, Mapping
from typing import Any

from bashgym.recipe import flatten

SHORT = 12  # digits of a hash that are shown
SHOWN = 5  # sessions that are named one by one
Lock = Mapping[str, Any]


def differences(there: Lock, here: Lock) -> Iterator[str]:
    """What differs between two locks, `there` being the one that is to be reproduced. What is absent from either is
    not compared, apart from plugins and sessions. Without the same key, nothing that is keyed is compared."""
    yield from versions(there, here)
    if "packs" in there or "packs" in here:
        yield from packs(there.get("packs", {}), here.get("packs", {}))
    yield from plugins(there, here)
    yield from settings(there.get("settings", {}), here.get("settings", {}))
    same_key = there["pseudonym_key"] == here["pseudonym_key"]
    if not same_key:
        yield key(there["pseudonym_key"], here["pseudonym_key"])
    yield from engines(there.get("engines", {}), here.get("engines", {}))
    if same_key:
        yield from known(there.get("known_values", []), here.get("known_values", []))
    yield from sessions(there.get("sessions", {}).get("list", []), here.get("sessions", {}).get("list", []))


def versions(there: Lock, here: Lock) -> Iterator[str]:
    if there["bashgym"] != here["bashgym"]:
        yield f"bashgym: version {there['bashgym']} there, {here['bashgym']} here; install that one"
    elif there["code"] != here["code"]:
        yield (
            f"bashgym: version {there['bashgym']} in both, but its code is another "
            f"({short(there['code'])} there, {short(here['code'])} here); install the same build"
        )


def packs(there: Lock, here: Lock) -> Iterator[str]:
    """Packs by name: at which commit, with which files."""
    for name in dict.fromkeys([*there, *here]):
        one, other = there.get(name), here.get(name)
        if one is None:
            yield f"pack {name}: used here only"
        elif other is None:
            yield f"pack {name}: {one['url']} at {short(one['commit'])} is not here; bashgym packs add {at(one)}"
        elif one["commit"] != other["commit"]:
            way_out = f"bashgym packs update {name} --revision {one['commit']}"
            yield f"pack {name}: {short(one['commit'])} there, {short(other['commit'])} here; {way_out}"
        elif one["sha256"] != other["sha256"]:
            yield f"pack {name}: {short(one['sha256'])} there, {short(other['sha256'])} here, by its files"


def at(pack: Lock) -> str:
    """The address of a pack at its commit; a folder has no other than its present one."""
    return str(pack["url"]) if pack["url"].startswith("/") else f"{pack['url']}@{pack['commit']}"


def plugins(there: Lock, here: Lock) -> Iterator[str]:
    """Plugins, by kind and label, and their settings."""
    for kind in dict.fromkeys([*there["plugins"], *here["plugins"]]):
        mine, other = there["plugins"].get(kind, {}), here["plugins"].get(kind, {})
        for label in dict.fromkeys([*mine, *other]):
            yield from plugin(f"{kind} {label}", mine.get(label), other.get(label))
        if list(mine) != list(other) and set(mine) == set(other):
            yield f"{kind}: in the order {', '.join(mine)} there, {', '.join(other)} here"


def plugin(name: str, there: Lock | None, here: Lock | None) -> Iterator[str]:
    if there is None or here is None:
        yield f"{name}: chosen {'here' if there is None else 'there'} only"
    elif "missing" in here:
        yield f"{name}: {here['missing']}"
    elif there["plugin"] != here["plugin"]:
        yield f"{name}: plugin {there['plugin']} there, {here['plugin']} here"
    elif there["sha256"] != here["sha256"]:
        yield (
            f"{name}: plugin {there['plugin']} of {there['origin']} is {short(there['sha256'])} there, "
            f"{short(here['sha256'])} (of {here['origin']}) here; take the same version of it"
        )
    else:
        yield from (line.replace(": ", ".", 1) for line in settings(there["config"], here["config"], f"{name}: "))


def settings(there: Lock, here: Lock, prefix: str = "") -> Iterator[str]:
    mine, other = dict(flatten(there)), dict(flatten(here))
    for name in dict.fromkeys([*mine, *other]):
        if mine.get(name, NOTHING) != other.get(name, NOTHING):
            yield f"{prefix}{name}: {mine.get(name, NOTHING)!r} there, {other.get(name, NOTHING)!r} here"


class Nothing:
    def __repr__(self) -> str:
        return "nothing"


NOTHING = Nothing()


def key(there: str, here: str | None) -> str:
    own = f"{here} here" if here else "none here"
    return (
        f"pseudonym key: {there} there, {own}; `bashgym keys export FILE` there and `bashgym keys import FILE` here "
        "make them the same"
    )


def engines(there: Lock, here: Lock) -> Iterator[str]:
    """Versions and rules that the plugins rest on; a plugin that has none in one of the two is not compared."""
    for name in there:
        if name in here and there[name]["rests_on"] != here[name]["rests_on"]:
            yield f"{name}: {' '.join(changed(there[name]['rests_on'].split(), here[name]['rests_on'].split()))}"


def changed(there: list[str], here: list[str]) -> Iterator[str]:
    """Words of an engine's description that differ, each with the words before it that say what it is."""
    if len(there) != len(here):
        yield f"rests on '{' '.join(there)}' there, '{' '.join(here)}' here"
        return
    pairs = [(number, one, two) for number, (one, two) in enumerate(zip(there, here, strict=True)) if one != two]
    for count, (number, one, two) in enumerate(pairs):
        what = there[number - 1] if number else "engine"
        yield f"{what} {short(one)} there, {short(two)} here{';' if count + 1 < len(pairs) else ''}"


def known(there: list[Lock], here: list[Lock]) -> Iterator[str]:
    """What only one of the two machines knows, and what stands in the sessions: it is replaced there alone."""
    mine, other = ({one["digest"]: one for one in side} for side in (there, here))
    for digest, one in mine.items():
        if digest not in other:
            yield value(one["type"], "there", "not here")
    for digest, one in other.items():
        if digest not in mine:
            yield value(one["type"], "here", "not there")


def value(type: str, where: str, not_where: str) -> str:
    way_out = "say it with sanitizer.identity.names in the recipe, and lock it anew"
    return f"known values: a {type} that stands in the sessions is known to the machine {where}, {not_where}; {way_out}"


def sessions(there: list[Lock], here: list[Lock]) -> Iterator[str]:
    """Sessions that are gone, or whose bytes are others; those that are here alone are no difference."""
    mine, gone, other = by_id(there), [], by_id(here)
    for name, one in mine.items():
        if name not in other:
            gone.append(f"{one['source']} session {one['session']}")
        elif one["sha256"] != other[name]["sha256"]:
            yield (
                f"{one['source']} session {one['session']}: its bytes are others ({short(one['sha256'])}, "
                f"{one['bytes']:,} bytes there; {short(other[name]['sha256'])}, {other[name]['bytes']:,} here)"
            )
    if gone:
        more = f" and {len(gone) - SHOWN} more" if len(gone) > SHOWN else ""
        yield f"not here: {', '.join(gone[:SHOWN])}{more}; name their folder with source.LABEL.path=FOLDER"


def by_id(found: list[Lock]) -> dict[tuple[str, str], Lock]:
    return {(one["source"], one["id_sha256"]): one for one in found}


def short(text: str) -> str:
    return text[:SHORT] if len(text) > 2 * SHORT else text
