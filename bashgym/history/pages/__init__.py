"""Pages of sessions: they fetch nothing, run nothing of the session, and can be read without scripts."""
