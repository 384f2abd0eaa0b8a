"""How a worker process behaves towards its parent; importable there, which a plugin's own functions are not."""

import os
import signal
import threading


def tie_to_parent() -> None:
    """Ctrl-C is the parent's to handle; and a worker whose parent was killed ends at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
