"""Readers of dataset rows that Axolotl calls by name: `type: row_readers.pairs` in its configuration."""
