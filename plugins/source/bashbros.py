"""Sessions that BashBros watched: its dashboard's database, and the traces it writes for BashGym.

BashBros stands between an agent and its tools. It knows what the user typed, which tools ran with what outcome, and
which commands it forbade; it does not see the model's words, so no two calls are known to be one reply."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bashgym import config, jsonl, paths
from bashgym.errors import InputError
from bashgym.reading import blobs, excluded, files, rows
from bashgym.reading.conversation import Conversation, source_info
from bashgym.reading.lines import legible
from bashgym.reading.values import record, records, text, whole
from bashgym.records import SessionRef
from bashgym.trace import Agent, ProjectInfo, SourceFile, Trace

NAME = "bashbros"
OWN = "~/.bashbros"
FOR_US = "integration/traces"  # under $BASHGYM_HOME
LOOSE = "without-session"  # rows of the database that name no session
TABLES = frozenset({"user_prompts", "tool_uses", "commands", "bro_events"})  # those whose rows are of a session
DATABASES = (".db", ".sqlite")


class Source:
    """Reads `dashboard.db` and exported traces (`<time>-<id>.json`)."""

    class Config(config.Config):
        path: str = ""
        """BashBros' database, an exported trace, or a folder of them; empty: ~/.bashbros/dashboard.db and
        integration/traces in BashGym's own folder."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.left_out: Counter[str] = Counter()

    def files(self) -> list[Path]:
        """Databases and traces. Raises InputError when there are none."""
        own = [Path(OWN).expanduser() / "dashboard.db", paths.home() / FOR_US]
        roots = [paths.resolve(self.config.path)] if self.config.path else own
        there = [root for root in roots if root.exists()]
        found = [path for root in there for suffix in ("*.db", "*.json") for path in files.found(root, suffix)]
        if not found:
            raise InputError(f"source.{NAME}.path: nothing of BashBros at {roots[0]}; name its database or traces")
        return list(dict.fromkeys(found))

    def list(self) -> Iterable[SessionRef]:
        """Every session, unread, but those that are excluded or forgotten."""
        found = self.files()
        exports = [path for path in found if path.suffix not in DATABASES]
        listed = [ref for path in found if path.suffix in DATABASES for ref in in_database(path)]
        listed += rows.references(NAME, exports, lambda _, row: text(row.value, "metadata", "session_id"))
        self.left_out = Counter()
        return excluded.kept(listed, self.left_out, worked_in)

    def read(self, ref: SessionRef) -> Iterator[Trace]:
        """The session's trace."""
        yield of_database(ref) if Path(ref.path).suffix in DATABASES else of_export(ref)


def worked_in(ref: SessionRef) -> list[str]:
    """The folders that a session's rows name."""
    if Path(ref.path).suffix in DATABASES:
        held = stored(Path(ref.path), ref.id)
        named = [text(row, key) for row in held for key in ("cwd", "working_dir", "repo_path")]
    else:
        named = [text(step, "cwd") for step in records(rows.row(ref).value, "trace")]
    return [name for name in dict.fromkeys(named) if name]


def of_export(ref: SessionRef) -> Trace:
    """A trace that BashBros wrote for BashGym; a step's line number is its place in `trace`, from 1."""
    found = rows.row(ref)
    steps = found.value.get("trace") if isinstance(found.value, dict) else None
    if not isinstance(steps, list):
        return rows.broken(NAME, ref, found, found.error or "no list of trace steps")
    try:
        blobs.lift_long(found.value)
    except blobs.TooDeep as error:
        return rows.broken(NAME, ref, found, str(error))
    told = record(found.value, "metadata")
    talk = Conversation()
    if prompt := text(told, "user_initial_prompt"):
        talk.say("user", prompt)
    for number, step in enumerate(steps, 1):
        if text(step, "tool_name"):
            exported(talk, step, number)
        else:
            talk.bad(number, "step without tool_name", jsonl.dumps(step).decode())
    cwd = next((text(step, "cwd") for step in records(found.value, "trace") if text(step, "cwd")), None)
    agent = Agent(name=text(told, "source_tool") or NAME)
    version = text(found.value, "version")
    made = talk.trace(
        ref.id, agent, rows.info_of(NAME, ref, found, version), ProjectInfo(cwd=cwd), usage_reliable=False
    )
    made.info.foreign = {key: value for key, value in found.value.items() if key != "trace"}
    return unfinished(made)


