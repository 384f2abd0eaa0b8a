"""What lies beside the rows of a dataset: its card, its documents, its Parquet. Written after the leak gate, of what it
passed and of counts; made of the same inputs they are the same bytes, so no times and no machines stand in them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bashgym import __version__, jsonl
from bashgym.gate.report import SPLITS, GateReport
from bashgym.gate.rescan import rescan
from bashgym.gate.sweep import Sweep
from bashgym.kinds import Sanitizer
from bashgym.records import TraceSummary
from bashgym.rows import parquet
from bashgym.stages.context import Run

CARD = "README.md"
DOCUMENTS = "documents"
DERIVED = (CARD, DOCUMENTS, parquet.FOLDER)  # all of it is made of the rows, and goes with them
LEFT_OUT = "(a line left out by the leak gate)"


class Facts(NamedTuple):
    """What a card tells."""

    rows: Mapping[str, int]
    dropped: Mapping[str, int]
    tools: Mapping[str, int]  # where the tools' definitions came from -> rows
    traces: Sequence[TraceSummary]
    report: GateReport


def complete(run: Run, folder: Path, facts: Facts, sweep: Sweep) -> None:
    """Writes card, documents and Parquet into the folder of a dataset that the gate has passed."""
    format_plugin = run.plugin(run.recipe.one("format"))
    for split in SPLITS:
        if hasattr(format_plugin, "document"):
            documents(folder, split, format_plugin)
        if run.recipe.settings.dataset.parquet:
            parquet.write(folder, split)
    path = folder / CARD
    path.write_text("\n".join([*header(folder, facts.rows), *body(run, facts)]) + "\n", encoding="utf-8")
    path.write_text(checked(path, sweep, run.plugins("sanitizer")), encoding="utf-8")


def documents(folder: Path, split: str, format_plugin: Any) -> None:
    """Each row as a file of its own, for viewers that read one session a file."""
    place = folder / DOCUMENTS / split
    for line in jsonl.read_lines(folder / f"{split}.jsonl"):
        place.mkdir(parents=True, exist_ok=True)
        name = line.value.get("id") or line.value.get("session_id") or ""
        safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:100]
        (place / f"{line.number:06d}-{safe}{format_plugin.suffix}").write_bytes(format_plugin.document(line.value))


def checked(path: Path, sweep: Sweep, sanitizers: Sequence[tuple[str, Sanitizer]]) -> str:
    """The card, without any line in which the gate's checks still find something."""
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    marked = {seen.line for seen in rescan(path, sanitizers)}
    marked |= {number for number, line in enumerate(lines, 1) if next(sweep.hits(line.encode()), None) is not None}
    first = lines.index("---", 1) + 1  # what is above is ours, word for word
    return "\n".join(LEFT_OUT if number in marked and number > first else line for number, line in enumerate(lines, 1))


def header(folder: Path, rows: Mapping[str, int]) -> Iterator[str]:
    """What the Hub reads: which files are which split."""
    yield from ("---", "tags:", "- bashgym", "configs:", "- config_name: default", "  data_files:")
    for split in (split for split in SPLITS if rows[split]):
        file = folder / parquet.FOLDER / f"{split}-00000-of-00001.parquet"
        yield f"  - split: {split}"
        yield f"    path: {file.relative_to(folder) if file.exists() else f'{split}.jsonl'}"
    yield from ("---", "")


def body(run: Run, facts: Facts) -> Iterator[str]:
    chosen = run.recipe.one("format")
    yield f"# A dataset in the format {chosen.plugin.name}"
    yield ""
    yield f"Written by BashGym {__version__} out of sessions with coding agents. Every number here is measured."
    yield from section("Rows", ["split", "rows"], ([split, str(facts.rows[split])] for split in SPLITS))
    yield from section("Sources", ["source", "data set", "licence", "sessions"], sources(facts.traces))
    yield from section("Classes", ["class by the judges", "sessions"], counted(one.label for one in facts.traces))
    if facts.tools:
        yield from section("Tools", ["definitions of tools", "rows"], pairs(facts.tools))
    yield from section("Left out of the rows", ["reason", "times"], pairs(facts.dropped))
    yield from section("Replaced before anything else saw it", ["kind", "times"], pairs(redactions(run)))
    yield from gate(run, facts.report)


def sources(traces: Iterable[TraceSummary]) -> Iterator[list[str]]:
    """Where sessions came from; one's own have no licence but their owner's."""
    found = Counter((one.source, one.dataset, one.license) for one in traces)
    for (source, dataset, licence), n in sorted(found.items()):
        yield [source, dataset or "own sessions", licence or ("missing" if dataset else "private"), str(n)]


def redactions(run: Run) -> dict[str, int]:
    return dict(run.manifest.content.get("redactions", {}))


def gate(run: Run, report: GateReport) -> Iterator[str]:
    sanitizers = ", ".join(choice.plugin.name for choice in run.recipe.all("sanitizer"))
    yield from ("", "## Leak gate", "")
    yield f"Sanitizers, in this order: {sanitizers}. The gate passed the {report.rows} rows: in the bytes as written"
    yield f"the sanitizers found nothing more, none of {report.values} values that were removed from any session stands"
    yield f"in them ({report.repaired} rows were repaired before), and {report.canaries} planted values were removed."
    yield f"It is bound to these files by their hash: {report.dataset}"


def section(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table; nothing where it has no rows."""
    made = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    if made:
        yield from ("", f"## {title}", "", f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}", *made)


def counted(values: Iterable[str]) -> Iterator[list[str]]:
    return pairs(Counter(values))


def pairs(counts: Mapping[str, int]) -> Iterator[list[str]]:
    return ([name, str(n)] for name, n in sorted(counts.items()))
