"""OpenCode's database made again from the tables of a real one (`opencode-db-dump.json`), and more rows of its schema.

What no sample holds (sub-agents, refusals, compaction, files before the database) is built from the schema: no real
file was at hand."""

import json
import sqlite3
from pathlib import Path

ROW = "id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, time_updated INTEGER, data TEXT"
TABLES = {"message": ROW, "part": f"{ROW}, message_id TEXT"}


def database(path, tables, journal="WAL"):
    """A database with `tables` (name -> rows); `data` columns are JSON text, as OpenCode has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {journal}")
    columns = dict.fromkeys(key for row in tables["session"] for key in row)
    connection.execute(f"CREATE TABLE session ({', '.join(columns)})")
    for name, shape in TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({shape})")
    for name, rows in tables.items():
        for row in rows:
            insert(connection, name, row)
    connection.commit()
    connection.close()
    return path


def insert(connection, table, row):
    value = {key: json.dumps(one) if isinstance(one, (dict, list)) else one for key, one in row.items()}
    names, marks = ", ".join(value), ", ".join("?" * len(value))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(value.values()))


def dump(samples: Path):
    """The tables of a real database."""
    return json.loads((samples / "rig-opencode" / "1.18.33" / "opencode-db-dump.json").read_text())


def session(name="ses_1", parent=None, directory="/home/sam/proj", **more):
    return {"id": name, "parent_id": parent, "directory": directory, "version": "1.2.0", "time_created": 1, **more}


class Rows:
    """Tables of one or more sessions, message by message."""

    def __init__(self, *sessions):
        self.tables = {"session": list(sessions), "message": [], "part": []}
        self.count = 0

    def message(self, role, *parts, session="ses_1", **data):
        self.count += 1
        name = f"msg_{self.count:03d}"
        time = {"created": 1_700_000_000_000 + self.count}
        if role == "assistant":
            data = {"modelID": "m", "providerID": "p", "path": {"cwd": "/home/sam/proj"}, "finish": "stop", **data}
            time["completed"] = time["created"] + 1
        value = {"role": role, "time": time, **data}
        self.tables["message"].append(
            {"id": name, "session_id": session, "time_created": self.count, "time_updated": 0, "data": value}
        )
        for place, part in enumerate(parts):
            data = {"type": "text", "text": part} if isinstance(part, str) else part
            self.tables["part"].append({
                "id": f"prt_{self.count:03d}_{place}", "message_id": name, "session_id": session, "time_created": place,
                "time_updated": 0, "data": data,
            })  # fmt: skip
        return self

    def write(self, path, **options):
        return database(path, self.tables, **options)

    def files(self, folder):
        """The same as the releases before the database wrote it."""
        for row in self.tables["session"]:
            value = {**row, "parentID": row["parent_id"], "time": {"created": row["time_created"]}}
            put(folder / "session" / "prj" / f"{row['id']}.json", value)
        for row in self.tables["message"]:
            put(folder / "message" / row["session_id"] / f"{row['id']}.json", {"id": row["id"], **row["data"]})
        for row in self.tables["part"]:
            put(folder / "part" / row["message_id"] / f"{row['id']}.json", {"id": row["id"], **row["data"]})
        return folder


def put(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2))


def tool(call, name="bash", status="completed", **state):
    time = {"start": 1_700_000_000_000, "end": 1_700_000_000_250}
    return {"type": "tool", "tool": name, "callID": call, "state": {"status": status, "time": time, **state}}
