"""The demo's own folder, whose data is deleted at each start, and all of it by `--clean`. Nothing else ever is.

<folder>/made-by-tollkeeper-demo   marks the folder as the demo's, and is locked while a demo uses it
<folder>/data                      the embedded PostgreSQL's data folder: deleted at each start
<folder>/server.log                what `tollkeeper serve` had to say
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from demo.errors import DemoFailed
from tollkeeper.db import embedded

_MARKER = "made-by-tollkeeper-demo"
_NOTE = "This folder belongs to Tollkeeper's demo, which deletes its data at each start.\n"


def default_folder() -> Path:
    """Beside the folder that `tollkeeper serve` uses, so that the demo can't touch real books."""
    usual = embedded.default_data_dir()
    return usual.with_name(f"{usual.name}-demo")


@contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """The folder, ours alone while the context is open, and without data of an earlier run."""
    folder = folder.expanduser().resolve()
    with ExitStack() as stack:
        try:
            stack.enter_context(_claimed(folder))
            _remove_data(folder / "data")
        except OSError as error:
            told = f"The folder {folder} can't be used: {error.strerror}. Choose another with --data."
            raise DemoFailed(told) from error
        yield folder


def remove_folder(folder: Path) -> bool:
    """Delete the demo's folder with its data, if it's there and marked as the demo's; else delete nothing."""
    folder = folder.expanduser().resolve()
    if not (folder / _MARKER).exists():
        return False
    with fresh_folder(folder):
        (folder / "server.log").unlink(missing_ok=True)
        (folder / _MARKER).unlink()
    with suppress(OSError):  # somebody's own files may be in it, too
        folder.rmdir()
    return True


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        if os.getuid() == 0:  # then PostgreSQL runs as another user, who has to get to its data
            path.chmod(0o755)
    marker = folder / _MARKER
    if any(folder.iterdir()) and not marker.exists():
        told = f"{folder} holds files that aren't the demo's, and the demo deletes. Choose a new folder with --data."
        raise DemoFailed(told)
    with marker.open("a+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            told = f"Another demo is running in {folder}. End it, or choose another folder with --data."
            raise DemoFailed(told) from None
        held.truncate(0)
        held.write(_NOTE)
        held.flush()
        yield


def _remove_data(data: Path) -> None:
    if not data.exists():
        return
    if _is_held(data / "users.lock"):
        told = f"A Tollkeeper server still uses {data}, perhaps one whose demo was killed. End it first."
        raise DemoFailed(told)
    if _is_held(data / "server.lock"):  # PostgreSQL outlived a killed demo: join it, and stop it as its last user
        embedded.start(data).close()
    shutil.rmtree(data)


def _is_held(lock: Path) -> bool:
    """Whether a living process holds the lock."""
    if not lock.exists():
        return False
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
