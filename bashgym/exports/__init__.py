"""Chats that their user downloaded: the zip or folder as it came, its conversations, each as a trace."""
