"""`bashgym capture`: hooks that keep what happens in Claude Code, and what they leave out."""

from typing import Any

from bashgym.verbs import no_more, parser

ABOUT = """Keeps what happens in your sessions with Claude Code, on this disk only.

  bashgym capture install            register the hooks (--project: for this folder's sessions only)
  bashgym capture status             where they are registered, what they have kept
  bashgym capture pause | resume     write nothing for a while
  bashgym capture exclude WHAT       keep a folder, or a repository (owner/name or its URL), out altogether
  bashgym capture rescue             finish what was cut off, archive what Claude Code will delete
  bashgym capture uninstall          take the hooks out again
  bashgym capture mcp -- COMMAND     keep what an MCP server is asked and answers"""
ACTIONS = ["install", "status", "pause", "resume", "exclude", "rescue", "uninstall"]


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["mcp"]:
        from bashgym.capture import mcp_proxy

        return mcp_proxy.main(arguments[1:])
    took = parser("capture", ABOUT)
    took.add_argument("action", choices=[*ACTIONS, "mcp"])
    took.add_argument("what", nargs="?", help="for exclude: a folder or a repository; none: show what is excluded")
    took.add_argument(
        "--project", action="store_true", help="the project's .claude/settings.local.json, not the user's"
    )
    took.add_argument("--remove", action="store_true", help="for exclude: let it in again")
    took.add_argument("--json", action="store_true", help="print JSON")
    options = took.parse_intermixed_args(arguments)
    if options.action != "exclude":
        no_more("capture", options.action, options.what)
    facts, lines = acted(options.action, options.what, options.project, options.remove)
    if options.json:
        from bashgym import show

        show.as_json(facts)
    else:
        from bashgym.display import printable

        print(printable("\n".join(lines)))
    return 0


def acted(action: str, what: str | None, project: bool, remove: bool) -> tuple[Any, list[str]]:
    """Does it; what was done as data and as lines."""
    from bashgym.capture import told

    if action in {"install", "uninstall"}:
        return told.installed(project) if action == "install" else told.uninstalled(project)
    if action in {"pause", "resume"}:
        return told.paused(action == "pause")
    if action == "exclude":
        return told.excluded(what, remove)
    return told.rescued() if action == "rescue" else told.status()
