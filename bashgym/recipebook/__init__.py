"""What can be asked of recipes: copied, checked, compared, explained, completed, described to an editor."""
