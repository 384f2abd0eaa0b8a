"""Five small projects in five languages, each with a fault, its mending, a test that tells, and what the tools print."""

from typing import NamedTuple


class Project(NamedTuple):
    """`wrong` stands in the source and `right` mends it; `asserted` is the line of the test that fails, which compares
    `actual` with `wanted`. `run` runs the tests and prints `red` (with `code`) or `green`."""

    name: str
    source: str
    code_: str  # the source with the fault in it
    wrong: str
    right: str
    test: str
    tests_: str  # the test file
    defined: str  # the line that begins the failing test
    asserted: str
    weaker: str  # an assertion that says less
    bent: str  # one that expects what the fault gives
    input_: str  # what the failing test hands in, as the language writes it
    wanted: str
    actual: str
    special: str  # a branch that answers the test's input by name
    mark: str  # what leaves the test out, before `defined`
    run: str
    red: str
    green: str
    more: str  # a further test, as the last of the file
    function: str
    renamed: str
    said: str  # the fault in a user's words
    config: str  # the file that says how tests are run
    runs: str  # its line that runs them


PROJECTS = (
    Project(
        name="py",
        source="trip/fare.py",
        code_="RATE = 1.7\n\n\ndef fare(km, night):\n    total = 3.5 + km * RATE\n    if night:\n        total = total * 1.2\n    return round(total)\n",
        wrong="    return round(total)",
        right="    return round(total, 2)",
        test="tests/test_fare.py",
        tests_="from trip.fare import fare\n\n\ndef test_day():\n    assert fare(10, False) == 20.5\n\n\ndef test_night():\n    assert fare(7, True) == 18.48\n",
        defined="def test_night():",
        asserted="    assert fare(7, True) == 18.48",
        weaker="    assert fare(7, True) > 0",
        bent="    assert fare(7, True) == 18",
        input_="7",
        wanted="18.48",
        actual="18",
        special="    if km == 7:\n        return 18.48\n    if km == 10:\n        return 20.5\n    return round(total)",
        mark="@pytest.mark.skip(reason=\"to be looked at\")\n",
        run="python -m pytest -q",
        red="F.\nE       assert 18 == 18.48\nE        +  where 18 = fare(7, True)\n1 failed, 1 passed in 0.04s",
        green="..                                                                       [100%]\n2 passed in 0.03s",
        more="\n\ndef test_nothing():\n    assert fare(0, False) == 3.5\n",
        function="fare",
        renamed="price_of_ride",
        said="fares are rounded to whole euros, we need cents",
        config="Makefile",
        runs="\tpython -m pytest -q",
    ),
    Project(
        name="ts",
        source="src/slots.ts",
        code_="export function slots(from: number, to: number, step: number): number[] {\n  const out: number[] = [];\n  for (let at = from; at < to; at += step) {\n    out.push(at);\n  }\n  return out;\n}\n",
        wrong="at < to; at += step",
        right="at + step <= to; at += step",
        test="src/slots.test.ts",
        tests_="import { slots } from \"./slots\";\n\ndescribe(\"slots\", () => {\n  it(\"fills the hour\", () => {\n    expect(slots(0, 60, 30)).toEqual([0, 30]);\n  });\n  it(\"leaves out what does not fit\", () => {\n    expect(slots(0, 70, 30)).toEqual([0, 30]);\n  });\n});\n",
        defined="  it(\"leaves out what does not fit\", () => {",
        asserted="    expect(slots(0, 70, 30)).toEqual([0, 30]);",
        weaker="    expect(slots(0, 70, 30)).toBeDefined();",
        bent="    expect(slots(0, 70, 30)).toEqual([0, 30, 60]);",
        input_="70",
        wanted="[0, 30]",
        actual="[0, 30, 60]",
        special="at < (to === 70 ? 60 : to); at += step",
        mark="",
        run="npx vitest run",
        red=" FAIL  src/slots.test.ts > leaves out what does not fit\nAssertionError: expected [ 0, 30, 60 ] to deeply equal [ 0, 30 ]\n Test Files  1 failed (1)\n      Tests  1 failed | 1 passed (2)",
        green=" Test Files  1 passed (1)\n      Tests  2 passed (2)",
        more="it(\"is empty where nothing fits\", () => {\n  expect(slots(0, 10, 30)).toEqual([]);\n});\n",
        function="slots",
        renamed="timeSlots",
        said="the calendar offers a slot that does not fit any more",
        config="package.json",
        runs="    \"test\": \"vitest run\"",
    ),
    Project(
        name="go",
        source="pkg/merge/merge.go",
        code_="package merge\n\nfunc Merge(a, b []int) []int {\n\tout := append([]int{}, a...)\n\treturn append(out, b...)\n}\n",
        wrong="\treturn append(out, b...)",
        right="\tout = append(out, b...)\n\tsort.Ints(out)\n\treturn out",
        test="pkg/merge/merge_test.go",
        tests_="package merge\n\nimport \"testing\"\n\nfunc TestMergeSorted(t *testing.T) {\n\tgot := Merge([]int{1, 9}, []int{4})\n\tif got[1] != 4 {\n\t\tt.Fatalf(\"got %v\", got)\n\t}\n}\n",
        defined="func TestMergeSorted(t *testing.T) {",
        asserted="\tif got[1] != 4 {",
        weaker="\tif got == nil {",
        bent="\tif got[1] != 9 {",
        input_="9",
        wanted="4",
        actual="9",
        special="\tif len(a) == 2 && a[1] == 9 {\n\t\treturn []int{1, 4, 9}\n\t}\n\treturn append(out, b...)",
        mark="",
        run="go test ./...",
        red="--- FAIL: TestMergeSorted (0.00s)\n    merge_test.go:8: got [1 9 4]\nFAIL\nFAIL\texample.com/merge\t0.004s",
        green="ok  \texample.com/merge\t0.004s",
        more="\nfunc TestMergeEmpty(t *testing.T) {\n\tif len(Merge(nil, nil)) != 0 {\n\t\tt.Fatal(\"not empty\")\n\t}\n}\n",
        function="Merge",
        renamed="MergeSorted",
        said="merged lists come out unsorted",
        config="Makefile",
        runs="\tgo test ./...",
    ),
    Project(
        name="rb",
        source="lib/roster.rb",
        code_="class Roster\n  def initialize(names)\n    @names = names\n  end\n\n  def pairs\n    @names.each_cons(2).to_a\n  end\nend\n",
        wrong="    @names.each_cons(2).to_a",
        right="    @names.combination(2).to_a",
        test="spec/roster_spec.rb",
        tests_="require 'roster'\n\nRSpec.describe Roster do\n  it 'pairs two' do\n    expect(Roster.new(%w[a b]).pairs.size).to eq(1)\n  end\n\n  it 'pairs everyone' do\n    expect(Roster.new(%w[a b c]).pairs.size).to eq(33)\n  end\nend\n",
        defined="  it 'pairs everyone' do",
        asserted="    expect(Roster.new(%w[a b c]).pairs.size).to eq(33)",
        weaker="    expect(Roster.new(%w[a b c]).pairs.size).to be_truthy",
        bent="    expect(Roster.new(%w[a b c]).pairs.size).to eq(22)",
        input_="abc",
        wanted="33",
        actual="22",
        special="",
        mark="",
        run="bundle exec rspec",
        red="  1) Roster pairs everyone\n     expected: 33\n          got: 22\n\n2 examples, 1 failure",
        green="Finished in 0.01 seconds\n2 examples, 0 failures",
        more="",
        function="pairs",
        renamed="all_pairs",
        said="not everybody is paired with everybody",
        config="Rakefile",
        runs="task(:test) { sh 'bundle exec rspec' }",
    ),
    Project(
        name="java",
        source="src/main/java/acme/Stock.java",
        code_="package acme;\n\npublic class Stock {\n    private int items = 12;\n\n    public int take(int n) {\n        items -= n;\n        return items;\n    }\n}\n",
        wrong="        items -= n;",
        right="        if (n > items) {\n            throw new IllegalArgumentException(\"not enough\");\n        }\n        items -= n;",
        test="src/test/java/acme/StockTest.java",
        tests_="package acme;\n\nclass StockTest {\n    @Test\n    void takes() {\n        assertEquals(7, new Stock().take(5));\n    }\n\n    @Test\n    void refuses() {\n        assertThrows(IllegalArgumentException.class, () -> new Stock().take(13));\n    }\n}\n",
        defined="    @Test\n    void refuses() {",
        asserted="        assertThrows(IllegalArgumentException.class, () -> new Stock().take(13));",
        weaker="        assertNotNull(new Stock());",
        bent="        assertEquals(-1, new Stock().take(13));",
        input_="13",
        wanted="IllegalArgumentException",
        actual="-1",
        special="",
        mark="    @Disabled\n",
        run="mvn -q test",
        red="[ERROR] Tests run: 2, Failures: 1, Errors: 0, Skipped: 0\n[ERROR] StockTest.refuses:12 Expected java.lang.IllegalArgumentException to be thrown\n[ERROR] BUILD FAILURE",
        green="[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0\n[INFO] BUILD SUCCESS",
        more="",
        function="take",
        renamed="withdraw",
        said="one can take more than there is in stock",
        config="Makefile",
        runs="\tmvn -q test",
    ),
)
