"""`bashgym lineage`: where a row came from, or why a session is in no dataset."""

from collections.abc import Iterator
from typing import Any

from bashgym.errors import BashGymError
from bashgym.verbs import parser

ABOUT = """Walks from a row of a dataset back to the lines of the session file it came from, through every stage.

  bashgym lineage ROW_ID [--run RUN]              a row's id is its key `id`, such as SESSION#0
  bashgym lineage --why-not SESSION [--run RUN]   where and why a session was left out of a run (the newest)

Files are named as they are on this machine. What an agent has deleted is found in the archive."""


def main(arguments: list[str]) -> int:
    took = parser("lineage", ABOUT)
    took.add_argument("row", nargs="?", metavar="ROW_ID", help="the row")
    took.add_argument("--why-not", metavar="SESSION", help="a session's id, or the first eight characters of it")
    took.add_argument("--run", metavar="RUN", help="a run's folder or name; default: the newest that has it")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    if bool(options.row) == bool(options.why_not):
        raise BashGymError("lineage: name a row, or a session with --why-not; one of the two")
    from bashgym import show
    from bashgym.display import printable
    from bashgym.lineage import kept, walk, whynot

    if options.row:
        found = walk.lineage(kept.row(options.row, options.run))
        lines = row_lines(found)
    else:
        found = whynot.why_not(options.why_not, options.run)
        lines = session_lines(found)
    if options.json:
        show.as_json(found)
    else:
        print(printable("\n".join(lines)))
    return 1 if found.get("lost") else 0


def row_lines(found: dict[str, Any]) -> Iterator[str]:
    """One line a stage, the last first; then one a step."""
    gate, curate, judge, source = found["gate"], found["curate"], found["judge"], found["source"]
    yield f"row       {found['row']}"
    yield f"dataset   {found['file']}:{found['line']}"
    if gate["passed"] is None:
        yield "gate      no leak gate has looked at this dataset"
    else:
        since = "unchanged since" if gate["unchanged"] else "CHANGED since"
        yield f"gate      {'passed' if gate['passed'] else 'not passed'} {gate['when']}, {since}"
    shape = found["format"]
    yield f"format    {shape['format']}: {shape['messages']} messages of context window {shape['window']}"
    if found["synthesize"]["origin"] != "trace":
        yield f"made by   synthesizer {found['synthesize']['origin']}"
    how = f" ({'; '.join(curate['how'])})" if curate["how"] else ""
    copied = f", {curate['copied_replies']} replies shown only, as copies" if curate["copied_replies"] else ""
    yield f"curate    kept, in {curate['split']}{how}, one of {curate['rows']} rows of its trace{copied}"
    yield f"judge     {judge['class']}"
    for one in judge["verdicts"]:
        score = "abstained" if one["score"] is None else f"{one['score']:.2f}{' verified' if one['verified'] else ''}"
        yield f"            {one['judge']}: {score}{': ' + one['reason'] if one['reason'] else ''}"
    counts = ", ".join(f"{n} {type}" for type, n in sorted(found["sanitize"]["replaced"].items())) or "nothing"
    yield f"sanitize  replaced in its session: {counts}"
    yield from source_lines(source)
    for path in dict.fromkeys(place["path"] for step in found["steps"] for place in step["places"]):
        yield f"lines of  {path}"
    for step in found["steps"]:
        at = "; ".join(f"{one['unit']} {', '.join(map(str, one['numbers']))}" for one in step["places"])
        yield f"  step {step['step']:<5} {step['kind']:<18} {at or 'no lines of its own: ' + ', '.join(step['ids'])}"
    yield from (f"LOST      {one}" for one in found["lost"])


def source_lines(source: dict[str, Any]) -> Iterator[str]:
    place = "the archive" if source["archived"] else "its source"
    yield f"source    {source['source']}: session {source['session']}, read from {place}"
    if source["trace"]:
        yield f"            its sub-agent {source['trace']}"
    if source["changed"]:
        yield "            its files CHANGED since the run: the lines are where the steps stand now"


def session_lines(found: dict[str, Any]) -> Iterator[str]:
    yield f"session   {found['session']}"
    yield f"run       {found['run']}"
    for one in found["found"]:
        if one["stage"] == "kept":
            yield f"kept      {one['trace']}: {one['reason']}, {one['rows']} rows"
        else:
            yield f"left out  {one['trace']}: at {one['stage']}: {one['reason']}"
        yield from (f"            {more}" for more in one["more"])
