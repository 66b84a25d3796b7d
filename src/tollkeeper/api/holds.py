"""What the routes of holds take and answer, in msgspec's terms: they are called before and after every operation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Raw

from tollkeeper.api.exact import schemas_of
from tollkeeper.errors import BodyTooLarge, InvalidInput
from tollkeeper.events import CallIn, EventIn, Key, Refused, Status, read_lines
from tollkeeper.gate import Allowed, Failure, Hold, HoldIn, Result, Settled, SettleIn, Settlement
from tollkeeper.limits import Exceeded, LimitState
from tollkeeper.money import grouped, plain

# What comes in


class SettleBody(msgspec.Struct, forbid_unknown_fields=True):
    """What an operation came to; `SettleIn` with events that are still text, so that each is read like one alone."""

    customer: Key
    events: list[Raw] | None = None
    quantity: Decimal | None = None
    amount: Decimal | None = None
    calls: Annotated[list[CallIn], Meta(max_length=1000)] | None = None
    metadata: dict[str, Any] | None = None


class ReleaseBody(msgspec.Struct, forbid_unknown_fields=True):
    """That an operation failed, or never began."""

    customer: Key
    note: str | None = None


class ExtendBody(msgspec.Struct, forbid_unknown_fields=True):
    """That an operation takes longer; `expires_in` are seconds from now on."""

    customer: Key
    expires_in: int


class DoubtBody(msgspec.Struct, forbid_unknown_fields=True):
    """That nobody knows whether an operation happened; `expires_in` are seconds from now on."""

    customer: Key
    note: str | None = None
    expires_in: int = 86_400


_fields = msgspec.json.Decoder(dict[str, Raw])


def settlement_of(body: SettleBody, hold_id: str, max_events: int) -> Settlement:
    """The settlement that a body asks for. Raises InvalidInput `invalid_settlement`, BodyTooLarge `too_many_events`."""
    asked = SettleIn(body.customer, None, body.quantity, body.amount, body.calls, body.metadata)
    if body.events is None:
        return Settlement(body.customer, hold_id, asked)
    if asked != SettleIn(body.customer):
        told = "Give either `events`, or what the one event of the hold came to."
        raise InvalidInput("invalid_settlement", told, field="events")
    if not body.events:
        told = "Give at least one event; leave `events` out if all went as expected, or release the hold."
        raise InvalidInput("invalid_settlement", told, field="events")
    if len(body.events) > max_events:
        told = f"{len(body.events)} events in one settlement; at most {max_events} are taken."
        raise BodyTooLarge("too_many_events", told)
    return Settlement(body.customer, hold_id, asked, _events(body, hold_id))


def _events(body: SettleBody, hold_id: str) -> list[EventIn | Refused]:
    """The events, read as those of POST /v1/events, with the customer and the hold put in where they're left out."""
    own = {"customer": Raw(msgspec.json.encode(body.customer)), "hold": Raw(msgspec.json.encode(hold_id))}
    lines: list[bytes] = []
    for event in body.events or ():
        try:
            given = {name: value for name, value in _fields.decode(event).items() if bytes(value) != b"null"}
        except msgspec.ValidationError:  # not an object
            lines.append(bytes(event))
        else:
            lines.append(msgspec.json.encode(own | given))
    return read_lines(lines)


# What goes out


class WindowAnswer(msgspec.Struct):
    """From when to when a limit counts: a half-open interval."""

    start: datetime
    end: datetime


class HoldLimitAnswer(msgspec.Struct):
    """A limit that counts the operation, which is among `held`."""

    limit: str
    member: str | None
    per: str
    window: WindowAnswer
    used: str
    held: str
    cap: str
    remaining: str
    mode: str


class WarningAnswer(msgspec.Struct):
    """A soft limit that the operation doesn't fit under."""

    code: str
    detail: str
    limit: str
    member: str | None
    per: str
    window: WindowAnswer
    used: str
    held: str
    cap: str
    needed: str


class HoldAnswer(msgspec.Struct, kw_only=True):
    """Value reserved before an operation. Amounts are in `unit`; `charged` is null as long as nothing was."""

    id: str
    customer: str
    meter: str
    member: str | None
    state: str
    quantity: str
    amount: str
    unit: str
    from_wallet: str
    expires_at: datetime
    created_at: datetime
    ended_at: datetime | None
    charged: str | None
    events: list[str]
    note: str | None


class NewHoldAnswer(HoldAnswer, kw_only=True):
    """A hold, with what is left for other operations."""

    available: str
    limits: list[HoldLimitAnswer]
    warnings: list[WarningAnswer]


class CheckAnswer(msgspec.Struct):
    """That the operation might begin now; nothing is reserved for it."""

    allowed: bool
    amount: str
    unit: str
    available: str
    limits: list[HoldLimitAnswer]
    warnings: list[WarningAnswer]


