"""What a run did, stage by stage: manifest.json, replaced whole after every stage."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bashgym import jsonl
from bashgym.records import Evidence

FORGOTTEN = "forgotten"  # what was taken out of the run's dataset, by the digest of the session's id


def now() -> str:
    """The time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Manifest:
    """The run's record; `content` is what the file holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {"stages": []}

    def save(self) -> None:
        jsonl.replace(self.path, orjson.dumps(self.content, option=orjson.OPT_INDENT_2))

    def update(self, **values: Any) -> None:
        self.content.update(values)
        self.save()

    def stage(
        self,
        name: str,
        taken: int | None,
        given: int | None,
        dropped: dict[str, int],
        seconds: float,
        evidence: Evidence = "measured",
        **more: Any,
    ) -> None:
        """Notes a finished stage; `taken` and `given` are counts of what it works on, None where it has none."""
        entry = {
            "name": name,
            "in": taken,
            "out": given,
            "dropped": dict(sorted(dropped.items())),
            "seconds": round(seconds, 3),
            "evidence": evidence,
            **more,
        }
        stages = [stage for stage in self.content["stages"] if stage["name"] != name]
        self.update(stages=[*stages, entry])
