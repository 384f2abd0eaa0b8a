"""wickerlog: a reader of log files."""

from repos.shape import Change, Flag, Function, Repo, Script

PARSE_LEVEL = Function(
    module="rows",
    name="parse_level",
    code='''def parse_level(row: str) -> str | None:
    """The level of a row such as `ERROR disk full`."""
    words = row.split()
    if not words or not words[0].isupper():
        return None
    return words[0].lower()''',
    right="    return words[0].lower()",
    wrong="    return words[0]",
    almost="    return words[-1].lower()",
    tests=('parse_level("ERROR disk full") == "error"', 'parse_level("") is None'),
    does="reads the level of a log row",
    fault="levels are in capitals",
    new_name="row_level",
)
COUNT_ERRORS = Function(
    module="rows",
    name="count_errors",
    code='''def count_errors(rows: list[str]) -> int:
    """Rows of level ERROR."""
    return sum(1 for row in rows if row.startswith("ERROR "))''',
    right='    return sum(1 for row in rows if row.startswith("ERROR "))',
    wrong='    return sum(1 for row in rows if "ERROR" in row)',
    tests=('count_errors(["ERROR a", "INFO no ERROR"]) == 1', "count_errors([]) == 0"),
    does="counts the rows of level ERROR",
    fault="info rows are counted as errors",
    new_name="error_count",
)
CHUNK = Function(
    module="window",
    name="chunk",
    code='''def chunk(rows: list[str], size: int) -> list[list[str]]:
    """Pieces of `size` rows; the last may be shorter."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]''',
    right="    return [rows[start : start + size] for start in range(0, len(rows), size)]",
    wrong="    return [rows[start : start + size] for start in range(0, len(rows) - size, size)]",
    almost="    return [rows[start : start + size] for start in range(0, len(rows) - 1, size)]",
    tests=('chunk(["a", "b", "c"], 2) == [["a", "b"], ["c"]]', "chunk([], 2) == []"),
    does="cuts rows into pieces of a size",
    fault="the last piece is lost",
    new_name="split_rows",
)
ROLLING = Function(
    module="window",
    name="rolling_sum",
    code='''def rolling_sum(values: list[int], size: int) -> list[int]:
    """Sums over `size` neighbours."""
    return [sum(values[start : start + size]) for start in range(len(values) - size + 1)]''',
    right="    return [sum(values[start : start + size]) for start in range(len(values) - size + 1)]",
    wrong="    return [sum(values[start : start + size]) for start in range(len(values) - size)]",
    tests=("rolling_sum([1, 2, 3], 2) == [3, 5]", "rolling_sum([1], 2) == []"),
    does="sums neighbouring values",
    fault="the last window is missing",
    new_name="window_sums",
)

REPO = Repo(
    name="wickerlog",
    system="mac",
    about="A reader of log files",
    argument="row",
    functions=(PARSE_LEVEL, COUNT_ERRORS, CHUNK, ROLLING),
    flags=(
        Flag("follow", "bool", "wait for new rows"),
        Flag("context", "int", "rows around a match", "2"),
        Flag("level", "str", "lowest level to show", "info"),
    ),
    config=(
        "config/reader.yaml",
        "reader:\n  buffer_kb: 64\n  follow: false\n  encoding: utf-8\nreport:\n  top: 10\n  window: 5\n",
    ),
    changes=(
        Change("buffer_kb", "  buffer_kb: 64", "  buffer_kb: 512", "512"),
        Change("top", "  top: 10", "  top: 20", "20"),
        Change("window", "  window: 5", "  window: 15", "15"),
    ),
    usage=(
        "# Usage\n\nRun `wickerlog ROW` to see its level.\nThe report lists the top ten errors.\n"
        "Rows without a level are skipped.\n\n## Windows\n\nA window has five rows.\n"
    ),
    sentences=(
        ("The report lists the top ten errors.", "The report lists the top 20 errors."),
        ("A window has five rows.", "A window has 15 rows."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "rotate.sh",
            "compresses logs older than a week",
            "#!/usr/bin/env bash\nset -euo pipefail\nfind logs -name '*.log' -mtime +7 -exec gzip {} +\n",
        ),
        Script(
            "top.sh",
            "prints the ten most frequent errors",
            "#!/usr/bin/env bash\nset -euo pipefail\n"
            "grep -h '^ERROR' logs/*.log | sort | uniq -c | sort -rn | head -10\n",
        ),
    ),
    server="logs-2",
)
