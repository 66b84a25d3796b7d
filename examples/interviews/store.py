"""Where things are kept: credits in Tollkeeper, all else in one SQLite file."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tollkeeper import Tollkeeper

# While it's away, nothing is created: a team shares its credits, and only Tollkeeper knows who gets the last one.
toll = Tollkeeper(on_outage="refuse")


@contextmanager
def store() -> Iterator[sqlite3.Connection]:
    """The file, in one transaction."""
    with closing(sqlite3.connect(Path(os.environ["EXAMPLE_DATA"]) / "interviews.sqlite")) as file, file:
        file.row_factory = sqlite3.Row
        yield file


with store() as db:
    db.executescript(Path(__file__).with_name("tables.sql").read_text(encoding="utf-8"))
