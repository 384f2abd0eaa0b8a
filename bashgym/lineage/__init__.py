"""From a row of a dataset back to the lines it came from, and from a session to why it is in no dataset."""
