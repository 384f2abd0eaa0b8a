"""What a test runner printed about its result: the summary lines of some twenty runners.

A summary is believed for "failed" wherever it stands. For "passed" it must speak for the whole run: pytest's last line
does, one `ok` of `go test` does not when the rest of the output was cut away."""

import re
from typing import Literal, NamedTuple

from bashgym.signals.letters import needed
from bashgym.signals.runners import ANY

State = Literal["passed", "failed", "none"]

COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
NUMBERED = re.compile(r"(\d+)\s+([a-z]+)|([A-Za-z]+):\s*(\d+)|([a-z]+)=(\d+)")
PASSED = frozenset({"passed", "pass", "passing", "ok"})
FAILED = frozenset({"failed", "fail", "failing", "failure", "failures", "error", "errors", "broken", "timedout"})
TOTAL = frozenset({"run", "total", "tests", "test", "examples", "runs"})
LONGEST = 400_000  # characters; summaries stand at the end, so the end is what is read


class Summary(NamedTuple):
    """A line that tells a result. `whole`: it speaks for the whole run; `counts`: its numbers are of tests.

    Groups of `pattern`: `numbers` is searched for "3 passed" or "Failures: 2"; `passed`, `failed`, `total` are numbers;
    `state` fixes the state where there are no numbers."""

    family: str
    pattern: re.Pattern[str]
    whole: bool = True
    state: State | None = None
    counts: bool = True
    words: frozenset[str] = frozenset()  # one of them is in every text the pattern is found in


class Reading(NamedTuple):
    """What an output says; `whole` as above; None for a number that is not told."""

    state: State
    passed: int | None
    failed: int | None
    whole: bool


def line(family: str, pattern: str, **more: bool | State) -> Summary:
    words = needed(pattern) or frozenset()
    return Summary(family, re.compile(pattern, re.MULTILINE), words=words, **more)  # type: ignore[arg-type]


