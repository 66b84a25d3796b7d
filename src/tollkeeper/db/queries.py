"""Named queries: each stage keeps its SQL in `queries.sql` beside the code, and nowhere else.

Where that would be too long, a topic has a `<topic>.queries.sql` of its own.

A file is a sequence of blocks. Each begins with `-- name: the_name`, may go on with comment lines that say what the
query is for, and ends where the next block begins. Parameters are psycopg's `%(name)s`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


class Queries:
    """The queries of one file, as attributes: `queries.find_customers`."""

    def __init__(self, package: str, file: str = "queries.sql") -> None:
        self._source = f"{package}/{file}"
        text = files(package).joinpath(file).read_text(encoding="utf-8")
        parts = _NAME.split(text)[1:]
        self._queries: dict[str, bytes] = {}
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            if name in self._queries:
                raise ValueError(f"{self._source}: query {name} is defined twice")
            lines = [line for line in body.splitlines() if not line.lstrip().startswith("--")]
            # Bytes, because psycopg's types accept a `str` only where it is a literal.
            self._queries[name] = "\n".join(lines).strip().encode()

    def __getattr__(self, name: str) -> bytes:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"{self._source} has no query called {name}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)