def exported(talk: Conversation, step: dict[str, Any], number: int) -> None:
    """One tool that ran: `command` is a command, or the path of a file operation."""
    name, ts, code = step["tool_name"], text(step, "timestamp"), whole(step, "exit_code")
    key = "command" if name.lower() in ("bash", "shell") else "file_path"
    reply = talk.say("agent", "", ts=ts, line_no=number)
    talk.call(reply, f"step_{number}", name, {key: step.get("command")})
    failed = step.get("success") is False or bool(code)
    output = step.get("output")
    words = output if isinstance(output, str) else jsonl.dumps(output).decode()
    talk.result(f"step_{number}", words, is_error=failed, exit_code=code, ts=ts)
    used = ("tool_name", "command", "output", "exit_code", "timestamp", "cwd", "success")
    reply.info.foreign = {key: value for key, value in step.items() if key not in used}


def unfinished(trace: Trace) -> Trace:
    """BashBros does not see how the model ends, so that nobody knows whether it was done."""
    trace.info.outcome.ended = "unknown"
    return trace


def connection(path: Path) -> sqlite3.Connection:
    """The database, to be read only; BashBros may be writing it."""
    made = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True, timeout=5, isolation_level=None)
    made.row_factory = sqlite3.Row
    made.text_factory = lambda raw: raw.decode("utf-8", "backslashreplace")
    return made


def in_database(path: Path) -> list[SessionRef]:
    """Every session of a database: those it lists, and those that only its rows name."""
    try:
        with closing(connection(path)) as db:
            held = tables(db)
            names = [row["id"] for row in db.execute("SELECT id FROM sessions")] if "sessions" in held else []
            for table in held & TABLES:
                if "session_id" in columns(db, table):
                    names += [row[0] or LOOSE for row in db.execute(f"SELECT DISTINCT session_id FROM {table}")]
                else:
                    names.append(LOOSE)
    except sqlite3.Error as error:
        raise unreadable(path, error) from None
    return [reference(path, name) for name in dict.fromkeys(map(str, names)) if stored(path, name)]


