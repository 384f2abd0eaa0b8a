"""What sources share: files to references, lines to values, turns to a trace. Nothing here knows any one agent."""