SUMMARIES = (
    line(
        "pytest",
        r"^=*[ \t]?(?P<numbers>\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed)\b.*) in \d[\d.:]*",
    ),
    line("pytest", r"^=*[ \t]?no tests ran in \d", state="none"),
    line("pytest", r"^(?:INTERNALERROR> |E?RROR: usage: |ERROR: (?:file|not found))", state="none"),
    line("unittest", r"^Ran (?P<total>\d+) tests? in [\d.]+s\s+^(?:OK|FAILED|NO TESTS RAN)(?P<numbers>.*)$"),
    line("unittest", r"^(?:OK)(?: \([a-z_ =\d,]+\))?\s*\Z", state="passed"),
    line("unittest", r"^FAILED \((?:failures|errors|unexpected successes)=", state="failed"),
    line("jest", r"^Tests:[ \t]+(?P<numbers>.*)\d+ total"),
    line("jest", r"^Test Suites:[ \t]+(?P<numbers>.*)\d+ total", counts=False),
    line("vitest", r"^[ \t]*Tests[ \t]+(?P<numbers>\d.*)\(\d+\)"),
    line("vitest", r"^[ \t]*Test Files[ \t]+(?P<numbers>\d.*)\(\d+\)", counts=False),
    line("mocha", r"^[ \t]+(?P<passed>\d+) passing(?: \(.*\))?[ \t]*$", whole=False),
    line("mocha", r"^[ \t]+(?P<failed>\d+) failing[ \t]*$"),
    line("node", r"^(?:#|ℹ) pass (?P<passed>\d+)\n(?:#|ℹ) fail (?P<failed>\d+)"),
    line("tap", r"^# pass  +(?P<passed>\d+)\n(?:# fail  +(?P<failed>\d+))?"),
    line("tap", r"^not ok \d+(?!.*# (?:TODO|SKIP))", state="failed"),
    line("tap", r"^ok \d+\b", state="passed", whole=False),
    line("cargo", r"^test result: (?:ok|FAILED)\. (?P<passed>\d+) passed; (?P<failed>\d+) failed", whole=False),
    line("cargo", r"^[ \t]*Summary \[.*?\][ \t]+(?P<total>\d+) tests? run: (?P<numbers>.*)$"),
    line("cargo", r"^error(?:\[E\d+\])?: could not compile", state="failed"),
    line("go", r"^ok[ \t]+\S+[ \t]+(?:[\d.]+s|\(cached\))(?!.*no tests to run)", state="passed", whole=False),
    line("go", r"^FAIL(?:[ \t]+\S+.*)?$", state="failed"),
    line("go", r"^[ \t]*--- FAIL: ", state="failed"),
    line("go", r"^panic: ", state="failed"),
    line("go", r"^DONE (?P<total>\d+) tests(?P<numbers>.*)$"),
    line(
        "maven",
        r"^(?:\[\w+\] )*Tests run: (?P<total>\d+), (?P<numbers>Failures: \d+, Errors: \d+(?:, Skipped: \d+)?)"
        r"(?!.*Time elapsed)",
    ),
    line("maven", r"^(?:\[\w+\] )*BUILD FAILURE", state="failed"),
    line("gradle", r"^(?P<total>\d+) tests? completed, (?P<failed>\d+) failed"),
    line("gradle", r"^BUILD SUCCESSFUL in ", state="passed"),
    line("gradle", r"^BUILD FAILED in ", state="failed"),
    line("tox", r"^[ \t]*congratulations :\)", state="passed"),
    line("tox", r"^[ \t]*evaluation failed :\(", state="failed"),
    line("tox", r"^nox > .* was successful", state="passed", whole=False),
    line("tox", r"^nox > .* failed", state="failed"),
    line("rspec", r"^(?P<total>\d+) examples?, (?P<failed>\d+) failures?"),
    line("exunit", r"^(?:\d+ (?:doctests?|properties|property), )*(?P<total>\d+) tests?, (?P<failed>\d+) failures?"),
    line("minitest", r"^(?P<total>\d+) (?:runs|tests), \d+ assertions, (?P<numbers>.*)$"),
    line("phpunit", r"^OK \((?P<total>\d+) tests?, \d+ assertions?\)"),
    line("phpunit", r"^Tests: (?P<total>\d+), Assertions: \d+(?P<numbers>.*)\.$"),
    line("phpunit", r"^[ \t]+Tests:[ \t]+(?P<numbers>\d+ .*) \(\d+ assertions\)"),
    line("dotnet", r"^[ \t]*(?:Passed|Failed)![ \t]+- Failed:[ \t]+(?P<failed>\d+), Passed:[ \t]+(?P<passed>\d+)"),
    line("swift", r"^[ \t]*Executed (?P<total>\d+) tests?, with (?P<failed>\d+) failures?"),
    line("ctest", r"^\d+% tests passed, (?P<failed>\d+) tests? failed out of (?P<total>\d+)"),
    line("bun", r"^[ \t]*(?P<passed>\d+) pass\n(?:[ \t]*\d+ (?:skip|todo)\n)*[ \t]*(?P<failed>\d+) fail"),
    line("deno", r"^(?:ok|FAILED) \| (?P<passed>\d+) passed.*?\| (?P<failed>\d+) failed"),
    line("playwright", r"^[ \t]+(?P<failed>\d+) failed[ \t]*$"),
    line("playwright", r"^[ \t]+(?P<passed>\d+) passed \("),
    line("dart", r"^.*: All tests passed!", state="passed"),
    line("dart", r"^.*: Some tests failed\.", state="failed"),
    line("prove", r"^Result: PASS\b", state="passed"),
    line("prove", r"^Result: (?:FAIL|NOTESTS)\b", state="failed"),
    line("busted", r"^(?P<passed>\d+) success(?:es)? / (?P<failed>\d+) failures? / (?P<numbers>\d+ errors?)"),
    line("cargo", r"^Suite result: (?:ok|FAILED)\. (?P<passed>\d+) passed; (?P<failed>\d+) failed", whole=False),
    line("swift", r"^\*\* TEST SUCCEEDED \*\*", state="passed"),
    line("swift", r"^\*\* TEST FAILED \*\*", state="failed"),
    line("swift", r"^.? ?Test run with (?P<total>\d+) tests?.* passed after "),
    line("swift", r"^.? ?Test run with \d+ tests?.* failed after ", state="failed"),
    line(ANY, r"^\[ FAIL (?P<failed>\d+) \| WARN \d+ \| SKIP \d+ \| PASS (?P<passed>\d+) \]"),
    line(ANY, r"^(?:\[\w+\] )?\w+ed: Total (?P<total>\d+), Failed (?P<failed>\d+), (?P<numbers>Errors \d+)"),
    line(ANY, r"^(?:\[\w+\] )?Tests: succeeded (?P<passed>\d+), failed (?P<failed>\d+)"),
    line(ANY, r"^(?P<failed>\d+) out of (?P<total>\d+) tests failed"),
    line(ANY, r"^All (?P<passed>\d+) tests passed"),
    line(ANY, r"^All tests passed \(", state="passed"),
    line(ANY, r"^\[  PASSED  \] (?P<passed>\d+) tests?\."),
    line(ANY, r"^\[  FAILED  \] (?P<failed>\d+) tests?,? "),
    line(ANY, r"^Executed \d+ out of (?P<total>\d+) tests?: (?P<numbers>.*)$"),
    line(ANY, r"^Ok:[ \t]+(?P<passed>\d+)[ \t\n]+(?:Expected Fail:[ \t]+\d+[ \t\n]+)?Fail:[ \t]+(?P<failed>\d+)"),
    line(ANY, r"^Tests Passed: (?P<passed>\d+), Failed: (?P<failed>\d+)"),
    line(ANY, r"^(?:Success|Failure)! (?P<passed>\d+) passed, (?P<failed>\d+) failed"),
    line(ANY, r"^Done\. PASS=(?P<passed>\d+) WARN=\d+ ERROR=(?P<failed>\d+)"),
    line(ANY, r"^# TOTAL:[ \t]+(?P<total>\d+)\n(?:# \w+:[ \t]+\d+\n)*?# FAIL:[ \t]+(?P<failed>\d+)"),
    line(ANY, r"^# TOTAL:[ \t]+\d+\n# PASS:[ \t]+(?P<passed>\d+)"),
    line(ANY, r"^\*\*\* Failed!", state="failed"),
    line(ANY, r"^\+\+\+ OK, passed (?P<passed>\d+) tests", whole=False),
    line(ANY, r"^npm (?:ERR!|error) Test failed", state="failed"),
    line(ANY, r"^g?make(?:\[\d+\])?: \*\*\* .*Error \d+", state="failed"),
    line(ANY, r"^\[[\w:.-]*test[\w:.-]*\] ERROR task failed", state="failed"),
)


