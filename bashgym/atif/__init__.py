"""ATIF (Agent Trajectory Interchange Format): traces written as strict v1.8, and any v1.x read, both without loss.

What ATIF's rules have no place for travels in `extra`: ours under `extra.bashgym`, of which `was` is what a value was
before the rules changed it; what another tool left there is `foreign` in a trace, and goes back where it was."""
