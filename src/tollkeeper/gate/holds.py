"""Holds: value reserved before an operation. What is asked for, what is stored, and how it ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from tollkeeper.catalog import OnExpiry
from tollkeeper.clock import END
from tollkeeper.db import Asked, Queries, Tx, array, text_array
from tollkeeper.errors import Conflict, NotFound
from tollkeeper.events import CallIn, EventIn, Key, has_usage
from tollkeeper.ids import content_id
from tollkeeper.money import ZERO, written_once

_queries = Queries(__package__ or "")

MOST_SECONDS = 24 * 60 * 60
"""The longest that a hold may still run, from any moment on."""

HoldKey = tuple[str, str]
"""Customer id (as text) and hold id: what identifies a hold for all time."""


class HoldIn(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An operation that wants to begin, as a product reports it: docs/reference/holds.md says what each field means."""

    customer: Key
    meter: Key
    id: Key | None = None
    quantity: Decimal | None = None
    amount: Decimal | None = None
    calls: Annotated[list[CallIn], Meta(max_length=100)] | None = None
    member: Key | None = None
    dimensions: dict[Key, Annotated[str, Meta(max_length=200)]] | None = None
    metadata: dict[str, Any] | None = None
    expires_in: int | None = None

    def as_event(self) -> EventIn:
        """The event that the operation would come to, were it exactly as estimated."""
        return EventIn(
            id=self.id or "",
            customer=self.customer,
            meter=self.meter,
            quantity=self.quantity,
            amount=self.amount,
            calls=self.calls,
            member=self.member,
            dimensions=self.dimensions,
            metadata=self.metadata,
        )

    @property
    def fingerprint(self) -> UUID:
        """What the request says, without how long it's to last: by this a repeated one is known."""
        calls = [msgspec.structs.replace(call, cost=None) for call in self.calls or []]
        same = msgspec.structs.replace(
            self, expires_in=None, quantity=None, amount=None, calls=calls or None, dimensions=self.dimensions or None
        )
        # Numbers by their value: 1 and 1.0 are the same request.
        numbers = [self.quantity, self.amount, *(call.cost for call in self.calls or [])]
        told = ["" if number is None else written_once(number) for number in numbers]
        return content_id("hold", msgspec.json.encode(same, order="deterministic").decode(), *told)


class HoldState(StrEnum):
    """Where a hold stands. The last three are ends: it comes to one of them, once."""

    OPEN = "open"
    IN_DOUBT = "in_doubt"
    """Whether the operation happened isn't known: it keeps its value until that is found out, or it expires."""
    SETTLED = "settled"
    RELEASED = "released"
    EXPIRED = "expired"


_UNENDED = {HoldState.OPEN, HoldState.IN_DOUBT}


@dataclass(slots=True)
class Hold:
    """A hold as it is stored. All amounts are in `unit`."""

    customer_id: str
    hold_id: str
    state: str
    fingerprint: UUID
    meter: str
    member: str | None
    dimensions: dict[str, str]
    quantity: Decimal
    event_amount: Decimal | None
    calls: list[dict[str, Any]] | None
    metadata: dict[str, Any] | None
    unit: str
    amount: Decimal
    """The estimated charge."""
    from_wallet: Decimal
    from_ceiling: Decimal
    price_id: UUID
    period_start: datetime | None
    claimed: Decimal
    """What it claims of the price's running total."""
    claims: list[dict[str, Any]]
    """What it claims of limits."""
    on_expiry: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    charged: Decimal | None = None
    events: list[str] = field(default_factory=list)
    note: str | None = None

    @property
    def key(self) -> HoldKey:
        """What identifies the hold."""
        return self.customer_id, self.hold_id

    @property
    def ended(self) -> bool:
        """Whether it has come to its end."""
        return self.ended_at is not None

    @property
    def charges_estimate(self) -> bool:
        """Whether its estimate is booked when it expires as it stands now."""
        return self.state == HoldState.IN_DOUBT and self.on_expiry == OnExpiry.CHARGE_ESTIMATE

    def end(self, state: HoldState, at: datetime, by: str) -> None:
        """End it. Who calls this has given back what it held."""
        if self.ended:
            raise AssertionError(f"hold {self.hold_id} ended twice")
        self.state, self.ended_at, self.ended_by = state, at, by


