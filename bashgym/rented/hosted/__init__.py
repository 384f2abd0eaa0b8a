"""Hugging Face Jobs: trainings that are hosted job by job, with nothing left standing when one ends."""
