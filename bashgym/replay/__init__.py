"""A session's change made again on a snapshot of its repository, and its tests run before and after, in a box.

The only room that looks at the raw change. What leaves it is ids of tests, counts and exit codes."""
