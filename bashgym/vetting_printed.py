"""What `bashgym packs` prints."""

from typing import Any

from bashgym import vetting, yamls
from bashgym.bounds import flat
from bashgym.display import printable, table
from bashgym.packs import kept
from bashgym.packs.added import Change
from bashgym.packs.kept import Pack
from bashgym.show import as_json, written

SHOWN = 40  # lines of what changed


def told(pack: Pack) -> dict[str, Any]:
    return {
        "name": pack.name,
        "url": pack.url,
        "revision": pack.revision,
        "commit": pack.commit,
        "sha256": pack.sha256,
        "trusted": pack.is_trusted,
        "searched": pack.listed,
        "added": pack.added,
        "plugins": len(list(kept.plugins(pack))),
        "files": len(pack.files),
        "folder": str(pack.folder),
    }


def listing(json: bool) -> int:
    packs = kept.packs()
    if json:
        as_json([told(pack) for pack in packs])
        return 0
    if not packs:
        print("no packs yet; add one: bashgym packs add git+https://HOST/ORG/PACK")
        return 0
    rows = ([one.name, one.url, one.revision, one.short, state(one), one.added] for one in packs)
    table(["pack", "from", "asked for", "commit", "", "added"], rows)
    return 0


def state(pack: Pack) -> str:
    if pack.is_trusted:
        return "trusted"
    if pack.trusted:
        return f"changed since it was trusted at {pack.trusted[:12]}"
    return "data only" if kept.plugins(pack) else "data only (has no code)"


def plural(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def summary(pack: Pack, json: bool) -> int:
    found = vetting.contents(pack)
    if json:
        as_json({**told(pack), **lists(found)})
        return 0
    print(printable(f"{pack.name}: {pack.url} at {pack.commit}\n{len(pack.files)} files, SHA-256 {pack.sha256}"))
    for what, names in (("recipes", found.recipes), ("presets", found.presets)):
        print(printable(f"{what}: {', '.join(names) or 'none'}"))
    print(printable(f"code: {', '.join(one.path for one in found.code) or 'none'}"))
    for path in found.shadows:
        print(printable(f"notice: {path} has the name of one that ships, and takes its place once the pack is trusted"))
    if found.code or found.seen:
        code, seen = plural(len(found.code), "file"), plural(len(found.seen), "setting")
        print(f"waiting for `bashgym packs trust {pack.name}`: {code} of code, {seen}")
    return 0


def lists(found: vetting.Contents) -> dict[str, Any]:
    return {
        "recipes": found.recipes,
        "presets": found.presets,
        "code": [one._asdict() for one in found.code],
        "settings": [one._asdict() for one in found.seen],
        "shadows": found.shadows,
    }


def shown(pack: Pack, json: bool) -> int:
    found = vetting.contents(pack)
    if json:
        as_json({**told(pack), **lists(found)})
        return 0
    print(printable(f"{pack.name}: {pack.url} at {pack.commit} ({state(pack)})\n{pack.folder}\n"))
    if found.code:
        print("code that would run as you, in a process of its own without your environment variables:")
        rows = ([one.path, str(one.lines), ", ".join(one.imports), one.about] for one in found.code)
        table(["file", "lines", "imports", "says of itself"], rows)
    else:
        print("no code")
    print()
    if found.seen:
        print("settings that send data, spend, name places and programs, or touch what protects you:")
        table(
            ["what", "key", "value", "file"], ([one.word, one.key, written(one.value), one.path] for one in found.seen)
        )
    else:
        print("no setting that can do harm")
    for path in found.shadows:
        print(printable(f"notice: {path} takes the place of the one that ships"))
    return 0


def changed(change: Change, json: bool) -> int:
    before, after = change.before, change.after
    keys = list(keys_changed(change))
    if json:
        files = [{"change": what, "path": path} for what, path in change.files]
        as_json({**told(after), "before": before.commit, "rewritten": change.rewritten, "files": files, "keys": keys})
        return 0
    if before.pin == after.pin:
        print(f"{after.name}: nothing new; {after.short} still")
        return 0
    print(printable(f"{after.name}: {before.commit} -> {after.commit}"))
    if change.rewritten:
        print(f"its history was written anew (a force-push): {before.short} is no ancestor of {after.short}")
    for what, path in change.files:
        print(printable(f"  {what:<8} {path}"))
    for line in keys[:SHOWN]:
        print(printable(f"  {line}"))
    if before.is_trusted:
        print(f"it is not trusted any more; look at it: bashgym packs trust {after.name}")
    return 0


def keys_changed(change: Change) -> list[str]:
    """Settings of YAML files that are others now. The earlier files are read before they are removed, see `update`."""
    lines = []
    for path in sorted({*change.texts_before, *change.texts_after}):
        one, other = (values(texts.get(path, "")) for texts in (change.texts_before, change.texts_after))
        for key in dict.fromkeys([*one, *other]):
            if one.get(key) != other.get(key):
                lines.append(f"{path}: {key}: {one.get(key)!r} -> {other.get(key)!r}")
    return lines


def values(text: str) -> dict[str, Any]:
    content = yamls.load(text)
    return dict(flat(content)) if isinstance(content, dict) else {}
