"""What happens beside the agent while it works: hooks that write, files that are archived, what is kept out."""
