"""Codex CLI's rollouts: which there are, and what their lines say. As of 0.169, back to the bare items of 2025."""
