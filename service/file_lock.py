"""A lock that one process of a machine holds; the system frees it when the process ends."""

import fcntl
from pathlib import Path
from typing import IO


def exclusive_lock(path: Path) -> IO[str] | None:
    """The locked file, which is made if needed; closing it frees the lock. None: another process holds it.

    Raises:
        OSError: the file cannot be opened.
    """
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
