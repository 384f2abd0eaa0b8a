"""Languages we have no parser for, read by tree-sitter's grammars: whether a text holds what no rule of them allows.

A grammar says no also to what it does not know yet, so only languages are here whose grammars refuse hardly any real
file; C and C++ are not, since a macro may stand for anything."""

import importlib
import time
from functools import lru_cache
from typing import Any, NamedTuple

# language -> module and the function in it that gives the grammar
GRAMMARS = {
    "javascript": ("tree_sitter_javascript", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "go": ("tree_sitter_go", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "java": ("tree_sitter_java", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "csharp": ("tree_sitter_c_sharp", "language"),
}
SUFFIXES = {
    ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "javascript", ".ts": "typescript",
    ".mts": "typescript", ".cts": "typescript", ".tsx": "tsx", ".go": "go", ".rs": "rust", ".java": "java",
    ".rb": "ruby", ".php": "php", ".cs": "csharp",
}  # fmt: skip


PIECE = 1 << 16  # bytes


class Fault(NamedTuple):
    """The first place, by line from 1, that no rule allows, and what stands there or is missing."""

    line: int
    told: str


class Late(Exception):
    """It took longer than it may."""


@lru_cache
def parser(language: str) -> Any:
    """Raises ImportError where the grammar is not installed."""
    import tree_sitter

    module, function = GRAMMARS[language]
    grammar = getattr(importlib.import_module(module), function)()
    return tree_sitter.Parser(tree_sitter.Language(grammar))


def fault(content: str, language: str, seconds: float) -> Fault | None:
    """None where all of it parses; raises Late, and ImportError."""
    ends = time.monotonic() + seconds
    data = content.encode("utf-8", "replace")

    def some(offset: int, _: Any) -> bytes:  # only a text that is asked for piece by piece can be left off in the midst
        return data[offset : offset + PIECE]

    tree = parser(language).parse(some, progress_callback=lambda *_: time.monotonic() > ends)
    if tree is None or time.monotonic() > ends:
        parser(language).reset()
        raise Late
    return first(tree.root_node) if tree.root_node.has_error else None


def first(node: Any) -> Fault:
    """The first error in a tree that has one."""
    while True:
        if node.is_missing:
            return Fault(node.start_point[0] + 1, f"{node.type} is missing")
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if node.type == "ERROR" or inner is None:
            return Fault(node.start_point[0] + 1, "no rule of the language allows what stands here")
        node = inner
