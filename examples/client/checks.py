"""What the linter, the type checker and the shell say about the files of a workspace."""

import ast
import re
from collections.abc import Iterator


def ruff(files: dict[str, str]) -> tuple[int, str]:
    """`ruff check . --output-format concise`: unused imports (F401), the one rule the stories break."""
    rows = [row for path in sorted(files) if path.endswith(".py") for row in unused(path, files[path])]
    if not rows:
        return 0, "All checks passed!"
    errors = f"Found {len(rows)} error{'s' if len(rows) > 1 else ''}."
    return 1, "\n".join([*rows, errors, f"[*] {len(rows)} fixable with the `--fix` option."])


def unused(path: str, text: str) -> Iterator[str]:
    tree = ast.parse(text)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                if alias.name not in used:
                    yield f"{path}:{node.lineno}:{alias.col_offset + 1}: F401 [*] `{name}` imported but unused"


def mypy(files: dict[str, str]) -> tuple[int, str]:
    """`mypy src`: a None returned, or given as a default, where the annotation has no place for it."""
    paths = sorted(path for path in files if path.startswith("src/") and path.endswith(".py"))
    rows = [row for path in paths for row in none_errors(path, files[path])]
    if not rows:
        return 0, f"Success: no issues found in {len(paths)} source files"
    where = len({row.split(":")[0] for row in rows})
    errors = f"Found {len(rows)} error{'s' if len(rows) > 1 else ''} in {where} file{'s' if where > 1 else ''}"
    return 1, "\n".join([*rows, f"{errors} (checked {len(paths)} source files)"])


def none_errors(path: str, text: str) -> Iterator[str]:
    for function in [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]:
        promised = ast.unparse(function.returns) if function.returns else "None"
        if "None" in promised:
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and node.value.value is None:
                message = f'Incompatible return value type (got "None", expected "{promised}")'
                yield f"{path}:{node.lineno}: error: {message}  [return-value]"


def bash_syntax(text: str) -> bool:
    """Whether the blocks of a script are closed: enough for the scripts of the stories."""
    words = re.findall(r"^\s*(if|for|while|fi|done)\b", text, re.MULTILINE)
    return words.count("if") == words.count("fi") and words.count("done") == words.count("for") + words.count("while")
