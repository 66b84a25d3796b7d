"""The built files, kept in memory until they are built anew."""

from __future__ import annotations

import gzip
import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

STATIC = Path(__file__).parent / "static"

_COMPRESSED = ("text/", "application/javascript", "application/json", "image/svg+xml")
_WORTH_IT = 1000
"""A file with fewer bytes isn't compressed."""
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".html": "text/html"}
"""What the machine's own list may say otherwise."""


@dataclass(frozen=True, slots=True)
class File:
    """A file as it's sent."""

    content: bytes
    compressed: bytes | None
    """With gzip, where that is worth it."""
    media_type: str
    etag: str


class Files:
    """The files of a folder, by their path in it."""

    def __init__(self, folder: Path = STATIC) -> None:
        self._folder = folder
        self._kept: dict[str, tuple[tuple[int, int], File]] = {}

    def find(self, name: str) -> File | None:
        """The file as it is now; None if there is none, or not in this folder."""
        path = self._folder / name
        if not path.resolve().is_relative_to(self._folder.resolve()):
            return None
        try:
            seen = path.stat()
            stamp = seen.st_mtime_ns, seen.st_size
            kept = self._kept.get(name)
            if kept is None or kept[0] != stamp:
                kept = self._kept[name] = stamp, _read(path)
        except OSError:
            return None
        return kept[1]


def _read(path: Path) -> File:
    content = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    worth_it = media_type.startswith(_COMPRESSED) and len(content) >= _WORTH_IT
    return File(
        content=content,
        compressed=gzip.compress(content, mtime=0) if worth_it else None,
        media_type=f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type,
        etag=f'"{sha256(content).hexdigest()[:32]}"',
    )
