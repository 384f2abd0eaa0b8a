"""OpenCode's sessions: which there are, in its database or the files before it, and what their rows say. As of 1.18."""
