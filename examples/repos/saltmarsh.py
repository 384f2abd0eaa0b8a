"""saltmarsh: backups of folders."""

from repos.shape import Change, Flag, Function, Repo, Script

IS_HIDDEN = Function(
    module="files",
    name="is_hidden",
    code='''def is_hidden(path: str) -> bool:
    """Whether any part of the path starts with a dot."""
    return any(part.startswith(".") for part in path.split("/"))''',
    right='    return any(part.startswith(".") for part in path.split("/"))',
    wrong='    return path.startswith(".")',
    almost='    return all(part.startswith(".") for part in path.split("/"))',
    tests=('is_hidden("a/.git/x") == True', 'is_hidden("a/b") == False'),
    does="says whether a path is hidden",
    fault="hidden folders get into the backup",
    new_name="hidden_path",
)
HUMAN_SIZE = Function(
    module="files",
    name="human_size",
    code='''def human_size(count: int) -> str:
    """Bytes as people write them."""
    if count < 1024:
        return f"{count} B"
    return f"{count // 1024} KB"''',
    right='    return f"{count // 1024} KB"',
    wrong='    return f"{count} KB"',
    tests=('human_size(2048) == "2 KB"', 'human_size(5) == "5 B"'),
    does="formats a number of bytes",
    fault="sizes are a thousand times too big",
    new_name="format_size",
)
KEEP_LAST = Function(
    module="plan",
    name="keep_last",
    code='''def keep_last(names: list[str], count: int) -> list[str]:
    """The newest backups; their names sort by date."""
    return sorted(names)[-count:]''',
    right="    return sorted(names)[-count:]",
    wrong="    return sorted(names)[:count]",
    almost="    return names[-count:]",
    tests=('keep_last(["c", "a", "b"], 2) == ["b", "c"]', 'keep_last(["a"], 2) == ["a"]'),
    does="returns the newest backups",
    fault="it keeps the oldest backups",
    new_name="newest_backups",
)
BACKUP_FOR = Function(
    module="plan",
    name="backup_for",
    code='''def backup_for(names: list[str], day: str) -> str | None:
    """The backup of a day."""
    for name in names:
        if name.startswith(day):
            return name
    return None''',
    right="        if name.startswith(day):",
    wrong="        if name == day:",
    tests=('backup_for(["2026-01-02.tar"], "2026-01-02") == "2026-01-02.tar"', 'backup_for([], "2026-01-02") is None'),
    does="finds the backup of a day",
    fault="no backup is ever found",
    new_name="find_backup",
)

REPO = Repo(
    name="saltmarsh",
    system="mac",
    about="Backups of folders, kept by a plan",
    argument="path",
    functions=(IS_HIDDEN, HUMAN_SIZE, KEEP_LAST, BACKUP_FOR),
    flags=(
        Flag("verify", "bool", "compare after copying"),
        Flag("keep", "int", "backups to keep", "7"),
        Flag("target", "str", "folder of the backups", "backups"),
    ),
    config=(
        "config/plan.toml",
        '[plan]\nevery_hours = 24\nkeep = 7\ntarget = "backups"\n\n[copy]\nthreads = 2\nchunk_kb = 256\n',
    ),
    changes=(
        Change("every_hours", "every_hours = 24", "every_hours = 6", "6"),
        Change("threads", "threads = 2", "threads = 8", "8"),
        Change("chunk_kb", "chunk_kb = 256", "chunk_kb = 1024", "1024"),
    ),
    usage=(
        "# Usage\n\nRun `saltmarsh PATH` to check a path.\nBackups are made once a day.\n"
        "The last seven are kept.\n\n## Restoring\n\nFiles are restored by day.\n"
    ),
    sentences=(
        ("Backups are made once a day.", "Backups are made every six hours."),
        ("The last seven are kept.", "The last ten are kept."),
    ),
    scripts=(
        Script("test.sh", "runs the tests", "#!/usr/bin/env bash\nset -euo pipefail\npytest -q\n"),
        Script(
            "verify.sh",
            "checks all archives in backups",
            "#!/usr/bin/env bash\nset -euo pipefail\nfor archive in backups/*.tar; do\n"
            '  tar -tf "$archive" > /dev/null\ndone\n',
        ),
        Script(
            "space.sh",
            "prints the space that the backups take",
            "#!/usr/bin/env bash\nset -euo pipefail\ndu -sh backups | cut -f1\n",
        ),
    ),
    server="vault-1",
)
