"""What went over a wire, as traces: calls of MCP servers, requests to models."""
