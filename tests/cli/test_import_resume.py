"""Imports that are cut off, and files that are read from the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Toll

from tollkeeper.cli.importing import BATCH
from tollkeeper.cli.importing.files import CsvRows, NdjsonRows, fingerprint
from tollkeeper.cli.importing.mapping import Mapper, Shape
from tollkeeper.cli.importing.parquet import ParquetRows

ROWS = 60_000
HEADER = "id,customer,meter,quantity\n"


def start_import(file: Path, url: str) -> subprocess.Popen[bytes]:
    program = "from tollkeeper.cli import main; main()"
    line = [sys.executable, "-c", program, "import", str(file), "--database-url", url, "--json"]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_until(done: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not done():
        assert process.poll() is None, "the import ended before it could be cut off"
        time.sleep(0.005)


def test_an_import_that_is_killed_goes_on_where_it_stopped(
    toll: Toll, owner: Callable[[str], Any], database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "usage.csv"
    lines = (f"{n},{'acme' if n % 10 else 'nobody'},cv_parse,1\n" for n in range(ROWS))
    file.write_text(HEADER + "".join(lines))

    def rows_done() -> int:
        return next((row[0] for row in owner("select rows_done from imports")), 0)

    process = start_import(file, database_url)
    wait_until(lambda: rows_done() >= BATCH, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    while owner(
        "select 1 from pg_stat_activity where application_name = 'tollkeeper' and datname = current_database()"
    ):
        time.sleep(0.01)  # The server is still finding out.

    stopped = rows_done()
    assert 0 < stopped < ROWS
    assert owner("select count(*) from events") == [(stopped * 9 // 10,)]

    ran = toll("import", file, "--json")
    assert ran.status == 2
    assert ran.json["earlier"] == {"rows": stopped, "refused": stopped // 10}
    assert ran.json["rows"] == ROWS - stopped
    assert (ran.json["duplicates"], ran.json["conflicts"]) == (0, 0)
    assert owner("select count(*) from events") == [(ROWS * 9 // 10,)]
    assert owner("select count(*), max(attempts) from quarantine") == [(ROWS // 10, 1)]
    assert toll("overview", "acme", "--json").json["owed"] == [{"unit": "USD", "amount": str(ROWS * 9 // 20)}]
    assert toll("verify").status == 0
    assert "refused" in toll("import", file).out


def test_of_two_imports_of_one_file_one_goes_on(
    toll: Toll, owner: Callable[[str], Any], database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "usage.csv"
    file.write_text(HEADER + "".join(f"{n},acme,cv_parse,1\n" for n in range(4 * BATCH)))
    both = [start_import(file, database_url) for _ in range(2)]
    told = [process.communicate() for process in both]
    statuses = sorted(process.returncode for process in both)
    if statuses == [0, 1]:
        [error] = [err for process, (_, err) in zip(both, told, strict=True) if process.returncode == 1]
        assert json.loads(error)["code"] == "import_overtaken"
    else:  # One was done before the other began.
        assert statuses == [0, 0]
    assert owner("select count(*) from events") == [(4 * BATCH,)]
    assert owner("select rows_done, rows_accepted from imports") == [(4 * BATCH, 4 * BATCH)]
    assert toll("verify").status == 0


def parquet(tmp_path: Path) -> Path:
    columns = {"customer": ["acme"] * 100, "meter": ["token"] * 100, "quantity": range(100)}
    table = pa.table(columns | {"id": [f"e{n}" for n in range(100)]})
    pq.write_table(table, tmp_path / "usage.parquet", row_group_size=30)
    return tmp_path / "usage.parquet"


@pytest.mark.parametrize("skip", [0, 1, 29, 30, 31, 60, 99, 100, 200])
@pytest.mark.parametrize("kind", ["csv", "ndjson", "parquet"])
def test_rows_are_the_same_from_the_middle_on(kind: str, skip: int, tmp_path: Path) -> None:
    mapper = Mapper(Shape(numbered="n-"))
    file = parquet(tmp_path) if kind == "parquet" else None
    csv = (HEADER + "".join(f"{'' if n % 3 else n},acme,token,{n}\n\n" for n in range(100))).encode()
    ndjson = b"".join(b'{"customer": "acme", "meter": "token", "quantity": %d}\n \n' % n for n in range(100))

    def rows() -> Any:
        if file is not None:
            return ParquetRows(file, mapper)
        return CsvRows(BytesIO(csv), len(csv), mapper) if kind == "csv" else NdjsonRows(BytesIO(ndjson), None, mapper)

    everything = list(rows().read(0))
    assert len(everything) == 100
    assert list(rows().read(skip)) == list(islice(everything, skip, None))


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    content = bytearray(3 * 1024 * 1024)
    first.write_bytes(content)
    second.write_bytes(content)
    assert fingerprint(first) == fingerprint(second)
    for place in (0, -1):
        content[place] = 1
        second.write_bytes(content)
        assert fingerprint(first) != fingerprint(second)
        content[place] = 0
    second.write_bytes(content + b"\0")
    assert fingerprint(first) != fingerprint(second)


def test_the_order_of_options_makes_no_other_import() -> None:
    one = Shape(renamed={"a": "id", "b": "time"}, constants={"meter": "m", "customer": "c"}, ignored=frozenset("xy"))
    other = Shape(renamed={"b": "time", "a": "id"}, constants={"customer": "c", "meter": "m"}, ignored=frozenset("yx"))
    assert one.parts() == other.parts()
    assert one.parts() != Shape(renamed={"a": "id"}, constants={"b": "time"}).parts()
    assert Shape(renamed={"a": "id"}).parts() != Shape(constants={"a": "id"}).parts()
    assert Shape(timezone="UTC").parts() != Shape().parts()
