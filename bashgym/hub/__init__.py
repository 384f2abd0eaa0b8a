"""Data sets of the Hugging Face hub, or files shaped like them, as sessions: one a row."""