def tables(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA table_info({table})")}


def unreadable(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: cannot be read as BashBros' database ({error}); close BashBros and try again")


def reference(path: Path, name: str) -> SessionRef:
    raw = jsonl.dumps(stored(path, name))
    return SessionRef(source=NAME, id=name, path=str(path), size=len(raw), sha256=rows.digest(raw))


def stored(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one session in the order of time, each with its `table`; the session's own row first."""
    found: list[dict[str, Any]] = []
    try:
        with closing(connection(path)) as db:
            held = tables(db)
            if "sessions" in held:
                query = "SELECT rowid AS place, * FROM sessions WHERE id = ?"
                found += [plain("sessions", row) for row in db.execute(query, (name,))]
            rest = [row for table in sorted(held & TABLES) for row in of_table(db, table, name)]
    except sqlite3.Error as error:
        raise unreadable(path, error) from None
    return found + sorted(rest, key=lambda row: (str(row.get("timestamp")), row["table"] != "user_prompts"))


def of_table(db: sqlite3.Connection, table: str, name: str) -> list[dict[str, Any]]:
    query, given = f"SELECT rowid AS place, * FROM {table}", ()
    if "session_id" in columns(db, table):
        where = "session_id IS NULL" if name == LOOSE else "session_id = ?"
        query, given = f"{query} WHERE {where}", () if name == LOOSE else (name,)  # type: ignore[assignment]
    elif name != LOOSE:
        return []
    return [plain(table, row) for row in db.execute(query, given)]


def plain(table: str, row: sqlite3.Row) -> dict[str, Any]:
    """A row as JSON can have it."""
    texts = {key: legible(row[key]) if isinstance(row[key], bytes) else row[key] for key in row.keys()}  # noqa: SIM118
    return {"table": table, **texts}


def of_database(ref: SessionRef) -> Trace:
    """A session of the dashboard; a row's line number is its place in its table."""
    held = stored(Path(ref.path), ref.id)
    if rows.digest(jsonl.dumps(held)) != ref.sha256:
        raise InputError(f"{ref.path}: session {ref.id} changed since it was listed; run again")
    talk = Conversation()
    ran = Counter(command_of(row) for row in held if row["table"] == "tool_uses")
    for row in held:
        entry(talk, row, ran)
    session = next((row for row in held if row["table"] == "sessions"), {})
    cwd = text(session, "working_dir") or next((text(row, "cwd") for row in held if text(row, "cwd")), None)
    source = source_info(NAME, [SourceFile(path=ref.path, sha256=ref.sha256, bytes=ref.size, lines=len(held))])
    agent = Agent(name=text(session, "agent") or NAME)
    return unfinished(talk.trace(ref.id, agent, source, ProjectInfo(cwd=cwd), usage_reliable=False))


def entry(talk: Conversation, row: dict[str, Any], ran: Counter[str | None]) -> None:
    """One row of the database. An allowed command whose run the tools' table has too is an event, with its risk."""
    ts, place = text(row, "timestamp"), row["place"]
    if row["table"] == "user_prompts" and isinstance(row.get("prompt_text"), str):
        talk.say("user", row["prompt_text"], ts=ts, line_no=place, uuid=text(row, "id"))
    elif row["table"] == "tool_uses" and text(row, "tool_name"):
        used(talk, row, ts, place)
    elif row["table"] == "commands" and text(row, "command") and not (row.get("allowed") and ran[row["command"]]):
        commanded(talk, row, ts, place)
    else:
        talk.event(row["table"], row, ts=ts, line_no=place)


def command_of(row: dict[str, Any]) -> str | None:
    return text(arguments(row), "command")


def arguments(row: dict[str, Any]) -> Any:
    """What a tool was given: BashBros keeps it as text, JSON unless it was cut."""
    given = row.get("tool_input")
    try:
        found = jsonl.parse(given.encode("utf-8", "surrogatepass")) if isinstance(given, str) else given
    except ValueError:
        return {"input": given}
    return found if isinstance(found, dict) else {"input": given}


def used(talk: Conversation, row: dict[str, Any], ts: str | None, place: int) -> None:
    """A tool that ran, with what came of it."""
    call_id, code, success = f"tool_use_{place}", whole(row, "exit_code"), row.get("success")
    step = talk.say("agent", "", ts=ts, line_no=place, uuid=text(row, "id"))
    talk.call(step, call_id, row["tool_name"], arguments(row))
    failed = bool(code) if success is None else not success
    talk.result(call_id, text(row, "tool_output") or "", is_error=failed, exit_code=code, ts=ts)


def commanded(talk: Conversation, row: dict[str, Any], ts: str | None, place: int) -> None:
    """A command that was forbidden, or of whose run only this is known."""
    step = talk.say("agent", "", ts=ts, line_no=place, uuid=text(row, "id"))
    made = talk.call(step, f"command_{place}", "bash", {"command": row["command"]})
    made.extra.bashgym.duration_ms = whole(row, "duration_ms")
    kept = ("risk_score", "risk_level", "risk_factors", "violations")
    made.extra.bashgym.foreign = {key: row[key] for key in kept if row.get(key) is not None}
    if not row.get("allowed"):
        made.extra.bashgym.denied = "rule"
        words = text(row, "violations") or "forbidden"
        talk.result(f"command_{place}", words, is_error=True, ts=ts)