def read(output: str, families: set[str]) -> Reading | None:
    """The result that `output` tells about runs of `families`; None where it tells none.

    Failed wins over passed: of several suites in one command each must pass. Counts add up over the suites."""
    text = COLOURS.sub("", output[-LONGEST:]).replace("\r\n", "\n")
    text = text.replace("\nOutput: ", "\nOutput:\n")  # Gemini writes it before the first line
    found = [reading for summary in SUMMARIES if fits(summary, families) for reading in matches(summary, text)]
    if not found:
        return None
    states = {reading.state for reading in found}
    state: State = "failed" if "failed" in states else "passed" if "passed" in states else "none"
    deciding = [reading for reading in found if reading.state == state]
    return Reading(
        state,
        add([reading.passed for reading in found]),
        add([reading.failed for reading in found]),
        any(reading.whole for reading in deciding),
    )


def fits(summary: Summary, families: set[str]) -> bool:
    return ANY in families or summary.family in families


def matches(summary: Summary, text: str) -> list[Reading]:
    if summary.words and not any(word in text for word in summary.words):
        return []
    return [reading_of(summary, match) for match in summary.pattern.finditer(text)]


def reading_of(summary: Summary, match: re.Match[str]) -> Reading:
    """The state and counts of one summary line."""
    if summary.state:
        return Reading(summary.state, None, None, summary.whole)
    passed, failed = counts(match)
    state: State = "failed" if failed else "passed" if passed else "none"
    if not summary.counts:
        return Reading("failed" if failed else "none", None, None, summary.whole)
    return Reading(state, passed, failed, summary.whole)


def counts(match: re.Match[str]) -> tuple[int, int]:
    """Tests passed and failed; what is neither failed nor skipped of a total has passed."""
    groups = match.groupdict()
    told: dict[str, int] = {}
    for number, name, label, count, key, value in NUMBERED.findall(groups.get("numbers") or ""):
        word = (name or label or key).lower()
        told[word] = told.get(word, 0) + int(number or count or value)
    failed = int(groups.get("failed") or 0) + sum(number for word, number in told.items() if word in FAILED)
    passed = int(groups.get("passed") or 0) + sum(number for word, number in told.items() if word in PASSED)
    if not passed and groups.get("total"):
        neither = sum(number for word, number in told.items() if word not in FAILED | PASSED | TOTAL)
        passed = max(0, int(groups["total"]) - failed - neither)
    return passed, failed


def add(numbers: list[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
