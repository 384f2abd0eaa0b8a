"""Reading makes millions of objects and no circle among them: the collector of circular garbage only costs time."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Without the collector; also a decorator of functions that read.

    What was read counts as old afterwards, or the next collection would look through all of it at once: these two
    calls move lists of objects and look at none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
