"""Parquet: every kind of column becomes the exact text that it stands for."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.cli.conftest import Toll

from tollkeeper.cli.importing.mapping import Mapper, Shape
from tollkeeper.cli.importing.parquet import ParquetRows
from tollkeeper.events import EventIn, Refused

FOUND = {"id": ["1"], "customer": ["acme"], "meter": ["token"]}


def items(tmp_path: Path, columns: dict[str, Any], **shape: Any) -> list[EventIn | Refused]:
    file = tmp_path / "usage.parquet"
    pq.write_table(pa.table(FOUND | columns), file)
    return list(ParquetRows(file, Mapper(Shape(**shape))).read(0))


def item(tmp_path: Path, columns: dict[str, Any], **shape: Any) -> Any:
    [found] = items(tmp_path, columns, **shape)
    return found


@pytest.mark.parametrize(
    ("column", "quantity"),
    [
        (pa.array([0.1]), "0.1"),
        (pa.array([0.1], pa.float32()), "0.1"),
        (pa.array([1e15]), "1000000000000000"),
        (pa.array([2.0]), "2"),
        (pa.array([1e-7]), "0.0000001"),
        (pa.array([0.1 + 0.2]), "0.30000000000000004"),
        (pa.array([Decimal("123456789012.123456")]), "123456789012.123456"),
        (pa.array([2**62]), str(2**62)),
        (pa.array([7], pa.uint8()), "7"),
        (pa.array(["1.50"]), "1.50"),
        (pa.array(["3"]).dictionary_encode(), "3"),
    ],
)
def test_quantities(tmp_path: Path, column: pa.Array, quantity: str) -> None:
    assert item(tmp_path, {"quantity": column}).quantity == Decimal(quantity)


def test_times(tmp_path: Path) -> None:
    at = datetime(2026, 7, 1, 7, 30, 0, 123456, tzinfo=UTC)
    for unit in ("ns", "us"):
        for zone in ("UTC", "Europe/Berlin", "+02:00"):
            column = pa.array([at], pa.timestamp(unit, zone))
            assert item(tmp_path, {"quantity": [1], "time": column}).time == at
    finer = pa.array([at.timestamp().__trunc__() * 10**9 + 123456789], pa.timestamp("ns", "UTC"))
    assert item(tmp_path, {"quantity": [1], "time": finer}).time == at
    naive = {"quantity": [1], "time": pa.array([datetime(2026, 7, 1, 9, 30)], pa.timestamp("ms"))}  # noqa: DTZ001
    assert item(tmp_path, naive).reason.code == "time_without_zone"
    assert item(tmp_path, naive, timezone="Europe/Berlin").time == at.replace(microsecond=0)
    day = {"quantity": [1], "time": pa.array([date(2026, 7, 1)])}
    assert item(tmp_path, day, timezone="UTC").time == datetime(2026, 7, 1, tzinfo=UTC)


def test_texts_and_objects(tmp_path: Path) -> None:
    table = {
        "id": [17],
        "quantity": [1],
        "member": pa.array([None], pa.string()),
        "dimensions": [{"model": "m", "job": None, "size": 3}],
        "metadata": pa.array([[("k", "v"), ("none", None)]], pa.map_(pa.string(), pa.string())),
        "metadata.big": [True],
        "extra": [{"cost": Decimal("1.10"), "parts": [1, 2]}],
        "region": pa.array(["eu"]).dictionary_encode(),
    }
    found = item(tmp_path, table, renamed={"extra": "metadata.extra", "region": "dimensions.region"})
    assert (found.id, found.member) == ("17", None)
    assert found.dimensions == {"model": "m", "size": "3", "region": "eu"}
    assert found.metadata == {"k": "v", "big": True, "extra": {"cost": "1.10", "parts": [1, 2]}}


def test_what_is_null_is_absent(tmp_path: Path) -> None:
    [first, second] = items(
        tmp_path,
        {"id": ["1", None], "customer": ["acme"] * 2, "meter": ["token"] * 2, "quantity": pa.array([None, 0.5])},
    )
    assert isinstance(first, EventIn)
    assert first.quantity is None
    assert isinstance(second, Refused)
    assert second.reason.field == "id"


def test_import(toll: Toll, tmp_path: Path) -> None:
    count = 12_000
    table = pa.table(
        {
            "request": [f"r{n}" for n in range(count)],
            "customer": ["acme", "globex"] * (count // 2),
            "quantity": [0.5] * count,
            "at": pa.array([datetime(2026, 3, 1, tzinfo=UTC)] * count, pa.timestamp("us", "UTC")),
            "unused": [1] * count,
        }
    )
    pq.write_table(table, tmp_path / "usage.parquet", row_group_size=7_000)
    options = ["--map", "request=id", "--map", "at=time", "--set", "meter=cv_parse", "--ignore", "unused", "--json"]
    ran = toll("import", tmp_path / "usage.parquet", *options)
    assert (ran.status, ran.json["accepted"], ran.json["charges"]) == (0, count, {"USD": "3000"})
    assert toll("import", tmp_path / "usage.parquet", *options).json["rows"] == 0
    assert toll("verify").status == 0

    whole = (tmp_path / "usage.parquet").read_bytes()
    (tmp_path / "torn.parquet").write_bytes(whole[:-100])
    assert toll("import", tmp_path / "torn.parquet", "--json").error == "invalid_parquet"


def test_without_pyarrow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, toll: Toll) -> None:
    (tmp_path / "usage.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    ran = toll("import", tmp_path / "usage.parquet")
    assert ran.status == 1
    assert "pip install tollkeeper[parquet]" in ran.err
    assert toll("import", tmp_path / "usage.parquet", "--json").error == "parquet_missing"
