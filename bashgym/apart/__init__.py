"""Plugins of packs run apart: in a process of their own, without our environment variables, spoken to in JSON.

What comes back are records, numbers and text, never code: nothing the plugin says is unpickled here."""
