"""The stages of a run, a file each: what goes in, what comes out, what is dropped and why."""
