"""Letters that a pattern needs: a quick look for them spares most texts the pattern itself."""

import re._parser as sre_parse
from typing import Any


def needed(pattern: str) -> frozenset[str] | None:
    """Words of which one must be in whatever a pattern matches, the rarest (longest) that can be told; None: none."""
    return needed_by(sre_parse.parse(pattern))


def needed_by(tree: Any) -> frozenset[str] | None:
    best: frozenset[str] | None = None
    run = ""
    for operation, value in [*tree, (None, None)]:
        if operation is sre_parse.LITERAL:
            run += chr(value)
            continue
        found: list[frozenset[str] | None] = [frozenset({run})] if len(run) > 1 else []
        run = ""
        if operation is sre_parse.SUBPATTERN:
            found.append(needed_by(value[3]))
        elif operation is sre_parse.BRANCH:
            parts = [needed_by(part) for part in value[1]]
            found.append(None if None in parts else frozenset().union(*(part for part in parts if part)))
        elif operation is sre_parse.MAX_REPEAT and value[0] > 0:
            found.append(needed_by(value[2]))
        for words in found:
            if words and (best is None or min(map(len, words)) > min(map(len, best))):
                best = words
    return best
