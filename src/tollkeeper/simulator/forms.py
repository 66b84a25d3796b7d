"""Reading multipart/form-data, as transcriptions send it: a few small fields and one file."""

from __future__ import annotations

import re
from typing import Any

from tollkeeper.simulator.model import Refused

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILE = re.compile(rb"\bfilename\*?=")


def read_form(content_type: str, data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Fields and files by name. Raises Refused 400 for a body that isn't such a form."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise Refused(400, "invalid_request_error", "Could not parse multipart form: no boundary.")
    fields: dict[str, Any] = {}
    files: dict[str, bytes] = {}
    for part in data.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        content = content.removesuffix(b"\r\n")
        if (name := _NAME.search(head)) is None:
            continue
        if _FILE.search(head):
            files[name[1].decode()] = content
        else:
            fields[name[1].decode()] = content.decode()
    return fields, files
