"""The tasks of the sessions: one module for each kind, each with a function `tell(scene)`."""

from collections.abc import Callable

from stories import add, agent, configure, docs, fix, flag, lint, ops, pair, rename, script, types, where
from stories.scene import Scene

ALL: dict[str, Callable[[Scene], None]] = {
    "fix": fix.tell,
    "fix_red": fix.tell_red,
    "add": add.tell,
    "add_broken": add.tell_broken,
    "rename": rename.tell,
    "flag": flag.tell,
    "types": types.tell,
    "lint": lint.tell,
    "config": configure.tell,
    "docs": docs.tell,
    "script": script.tell,
    "where": where.tell,
    "pair": pair.tell,
    "agent": agent.tell,
    "environment": ops.environment,
    "unauthorized": ops.unauthorized,
    "moved_host": ops.moved_host,
    "on_call": ops.on_call,
    "history": ops.history,
}
