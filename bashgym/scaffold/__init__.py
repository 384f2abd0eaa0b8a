"""First versions that work: of a plugin of any kind, of a pack."""
