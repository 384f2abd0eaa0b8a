"""What a coding agent's client does during a session: run tools in a workspace and write the transcript."""
