"""Sessions for other tools: ATIF documents, and OpenTelemetry spans of their model and tool calls.

What is written has passed the base recipe's sanitizers; only `raw` writes it as it is, and says so."""
