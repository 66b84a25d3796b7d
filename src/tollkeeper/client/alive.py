"""Whether the process that wrote something still lives: each holds a lock on one byte of a file beside the spool.

The kernel releases the lock when its holder dies, however it dies, and a forked child doesn't inherit it. So nothing
goes stale, and a process id that is used anew deceives nobody, also across containers that share the folder.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int, at: int) -> bool:
        os.lseek(file, at, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: int, at: int) -> None:
        os.lseek(file, at, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int, at: int) -> bool:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except OSError:
            return False
        return True

    def _unlock(file: int, at: int) -> None:
        fcntl.lockf(file, fcntl.LOCK_UN, 1, at)


_SLOT_BITS = 30


class Living:
    """The file of locks. A process must open it once only: closing it anywhere gives up all of its locks."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)

    def claim(self) -> int:
        """A slot that is this process's own until it ends."""
        while not _lock(self._file, slot := secrets.randbits(_SLOT_BITS) + 1):
            pass
        return slot

    def is_alive(self, slot: int) -> bool:
        """Whether another process holds the slot. Don't ask about one's own."""
        if not _lock(self._file, slot):
            return True
        _unlock(self._file, slot)
        return False
