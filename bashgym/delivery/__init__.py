"""A registered model made ready for a server: merged weights, its template as trained, and proof that they agree."""
