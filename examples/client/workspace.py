"""A repository held in memory, and what the file tools answer when they are used on it."""

import difflib
import fnmatch
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Workspace:
    """Files by path relative to `root`; `committed` is what git has."""

    root: str
    files: dict[str, str] = field(default_factory=dict)
    committed: dict[str, str] = field(default_factory=dict)

    def open(self, files: dict[str, str]) -> None:
        """Puts the files of a clean checkout in place."""
        self.files, self.committed = dict(files), dict(files)

    def absolute(self, path: str) -> str:
        return f"{self.root}/{path}"

    def read(self, path: str) -> tuple[str, dict[str, Any]]:
        text = self.files[path]
        rows = text.split("\n")
        numbered = "\n".join(f"{number:>6}\u2192{row}" for number, row in enumerate(rows, 1))
        file = {
            "filePath": self.absolute(path),
            "content": text,
            "numLines": len(rows),
            "startLine": 1,
            "totalLines": len(rows),
        }
        return numbered, {"type": "text", "file": file}

    def edit(self, path: str, old: str, new: str, replace_all: bool) -> tuple[str, dict[str, Any]]:
        """Raises ValueError where the real tool would refuse: `old` is absent, or there more than once."""
        before = self.files[path]
        found = before.count(old)
        if not found or (found > 1 and not replace_all):
            raise ValueError(f"{path}: {old!r} occurs {found} times")
        after = before.replace(old, new) if replace_all else before.replace(old, new, 1)
        self.files[path] = after
        word = (
            "has been updated. All occurrences were successfully replaced."
            if replace_all
            else "has been updated successfully."
        )
        raw = {
            "filePath": self.absolute(path),
            "oldString": old,
            "newString": new,
            "originalFile": before,
            "structuredPatch": patch(before, after),
            "userModified": False,
            "replaceAll": replace_all,
        }
        return f"The file {self.absolute(path)} {word}", raw

    def write(self, path: str, text: str) -> tuple[str, dict[str, Any]]:
        if path in self.files:
            raise ValueError(f"{path} is there already: stories edit what exists")
        self.files[path] = text
        raw: dict[str, Any] = {
            "type": "create",
            "filePath": self.absolute(path),
            "content": text,
            "structuredPatch": [],
            "originalFile": None,
        }
        return f"File created successfully at: {self.absolute(path)}", raw

    def grep(self, pattern: str) -> tuple[str, dict[str, Any]]:
        rows = [
            f"{path}:{number}:{row}"
            for path in sorted(self.files)
            if not path.startswith(".")
            for number, row in enumerate(self.files[path].split("\n"), 1)
            if re.search(pattern, row)
        ]
        text = "\n".join(rows)
        raw = {"mode": "content", "numFiles": 0, "filenames": [], "content": text, "numLines": len(rows)}
        return text or "No matches found", raw

    def glob(self, pattern: str) -> tuple[str, dict[str, Any]]:
        names = [self.absolute(path) for path in sorted(self.files) if fnmatch.fnmatch(path, pattern)]
        raw = {"filenames": names, "durationMs": 12, "numFiles": len(names), "truncated": False}
        return "\n".join(names) or "No files found", raw

    def commit(self) -> tuple[int, int, int, list[str]]:
        """Files changed, lines added, lines removed, and the new files, as `git commit` counts them."""
        changed = [path for path in sorted(self.files) if self.committed.get(path) != self.files[path]]
        added = removed = 0
        for path in changed:
            hunks = patch(self.committed.get(path, ""), self.files[path])
            signs = [row[0] for hunk in hunks for row in hunk["lines"]]
            added, removed = added + signs.count("+"), removed + signs.count("-")
        fresh = [path for path in changed if path not in self.committed]
        self.committed = dict(self.files)
        return len(changed), added, removed, fresh


def patch(before: str, after: str) -> list[dict[str, Any]]:
    """The hunks of a change with three rows of context, as the client keeps them."""
    old, new = before.splitlines(), after.splitlines()
    hunks = []
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(3):
        rows: list[str] = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                rows += [" " + row for row in old[i1:i2]]
            else:
                rows += ["-" + row for row in old[i1:i2]] + ["+" + row for row in new[j1:j2]]
        (_, i1, _, j1, _), (_, _, i2, _, j2) = group[0], group[-1]
        hunks.append({"oldStart": i1 + 1, "oldLines": i2 - i1, "newStart": j1 + 1, "newLines": j2 - j1, "lines": rows})
    return hunks
