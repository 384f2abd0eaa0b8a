"""Tokens of Codex's replies.

`input_tokens` holds what came from the cache (and went to it), `output_tokens` holds the thinking: the totals of the
file are the sum of these two. A `token_count` is repeated and its total runs on; the usage of one response is its
`last_token_usage`, new only where the total has moved. Since 0.16x a `token_usage_record` says the same once for each
response, and then the counts are not read."""

from typing import Any

from bashgym.reading.conversation import Conversation, metrics
from bashgym.reading.lines import Entry
from bashgym.reading.values import at, count, record, text
from bashgym.trace import Metrics, Step


class Usage:
    """Which reply used what; `kept` says whether the file tells at all."""

    def __init__(self, entries: list[Entry]) -> None:
        events = [at(entry.value, "payload", "type") for entry in entries if entry.value.get("type") == "event_msg"]
        self.records = any(entry.value.get("type") == "token_usage_record" for entry in entries)
        self.kept = self.records or "token_count" in events
        self.waiting: list[Step] = []  # replies without metrics, oldest first
        self.total: dict[str, Any] = {}
        self.seen: set[str] = set()

    def recorded(self, entry: Entry, payload: dict[str, Any], talk: Conversation) -> None:
        """The tokens of one response."""
        response = text(payload, "response_id")
        if response in self.seen:
            return
        step = self.give(record(payload, "usage"), entry, talk)
        if response is not None:
            self.seen.add(response)
            step.info.request_id = response

    def counted(self, entry: Entry, payload: dict[str, Any], talk: Conversation) -> None:
        """A running count, which may say nothing new."""
        total, last = record(payload, "info", "total_token_usage"), record(payload, "info", "last_token_usage")
        if self.records or not last or (total and total == self.total):
            return
        self.total = total
        self.give(last, entry, talk)

    def give(self, usage: dict[str, Any], entry: Entry, talk: Conversation) -> Step:
        """Puts a response's usage on the reply it belongs to; where that is not in the file (a compaction's call, an
        answer that held nothing) on an empty one."""
        if not self.waiting:
            self.waiting = [talk.say("agent", "", kind="synthetic", ts=entry.text("timestamp"))]
        step = self.waiting.pop()
        self.waiting.clear()  # what came before it has ended without a count
        step.metrics = of(usage)
        return step


def of(usage: dict[str, Any]) -> Metrics:
    """Metrics of one response."""
    read, written = count(usage, "cached_input_tokens"), count(usage, "cache_write_input_tokens")
    fresh = max(count(usage, "input_tokens") - read - written, 0)
    thinking = count(usage, "reasoning_output_tokens") if "reasoning_output_tokens" in usage else None
    return metrics(fresh, count(usage, "output_tokens"), read, written, reasoning=thinking)