class EstimateStepAnswer(msgspec.Struct):
    """A line of arithmetic: in words, and the same numbers for programs."""

    name: str
    text: str
    figures: dict[str, str]


class EstimateAnswer(msgspec.Struct):
    """What a planned operation would be charged now."""

    charge: str
    unit: str
    price_id: UUID
    steps: list[EstimateStepAnswer]
    estimated: bool


class SettledAnswer(msgspec.Struct, omit_defaults=True):
    """What became of the hold, and of each of the operation's events."""

    hold: HoldAnswer
    accepted: int
    duplicates: int
    conflicts: int
    rejected: int
    results: list[Result]
    # That the hold had ended before.
    notice: Failure | None = None
    # Only where every event was refused: then the answer is a problem document as well.
    type: str | None = None
    title: str | None = None
    status: int | None = None
    code: str | None = None
    detail: str | None = None
    field: str | None = None
    instance: str | None = None


class HoldPageAnswer(msgspec.Struct):
    """Some holds, and where the list goes on."""

    data: list[HoldAnswer]
    next_cursor: str | None


HOLD_SCHEMAS = schemas_of(
    HoldIn, SettleIn, ReleaseBody, ExtendBody, DoubtBody,
    NewHoldAnswer, HoldAnswer, CheckAnswer, EstimateAnswer, SettledAnswer, HoldPageAnswer,
)  # fmt: skip
"""Schemas of all these bodies; the OpenAPI document takes them in."""


def hold_answer(customer: str, hold: Hold) -> HoldAnswer:
    """The hold, as it's shown."""
    return HoldAnswer(**_shown(customer, hold))


def new_hold_answer(allowed: Allowed) -> NewHoldAnswer:
    """The hold of an operation that may begin."""
    return NewHoldAnswer(
        **_shown(allowed.customer, allowed.hold),
        available=plain(allowed.available),
        limits=_limits(allowed.limits),
        warnings=_warnings(allowed.warnings),
    )


def _shown(customer: str, hold: Hold) -> dict[str, Any]:
    return {
        "id": hold.hold_id,
        "customer": customer,
        "meter": hold.meter,
        "member": hold.member,
        "state": str(hold.state),
        "quantity": plain(hold.quantity),
        "amount": plain(hold.amount),
        "unit": hold.unit,
        "from_wallet": plain(hold.from_wallet),
        "expires_at": hold.expires_at,
        "created_at": hold.created_at,
        "ended_at": hold.ended_at,
        "charged": None if hold.charged is None else plain(hold.charged),
        "events": hold.events,
        "note": hold.note,
    }


def check_answer(allowed: Allowed) -> CheckAnswer:
    """That an operation may begin."""
    hold = allowed.hold
    limits, warnings = _limits(allowed.limits), _warnings(allowed.warnings)
    return CheckAnswer(True, plain(hold.amount), hold.unit, plain(allowed.available), limits, warnings)


def settled_answer(settled: Settled) -> SettledAnswer:
    """What came of a settlement."""
    return SettledAnswer(
        hold=hold_answer(settled.customer, settled.hold),
        accepted=settled.count(Status.ACCEPTED),
        duplicates=settled.count(Status.DUPLICATE),
        conflicts=settled.count(Status.CONFLICT),
        rejected=settled.count(Status.REJECTED),
        results=settled.results,
        notice=settled.notice,
    )


def _limits(states: Sequence[LimitState]) -> list[HoldLimitAnswer]:
    """Those that are switched on; the others go on counting, but stop nothing."""
    return [
        HoldLimitAnswer(
            limit=state.limit.key,
            member=state.member or None,
            per=state.limit.per.value,
            window=WindowAnswer(state.window.start, state.window.end),
            used=plain(state.used),
            held=plain(state.held),
            cap=plain(state.cap),
            remaining=plain(state.remaining),
            mode=state.limit.mode.value,
        )
        for state in states
        if state.limit.enabled
    ]


def _warnings(found: Sequence[Exceeded]) -> list[WarningAnswer]:
    return [
        WarningAnswer(
            code="limit_exceeded",
            detail=(
                f"The operation goes beyond the limit {one.name!r}, which only warns: {grouped(one.used)} used, "
                f"{grouped(one.held)} held and {grouped(one.needed)} more are over {grouped(one.cap)}."
            ),
            limit=one.limit,
            member=one.member or None,
            per=one.per.value,
            window=WindowAnswer(one.window.start, one.window.end),
            used=plain(one.used),
            held=plain(one.held),
            cap=plain(one.cap),
            needed=plain(one.needed),
        )
        for one in found
    ]
