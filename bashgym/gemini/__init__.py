"""Gemini CLI's chats: which there are, and what their records say. As of 0.61, back to the JSON files of 2025."""
