"""What the verbs print: tables for people, JSON for scripts."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import orjson

from bashgym import jsonl
from bashgym.display import Terminal, printable, table
from bashgym.errors import InputError, did_you_mean
from bashgym.records import ModelVersion


def as_json(value: Any) -> None:
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str).decode()
    except TypeError:  # lone surrogates, as in a path that is no UTF-8, and big integers
        text = json.dumps(value, indent=2, default=str)
    print(text)


def number(value: Any, unit: str = "") -> str:
    """A figure as people read it; `missing` where there is none."""
    if value is None:
        return "missing"
    return f"{value:,}{unit}" if isinstance(value, int) else f"{value:.4g}{unit}"


def recipes(json: bool) -> None:
    from bashgym import choices, places

    rows = [
        {"name": name, "origin": origin, "description": choices.description(path), "path": str(path)}
        for name, (origin, path) in places.recipes().items()
    ]
    if json:
        as_json(rows)
        return
    table(["recipe", "from", "what it does"], ([row["name"], row["origin"], row["description"]] for row in rows))


def recipe(argv: list[str], json: bool) -> None:
    from bashgym import recipe as recipes_of

    rows = recipes_of.explain(argv)
    if json:
        as_json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows])
        return
    table(["key", "value", "from"], ([key, written(value), shortened(origin)] for key, value, origin in rows))


def written(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def shortened(origin: str) -> str:
    """An origin relative to where the user stands, where that is shorter."""
    path = Path(origin)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else origin


def plugins(json: bool) -> None:
    from bashgym import registry

    rows = [listing._asdict() for listing in registry.catalogue()]
    if json:
        as_json(rows)
        return
    table(
        ["kind", "name", "from", "what it does"],
        ([row["kind"], row["name"], row["origin"], row["line"]] for row in rows),
    )


def model_registry(preset: str) -> Any:
    """The model registry with its preset's own settings."""
    from bashgym import choices

    return choices.preset_plugin("model_registry", preset)


def models(preset: str, json: bool) -> None:
    versions = list(model_registry(preset).list())
    if json:
        as_json([msgspec.to_builtins(version) for version in versions])
        return
    if not versions:
        print("no models yet; make one: bashgym run recipe=quickstart")
        return
    head = ["model", "version", "alias", "typed", "first score", "made", "path"]
    table(head, (listed(one) for one in versions))


def listed(one: ModelVersion) -> list[str]:
    """A row of `models list`; what was typed tells the versions of a sweep apart."""
    typed = one.lineage.get("overrides", "")
    return [one.name, one.version, ", ".join(one.aliases), typed, headline(one), one.created, one.path]


def headline(version: ModelVersion) -> str:
    """The first score of the trained model, with its evidence."""
    first = next((score for score in version.scores if score.role == "trained"), None)
    return f"{first.metric} {number(first.value)} ({first.evidence})" if first else "missing"


def found(preset: str, wanted: str) -> ModelVersion:
    """The version that NAME, NAME@VERSION or NAME@ALIAS means. Raises InputError where there is none."""
    name, _, version = wanted.partition("@")
    registry = model_registry(preset)
    kept: ModelVersion | None = registry.get(name, version or None)
    if kept is None:
        known = [one.name for one in registry.list()]
        raise InputError(f"{wanted}: no such model{did_you_mean(name, known)}" + ("" if known else "; none yet"))
    return kept


def model(preset: str, wanted: str, json: bool) -> None:
    version = found(preset, wanted)
    card = Path(version.path) / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else None
    if json:
        as_json({**msgspec.to_builtins(version), "card": text})
        return
    aliases = ", ".join(version.aliases) or "no alias"
    print(printable(f"{version.name} version {version.version} ({aliases})\n{version.path}\n"))
    scores(msgspec.to_builtins(list(version.scores)))
    print()
    table(["lineage", "value"], ([key, value] for key, value in version.lineage.items()))
    if text is not None:
        print(printable(f"\n{card}:\n\n{text}"))


def exported(done: dict[str, Any], json: bool) -> None:
    """What `models export` wrote."""
    if json:
        as_json(done)
        return
    seen = done["parity"]
    told = f"{seen['rows']} rows, {seen['replies']} replies, {seen['tokens']:,} tokens alike ({seen['evidence']})"
    print(printable(f"written        {done['folder']}"))
    print(f"templates      {told if seen['evidence'] == 'measured' else 'not compared (missing)'}")
    print(printable(f"next           {done['command']}"))


