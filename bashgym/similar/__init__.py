"""How like two sessions are: prints of what was said and called, and a MinHash index over the prints of a history."""
