"""What may be granted, and what a repeat is."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.unit.purses import CUSTOMER, changes_at, day, given, new_purse

from tollkeeper.catalog import Catalog, Unit
from tollkeeper.errors import InvalidInput
from tollkeeper.wallets import NewGrant, check_grant, grant_id_of, same_grant, void

NOW = day(10)
CATALOG = Catalog(version=1, currency="USD", units={"credit": Unit("credit", "Credit", 1)})
FINE = NewGrant("USD", Decimal(100))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"amount": Decimal("0.000000000001")},
        {"amount": Decimal("999999999999999.999999999999")},
        {"unit": "credit", "amount": Decimal("1.5")},
        {"unit": "credit", "amount": Decimal("1.50")},
        {"priority": 0},
        {"priority": 100, "kind": "compensation"},
        {"effective_at": day(1)},
        {"effective_at": day(1), "expires_at": day(11)},
        {"effective_at": day(20), "expires_at": day(21)},
        {"reference": "invoice 7", "note": "for the outage", "key": "order-1"},
    ],
)
def test_grants_that_are_fine(fields: dict[str, Any]) -> None:
    check_grant(replace(FINE, **fields), CATALOG, NOW)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"unit": "gold"}, "unknown_unit", "unit"),
        ({"amount": Decimal(0)}, "invalid_amount", "amount"),
        ({"amount": Decimal(-1)}, "invalid_amount", "amount"),
        ({"amount": Decimal("NaN")}, "invalid_amount", "amount"),
        ({"amount": Decimal("sNaN")}, "invalid_amount", "amount"),
        ({"amount": Decimal("Infinity")}, "invalid_amount", "amount"),
        ({"amount": Decimal(10) ** 15}, "amount_out_of_range", "amount"),
        ({"amount": Decimal("1E+1000000")}, "amount_out_of_range", "amount"),
        ({"amount": Decimal("1E-13")}, "amount_too_precise", "amount"),
        ({"unit": "credit", "amount": Decimal("0.25")}, "amount_too_precise", "amount"),
        ({"kind": "stolen"}, "invalid_kind", "kind"),
        ({"priority": 101}, "invalid_priority", "priority"),
        ({"priority": -1}, "invalid_priority", "priority"),
        ({"expires_at": NOW}, "expiry_in_past", "expires_at"),
        ({"effective_at": day(3), "expires_at": day(9)}, "expiry_in_past", "expires_at"),
        ({"effective_at": day(20), "expires_at": day(20)}, "expiry_in_past", "expires_at"),
        ({"effective_at": datetime(2026, 1, 1)}, "invalid_effective_at", "effective_at"),  # noqa: DTZ001
        ({"expires_at": day(365 * 7500)}, "invalid_expires_at", "expires_at"),
        ({"key": " x"}, "invalid_id", "id"),
        ({"key": "x" * 201}, "id_too_long", "id"),
        ({"reference": ""}, "invalid_reference", "reference"),
        ({"reference": "x" * 201}, "reference_too_long", "reference"),
        ({"note": "a\0b"}, "invalid_note", "note"),
        ({"note": "x" * 501}, "note_too_long", "note"),
    ],
)
def test_grants_that_are_refused(fields: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_grant(replace(FINE, **fields), CATALOG, NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_the_same_id_is_the_same_grant() -> None:
    purse, changes = new_purse(), changes_at(NOW)
    asked = replace(FINE, key="order-1", reference="invoice 7", expires_at=day(20))
    grant = given(purse, "100", changes, key="order-1", reference="invoice 7", expires_at=day(20))
    assert grant.grant_id == grant_id_of(CUSTOMER, "order-1")
    assert grant.grant_id != grant_id_of("another customer", "order-1")
    void(purse, grant, changes, note="gone")
    assert same_grant(grant, asked)
    assert same_grant(grant, replace(asked, amount=Decimal("100.00"), note="again"))
    for other in (
        {"amount": Decimal(99)},
        {"unit": "EUR"},
        {"kind": "promotional"},
        {"priority": 49},
        {"expires_at": None},
        {"effective_at": day(11)},
        {"reference": None},
    ):
        assert not same_grant(grant, replace(asked, **other))


def test_a_grant_without_an_id_is_a_new_one_each_time() -> None:
    purse, changes = new_purse(), changes_at(NOW)
    assert given(purse, "1", changes).grant_id != given(purse, "1", changes).grant_id
    assert purse.wallet.balance == 2


def test_one_that_began_in_the_past_counts_from_now() -> None:
    purse, changes = new_purse(), changes_at(NOW)
    grant = given(purse, "1", changes, effective_at=day(1))
    [entry] = changes.entries
    assert (grant.effective_at, entry.at, grant.begun) == (day(1), NOW, True)
