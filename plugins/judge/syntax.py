"""Do the files a session left behind parse? Python, JSON, shell, TypeScript and ten more; shows form, not function."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from bashgym import config
from bashgym.kinds import JudgeContext
from bashgym.records import Signal, Verdict
from bashgym.trace import Trace

if TYPE_CHECKING:  # what reads commands and files is loaded when the first trace is judged: it doubles a recipe's check
    from bashgym.signals.files import File
    from bashgym.signals.parsing import Parsed

NAME = "syntax"
ONE_PARSER_CONFIDENCE = 0.95  # the parser is the language's own; the content was put together from the trace


class Looked(NamedTuple):
    """One file and what its parser says of it, now and before the session."""

    file: "File"
    now: "Parsed"
    before: "Parsed | None"  # None: made by the session, or not known what it was

    @property
    def left_broken(self) -> bool:
        """Whether the session broke it: it parsed before, or the session made it. What a grammar refuses from the start
        may be what that grammar does not know."""
        from bashgym.signals import grammars
        from bashgym.signals.parsing import language_of

        if self.now.state != "broken":
            return False
        ours = language_of(self.file.path, self.file.content or "") not in grammars.GRAMMARS
        return (self.file.created and ours) or (self.before is not None and self.before.state == "parses")


class Judge:
    """Parses the last known content of each file on the branch the session ended on.

    The score is the share of known files that parse. Files whose content is not known, and failures that a template,
    test data meant to be broken, a dialect or a pseudonym explains, are unknown and count neither way. `verified` is
    never set: a parser sees form, and to be gold takes something that ran."""

    class Config(config.Config):
        max_characters: int = Field(default=1_000_000, ge=1)
        """A longer file is not parsed."""
        max_files: int = Field(default=200, ge=1)
        """Of more files than this, the ones changed last are parsed."""
        max_seconds: float = Field(default=20.0, gt=0)
        """For one session, all files together; what is left then is unknown."""
        file_seconds: float = Field(default=5.0, gt=0)
        """For one file of YAML or shell; the other parsers are fast."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def judge(self, trace: Trace, context: JudgeContext) -> Verdict:
        """Abstains where no file of a known language has known content."""
        from bashgym.signals.files import edited_files

        files = edited_files(trace)
        chosen = sorted(files, key=lambda file: file.step_id or 0)[-self.config.max_files :]
        looked = list(self.look(chosen))
        signals = tuple(signal(one) for one in looked)
        known = [one for one in looked if one.now.state != "unknown"]
        if not known:
            reason = "no file was edited" if not files else f"none of {len(files)} edited files can be parsed here"
            return Verdict(judge=NAME, score=None, reason=reason, signals=signals)
        broken = [one for one in known if one.now.state == "broken"]
        return Verdict(
            judge=NAME,
            score=round(1 - len(broken) / len(known), 4),
            confidence=round(ONE_PARSER_CONFIDENCE * len(known) / len(looked), 4),
            reason=reason_of(known, broken),
            verified=False,
            fatal=any(one.left_broken for one in broken),
            signals=signals,
        )

    def look(self, files: Sequence["File"]) -> Iterator[Looked]:
        """Every file whose language is known, within the limits of time and size."""
        ends = time.monotonic() + self.config.max_seconds
        for file in files:
            now = self.parsed(file.path, file.content, file.why, ends)
            if now is not None:
                ask = now.state == "broken" and not file.created and file.original is not None
                before = self.parsed(file.path, file.original, "", ends) if ask else None
                yield Looked(file, now, before)

    def parsed(self, path: str, content: str | None, why: str, ends: float) -> "Parsed | None":
        """None for a language that is not parsed here."""
        from bashgym.signals.parsing import Parsed, language_of, parse

        language = language_of(path, content or "")
        if language is None:
            return None
        if content is None:
            return Parsed("unknown", why)
        if len(content) > self.config.max_characters:
            return Parsed("unknown", f"longer than max_characters={self.config.max_characters}")
        left = ends - time.monotonic()
        if left <= 0:
            return Parsed("unknown", f"max_seconds={self.config.max_seconds} were over")
        return parse(path, content, language, min(left, self.config.file_seconds))


def signal(one: Looked) -> Signal:
    """`file_parses`, `file_broken` or `file_unknown`, with the path and why."""
    state, why, line = one.now
    name = "file_parses" if state == "parses" else f"file_{state}"
    at = f" line {line}:" if line else ""
    return Signal(
        name=name,
        value=f"{one.file.path}:{at} {why}" if why else one.file.path,
        source="parser",
        confidence=0.0 if state == "unknown" else ONE_PARSER_CONFIDENCE,
        step_id=one.file.step_id,
    )


def reason_of(known: Sequence[Looked], broken: Sequence[Looked]) -> str:
    if not broken:
        return f"{len(known)} of {len(known)} known files parse"
    first = broken[0]
    return f"{len(broken)} of {len(known)} known files do not parse: {first.file.path}: {first.now.why}"
