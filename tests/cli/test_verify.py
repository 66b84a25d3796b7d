"""Verify: it passes over what Tollkeeper has written, and finds what anybody else has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cli.conftest import Toll

CSV = """\
id,customer,meter,quantity,time,dimensions.job
a-1,acme,cv_parse,1,2026-03-08T06:30:00Z,cook
a-2,acme,cv_parse,2,2026-03-09T06:30:00Z,cook
g-1,globex,cv_parse,2,2026-03-09T06:30:00Z,chef
t-1,acme,token,1500,2026-03-09T13:00:00Z,
"""

TAMPERED = {
    "postings": (
        "update postings set amount = amount + 1 where amount = 1",
        "update postings set amount = amount - 1 where amount = 2",
    ),
    "days": (
        "update usage_days set charge = charge + 1 where events = 1 and quantity = 1500",
        "update usage_days set charge = charge - 1 where events = 1 and quantity = 1500",
    ),
    "hours": (
        "update usage_hours set events = 7 where quantity = 1500",
        "update usage_hours set events = 1 where quantity = 1500",
    ),
    "totals": ("update running_totals set value = value + 1", "update running_totals set value = value - 1"),
    "orphans": (
        "update series set series_id = overlay(series_id::text placing 'ffff' from 1)::uuid where meter = 'token'",
        "",
    ),
}


def test_verify(toll: Toll, owner: Callable[[str], Any]) -> None:
    assert toll("import", "-", "--format", "csv", stdin=CSV.encode()).status == 0
    passed = toll("verify")
    assert passed.status == 0
    assert passed.out.count("✓") == len(toll("verify", "--json").json["checks"])
    assert "4 events" in passed.out
    assert "The books agree." in passed.out

    for name, (tamper, mend) in TAMPERED.items():
        assert owner(tamper) == 1, name
        failed = toll("verify", "--json")
        assert (failed.status, failed.json["passed"]) == (1, False), name
        differing = {check["name"]: check["differences"] for check in failed.json["checks"] if not check["passed"]}
        # Charges without their series have no unit, so an orphan is missed by the postings too.
        assert differing.keys() == ({"orphans", "postings"} if name == "orphans" else {name})
        assert differing[name][0].keys() == {"customer", "place", "expected", "found"}
        if mend:
            assert owner(mend) == 1, name
            assert toll("verify", "--json").json["passed"], name

    failed = toll("verify")
    assert failed.status == 1
    assert "✗" in failed.out
    assert "expected" in failed.out
    assert "The books differ." in failed.out
