"""quillbox: notes in Markdown."""

from repos.shape import Change, Flag, Function, Repo, Script

FIRST_HEADING = Function(
    module="notes",
    name="first_heading",
    code='''def first_heading(text: str) -> str | None:
    """The first heading of a note, without its marks."""
    for row in text.splitlines():
        if row.startswith("#"):
            return row.lstrip("#").strip()
    return None''',
    right='            return row.lstrip("#").strip()',
    wrong="            return row[1:]",
    almost='            return row.lstrip("#")',
    tests=('first_heading("a\\n## Tea\\n") == "Tea"', 'first_heading("a") is None'),
    does="finds the first heading of a note",
    fault="headings keep their hash marks",
    new_name="note_title",
)
WORD_COUNT = Function(
    module="notes",
    name="word_count",
    code='''def word_count(text: str) -> int:
    """Words of a note; rows of code are left out."""
    rows = [row for row in text.splitlines() if not row.startswith("    ")]
    return sum(len(row.split()) for row in rows)''',
    right="    return sum(len(row.split()) for row in rows)",
    wrong="    return sum(len(row) for row in rows)",
    tests=('word_count("one two\\nthree") == 3', 'word_count("    code") == 0'),
    does="counts the words of a note",
    fault="the word count is much too high",
    new_name="count_words",
)
PARSE_TAGS = Function(
    module="tags",
    name="parse_tags",
    code='''def parse_tags(row: str) -> list[str]:
    """Tags of a row such as `tags: tea, garden`."""
    names = row.removeprefix("tags:").split(",")
    return [name.strip() for name in names if name.strip()]''',
    right="    return [name.strip() for name in names if name.strip()]",
    wrong="    return [name for name in names if name]",
    almost="    return [name.strip() for name in names]",
    tests=('parse_tags("tags: tea, garden, ") == ["tea", "garden"]', 'parse_tags("tags:") == []'),
    does="reads the tags of a tags row",
    fault="tags come out with blanks",
    new_name="read_tags",
)
MERGE_TAGS = Function(
    module="tags",
    name="merge_tags",
    code='''def merge_tags(first: list[str], second: list[str]) -> list[str]:
    """All tags once, sorted."""
    return sorted(set(first) | set(second))''',
    right="    return sorted(set(first) | set(second))",
    wrong="    return sorted(first + second)",
    tests=('merge_tags(["b", "a"], ["a"]) == ["a", "b"]', "merge_tags([], []) == []"),
    does="merges two lists of tags without doubles",
    fault="merged tags are listed twice",
    new_name="join_tags",
)

REPO = Repo(
    name="quillbox",
    system="linux",
    about="Notes in Markdown, with tags",
    argument="text",
    functions=(FIRST_HEADING, WORD_COUNT, PARSE_TAGS, MERGE_TAGS),
    flags=(
        Flag("tags", "bool", "list the tags too"),
        Flag("depth", "int", "deepest heading to list", "3"),
        Flag("folder", "str", "folder of the notes", "notes"),
    ),
    config=(
        "config/quillbox.json",
        '{\n  "folder": "notes",\n  "page_size": 50,\n  "autosave_seconds": 60,\n'
        '  "theme": "light",\n  "backups": 3\n}\n',
    ),
    changes=(
        Change("page_size", '  "page_size": 50,', '  "page_size": 100,', "100"),
        Change("autosave_seconds", '  "autosave_seconds": 60,', '  "autosave_seconds": 15,', "15"),
        Change("theme", '  "theme": "light",', '  "theme": "dark",', "dark"),
    ),
    usage=(
        "# Usage\n\nRun `quillbox TEXT` to see its heading.\nNotes are saved every minute.\n"
        "Tags are separated by commas.\n\n## Search\n\nSearch looks at headings only.\n"
    ),
    sentences=(
        ("Notes are saved every minute.", "Notes are saved every 15 seconds."),
        ("Search looks at headings only.", "Search looks at headings and tags."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "words.sh",
            "prints the number of words of each note",
            "#!/usr/bin/env bash\nset -euo pipefail\nfor note in notes/*.md; do\n"
            '  echo "$note $(wc -w < "$note")"\ndone\n',
        ),
        Script(
            "backup.sh",
            "copies the notes folder to a dated folder under backups",
            '#!/usr/bin/env bash\nset -euo pipefail\ntarget="backups/$(date +%Y-%m-%d)"\n'
            'mkdir -p "$target"\ncp -r notes "$target"\n',
        ),
    ),
    server="notes-1",
)