def scores(rows: list[dict[str, Any]]) -> None:
    """One line a metric, one column a role; every figure with its evidence where it is not measured."""
    roles = list(dict.fromkeys(row["role"] for row in rows))
    metrics = list(dict.fromkeys((row["benchmark"], row["metric"]) for row in rows))
    by = {(row["benchmark"], row["metric"], row["role"]): row for row in rows}
    shown = []
    for benchmark, metric in metrics:
        cells = [by.get((benchmark, metric, role)) for role in roles]
        n = max((cell["n"] for cell in cells if cell), default=0)
        evidence = "/".join(sorted({cell["evidence"] for cell in cells if cell}))
        better = "higher" if all(cell["higher_is_better"] for cell in cells if cell) else "lower"
        shown.append([metric, *(number(cell["value"]) if cell else "" for cell in cells), better, str(n), evidence])
    table(["score", *roles, "better", "n", "evidence"], shown)


def finished(content: dict[str, Any], json: bool) -> None:
    """The closing lines of a run: what was found, what it is worth, where everything is."""
    if json:
        as_json(content)
        return
    folder = Path(content["folder"])
    print(f"\n{'reused' if content.get('reused') else content['state']}: {content['recipe']}")
    data_lines(content)
    if "model" in content:
        trained_lines(content)
    print(f"  dataset        {folder / 'dataset'}")
    if (folder / "report.html").exists():
        print(f"  report         {folder / 'report.html'}")


def data_lines(content: dict[str, Any]) -> None:
    sessions, rows = content["sessions"], content["dataset"]["rows"]
    classes = ", ".join(f"{n} {label}" for label, n in content["verdicts"].items())
    kept_aside = f"; {sessions['malformed']} malformed lines kept aside" if sessions["malformed"] else ""
    print(f"  judged         {classes}{kept_aside} (measured)")
    redacted = content["redactions"]
    print(f"  redacted       {sum(redacted.values()):,} values of {len(redacted)} types (measured)")
    print(f"  rows           {', '.join(f'{n} {split}' for split, n in rows.items())} (measured)")


def trained_lines(content: dict[str, Any]) -> None:
    training, model = content["training"], content["model"]
    losses = f"{number(training['first_loss'])} -> {number(training['last_loss'])}"
    print(f"  loss           {losses} in {training['steps']} steps ({training['evidence']})\n")
    scores(content["scores"])
    print(f"\n  model          {model['name']} version {model['version']}: {model['path']}")


def environment(action: str, python: str, json: bool) -> int:
    from bashgym import environment as training

    screen = Terminal()
    if action == "create":
        facts: dict[str, Any] = {"python": str(training.create(screen.step))}
    elif action == "remove":
        facts = {"removed": [str(path) for path in training.remove()]}
    else:
        screen.say("importing the training packages, some ten seconds ...")
        facts = training.check(python)
    screen.close()
    if json:
        as_json(facts)
    else:
        table(["training environment", ""], ([key, written(value)] for key, value in facts.items()))
    return 0 if facts.get("ok", True) else 1


def spans(found: Iterable[Any], json: bool) -> None:
    """What `bashgym sanitize --show-spans` tells."""
    if json:
        as_json([one._asdict() for one in found])
        return
    rows = ([str(one.line), one.field, f"{one.start}-{one.end}", one.type, one.rule, one.masked] for one in found)
    table(["line", "key", "characters", "type", "rule", "masked"], rows)


def sanitized(report: Any, target: Path, file: Path | None, json: bool) -> None:
    """What `bashgym sanitize` did: counts, never values."""
    facts = {**report._asdict(), "out": str(target), "evidence": "measured"}
    if file is not None:
        jsonl.replace(file, orjson.dumps(facts, option=orjson.OPT_INDENT_2))
    if json:
        as_json(facts)
        return
    kinds = ", ".join(f"{n:,} {name}" for name, n in sorted(report.counts.items())) or "nothing"
    print(f"{report.lines:,} lines; replaced (measured): {kinds}")
    if report.malformed:
        print(f"{report.malformed:,} lines cannot be read; they lie in {target.name}.quarantine.jsonl")
    print(f"clean, and past the leak gate: {target}")