@dataclass(slots=True)
class HoldOf(Hold):
    """A hold, and the key of its customer: for lists."""

    customer: str = ""


def unknown_hold(hold_id: str) -> NotFound:
    """The customer has no such hold."""
    return NotFound("unknown_hold", f"The customer has no hold {hold_id!r}.", field="hold")


def hold_ended(hold: Hold) -> Conflict:
    """What isn't possible any more with a hold that has ended."""
    told = f"The hold {hold.hold_id!r} has ended already: it is {hold.state}."
    return Conflict("hold_ended", told, field="hold", state=hold.state, ended_at=hold.ended_at)


async def ask_holds(tx: Tx, keys: Collection[HoldKey]) -> Asked[Hold]:
    """The holds among these keys that exist."""
    wanted = sorted(keys)
    params = {"customer_id": array([key[0] for key in wanted]), "hold_id": text_array([key[1] for key in wanted])}
    return await tx.ask(Hold, _queries.find_holds, params)


async def ask_due_holds(tx: Tx, customer_ids: Sequence[str], now: datetime) -> Asked[Hold]:
    """The open holds of these customers whose time is over."""
    return await tx.ask(Hold, _queries.due_holds, {"customer_ids": array(customer_ids), "now": now})


async def ask_open_holds(tx: Tx, customer_ids: Sequence[str]) -> Asked[Hold]:
    """The holds of these customers that haven't ended."""
    return await tx.ask(Hold, _queries.due_holds, {"customer_ids": array(customer_ids), "now": END})


async def write_holds(tx: Tx, holds: Collection[Hold]) -> None:
    """Insert the new ones and note what became of the others."""
    if not holds:
        return
    ordered = sorted(holds, key=lambda hold: hold.key)
    params = {
        "customer_id": array([hold.customer_id for hold in ordered]),
        "hold": text_array([msgspec.json.encode(hold).decode() for hold in ordered]),
    }
    tx.touches(hold.customer_id for hold in ordered)
    await tx.execute(_queries.write_holds, params)


async def get_hold(tx: Tx, customer_id: UUID, hold_id: str) -> Hold:
    """One hold. Raises NotFound `unknown_hold`."""
    found = await (await ask_holds(tx, [(str(customer_id), hold_id)])).all()
    if not found:
        raise unknown_hold(hold_id)
    return found[0]


async def in_use(tx: Tx, customer_id: UUID) -> bool:
    """Whether a customer has usage, or operations under way: then its currency and time zone stay."""
    return await has_usage(tx, customer_id) or bool(
        await tx.scalar(_queries.has_open_holds, {"customer_id": customer_id})
    )


async def list_holds(
    tx: Tx,
    customer_id: UUID | None,
    *,
    states: Collection[str] | None,
    before: tuple[datetime, UUID, str] | None,
    limit: int,
) -> list[HoldOf]:
    """A page of holds, newest first, going on before the one at (created_at, customer_id, hold_id) `before`."""
    params = {
        "customer_id": customer_id,
        "states": None if states is None else sorted(states),
        "before": before[0] if before else None,
        "before_customer": before[1] if before else None,
        "before_id": before[2] if before else None,
        "limit": limit,
    }
    open_ones = customer_id is None and states is not None and set(states) <= _UNENDED
    return await tx.all(HoldOf, _queries.list_open_holds if open_ones else _queries.list_holds, params)


@dataclass(frozen=True, slots=True)
class Held:
    """What open holds keep of one unit, and how many they are."""

    unit: str
    holds: int
    amount: Decimal = ZERO


async def held_at(tx: Tx, customer_id: UUID, at: datetime) -> list[Held]:
    """What was held of the wallets at an instant."""
    return await tx.all(Held, _queries.held_at, {"customer_id": customer_id, "at": at})


async def held_now(tx: Tx, customer_id: UUID) -> list[Held]:
    """What the customer's open holds are expected to come to, by unit, whether its wallets pay or it will owe it."""
    return await (await ask_held(tx, customer_id)).all()


async def ask_held(tx: Tx, customer_id: UUID) -> Asked[Held]:
    """As `held_now`, for those who have more to ask in the same round trip."""
    return await tx.ask(Held, _queries.held_now, {"customer_id": customer_id})
