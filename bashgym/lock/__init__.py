"""The lock file of a run: what went into its dataset, to the byte, so that it can be made again elsewhere.

`recipe.lock.yaml` in the run's folder holds no secret and no text of a session: plugins with their
settings and hashes, engines and rules as digests, sessions by the SHA-256 of their ids and bytes, splits, hashes of
the dataset, the evidence of every figure. Where there are many sessions, their list lies in a file beside it."""
