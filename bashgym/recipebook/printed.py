"""What `bashgym recipes check|diff|explain` print."""

from bashgym.display import printable, table
from bashgym.recipebook.checked import Checked
from bashgym.recipebook.diffed import Difference
from bashgym.recipebook.explained import Explained
from bashgym.show import as_json, shortened, written


def checked(found: Checked, json: bool) -> None:
    rows = [{"level": one.level, "message": one.message} for one in found.findings]
    if json:
        as_json({"good": found.good, "findings": rows, "choices": [choice.key for choice in found.choices]})
        return
    for row in rows:
        print(printable(f"{row['level']}: {row['message']}"))
    errors = sum(row["level"] == "error" for row in rows)
    looked = f"{len(found.choices)} plugins loaded and built, their settings, pairs and sources looked at"
    print(f"{errors} errors" if errors else f"good: {looked}")


def differences(found: list[Difference], told: list[str], json: bool) -> None:
    if json:
        plain = [{"change": one.change, **one._asdict()} for one in found]
        as_json([*plain, *({"change": "changed", "key": line.split(": ")[0], "told": line} for line in told)])
        return
    if not found and not told:
        print("the same in meaning")
        return
    rows = (
        [one.change, one.key, *("" if value is None else written(value) for value in (one.first, one.second))]
        for one in found
    )
    if found:
        table(["", "key", "first", "second"], rows)
    if told:
        print("what went into them (there: the first, here: the second):")
    for line in told:
        print(printable(f"  {line}"))


def explained(found: Explained, json: bool) -> None:
    if json:
        setters = [one._asdict() for one in found.setters]
        as_json({**found._asdict(), "meanings": [one._asdict() for one in found.meanings], "setters": setters})
        return
    print(printable(found.key))
    for meaning in found.meanings:
        default = "" if meaning.default is None else f"; default {written(meaning.default)}"
        print(printable(f"  {meaning.does}\n    {meaning.type}{default} ({meaning.whose})"))
    if found.setters:
        print("  set, the last word last:")
        rows = ([f"    {written(one.value)}", shortened(one.origin), one.comment] for one in found.setters)
        table(["    value", "by", "comment there"], rows)
    if found.choices:
        table(["    choice", "what it is"], ([f"    {name}", line] for name, line in found.choices.items()))
