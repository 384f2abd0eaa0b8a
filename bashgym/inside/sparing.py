"""Imported before transformers by what only loads a model and asks it: leaves out what it would load for other uses.

For one function of assisted generation transformers imports scikit-learn, and for the loss of image models SciPy: some
3 of the 6 processor seconds that its import takes (measured with transformers 5.16.1). Where they are not to be found,
it does without."""

import os
import sys

for name in ("sklearn", "scipy"):
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def without_torch() -> None:
    """For what needs a tokenizer alone: transformers does without torch, too, and says so unless told to be quiet; of
    the 6 processor seconds 2 are left. Called before transformers is imported."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
