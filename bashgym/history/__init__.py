"""What a user has done with coding agents, told without a recipe: counted, listed, shown, made into pages."""
