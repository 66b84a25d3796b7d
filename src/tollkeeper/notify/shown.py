"""A state as pages get it: JSON, made once for all pages of a customer, and what is new in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from tollkeeper.clock import in_utc
from tollkeeper.money import ZERO, add, plain, subtract
from tollkeeper.notify.model import MeterState, State

PARTS = ("period", "wallets", "spent", "held", "meters", "events")
"""What a state consists of, in the order in which it's written."""

OTHER = "other"
"""Said to have changed where something has that isn't among the parts, such as a limit, a plan or an alert."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Shown:
    """One state, encoded part by part."""

    as_of: str
    parts: dict[str, bytes]

    @classmethod
    def of(cls, state: State) -> Shown:
        """The state as JSON: amounts as strings, times in UTC."""
        period = {"start": in_utc(state.period.start), "end": in_utc(state.period.end)}
        parts: dict[str, Any] = {
            "period": period,
            "wallets": [
                {
                    "unit": one.unit,
                    "balance": plain(one.balance),
                    "held": plain(one.held),
                    "available": plain(subtract(one.balance, one.held)),
                }
                for one in state.wallets
            ],
            "spent": _spent(state.meters),
            "held": [{"unit": one.unit, "amount": plain(one.amount)} for one in state.held],
            "meters": [_meter(one) for one in state.meters],
        }
        encoded = {name: _encode(part) for name, part in parts.items()}
        return cls(in_utc(state.as_of), encoded | {"events": state.events.encode()})

    def changed_since(self, before: Shown | None) -> set[str]:
        """The parts that differ; all of them where nothing was shown before."""
        return {name for name in PARTS if before is None or self.parts[name] != before.parts[name]}

    def body(self, changed: Iterable[str]) -> bytes:
        """The JSON object that is sent."""
        said = b",".join(b'"%s":%s' % (name.encode(), part) for name, part in self.parts.items())
        return b'{"as_of":"%s",%s,"changed":%s}' % (self.as_of.encode(), said, _encode(sorted(changed)))


def _spent(meters: Sequence[MeterState]) -> list[dict[str, str]]:
    totals: dict[str, Decimal] = {}
    for one in meters:
        if one.unit is not None:
            totals[one.unit] = add(totals.get(one.unit, ZERO), one.charge)
    return [{"unit": unit, "amount": plain(totals[unit])} for unit in sorted(totals)]


def _meter(one: MeterState) -> dict[str, Any]:
    return {
        "meter": one.meter,
        "quantity": None if one.quantity is None else plain(one.quantity),
        "events": one.events,
        "charge": plain(one.charge),
        "unit": one.unit,
    }
