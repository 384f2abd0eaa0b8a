"""Copilot CLI's sessions: which there are, and what their events say. As of 1.0.77, back to the JSON files of 2025."""
