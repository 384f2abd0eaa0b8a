"""Claude Code's session files: find them, read every line, and make traces of them."""
