"""How `tollkeeper hold` shows holds, and what came of asking for one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from tollkeeper.cli.output import Amount, print_line, show_fields, show_json, show_table
from tollkeeper.events import Status
from tollkeeper.gate import Allowed, Hold, HoldOf, Settled
from tollkeeper.limits import Exceeded, LimitState
from tollkeeper.money import amount_in_words, grouped, subtract

_COUNTED = {
    "accepted": Status.ACCEPTED,
    "duplicates": Status.DUPLICATE,
    "conflicts": Status.CONFLICT,
    "rejected": Status.REJECTED,
}
_AMOUNTS = ("amount", "from_wallet", "charged")


def public(customer: str, hold: Hold) -> dict[str, Any]:
    """The hold as the API shows it."""
    return {
        "id": hold.hold_id,
        "customer": customer,
        "meter": hold.meter,
        "member": hold.member,
        "state": str(hold.state),
        "quantity": hold.quantity,
        "amount": hold.amount,
        "unit": hold.unit,
        "from_wallet": hold.from_wallet,
        "expires_at": hold.expires_at,
        "created_at": hold.created_at,
        "ended_at": hold.ended_at,
        "charged": hold.charged,
        "events": hold.events,
        "note": hold.note,
    }


def show_hold(customer: str, hold: Hold, *, as_json: bool) -> None:
    """Print one hold."""
    if as_json:
        show_json(public(customer, hold))
    else:
        show_fields(_fields(customer, hold))


def _fields(customer: str, hold: Hold) -> dict[str, object]:
    found: dict[str, Any] = public(customer, hold) | {"events": hold.events or None}
    amounts = {name: Amount(found[name], hold.unit) for name in _AMOUNTS}
    return {name.replace("_", " "): value for name, value in (found | amounts).items()}


def show_holds(holds: Sequence[HoldOf]) -> None:
    """Print holds as a table."""
    show_table(
        ["CREATED", "ID", "CUSTOMER", "METER", "STATE", "QUANTITY", "AMOUNT", "CHARGED", "UNIT", "EXPIRES", "MEMBER"],
        [
            (h.created_at, h.hold_id, h.customer, h.meter, h.state, h.quantity, Amount(h.amount, h.unit),
             Amount(h.charged, h.unit), h.unit, h.expires_at, h.member)
            for h in holds
        ],
        empty="No holds.",
    )  # fmt: skip


def show_allowed(allowed: Allowed, *, as_json: bool) -> None:
    """Print the hold of an operation that may begin."""
    if as_json:
        show_json(public(allowed.customer, allowed.hold) | _beside(allowed))
        return
    if not allowed.new:
        print_line("It was held before; nothing was done.")
    available = Amount(allowed.available, allowed.hold.unit)
    show_fields(_fields(allowed.customer, allowed.hold) | {"available": available})
    _show_beside(allowed)


def show_checked(allowed: Allowed, *, as_json: bool) -> None:
    """Print that an operation may begin, at this moment."""
    hold = allowed.hold
    if as_json:
        show_json({"allowed": True, "amount": hold.amount, "unit": hold.unit} | _beside(allowed))
        return
    print_line(f"It may begin: {_would_take(hold, allowed.available)}.")
    _show_beside(allowed)


def _would_take(hold: Hold, available: Decimal) -> str:
    """What the operation would come to, and who'd pay: without enough in the wallet, the rest may be owed."""
    if not hold.amount:
        return "it would cost nothing"
    owed = subtract(hold.amount, hold.from_wallet)
    amount, from_wallet, rest = (amount_in_words(one, hold.unit) for one in (hold.amount, hold.from_wallet, owed))
    if owed <= 0:
        return f"it would take {amount}, and {amount_in_words(available, hold.unit)} are available"
    if not hold.from_wallet:
        return f"{amount} would be owed"
    return f"it would take {from_wallet} from the wallet, and {rest} would be owed"


def show_settled(settled: Settled, *, as_json: bool) -> None:
    """Print what came of a settlement."""
    if as_json:
        counts = {name: settled.count(status) for name, status in _COUNTED.items()}
        notice = {} if settled.notice is None else {"notice": msgspec.to_builtins(settled.notice)}
        results = {"results": msgspec.to_builtins(settled.results)}
        show_json({"hold": public(settled.customer, settled.hold)} | counts | results | notice)
        return
    if settled.notice is not None:
        print_line(settled.notice.detail)
    show_fields(_fields(settled.customer, settled.hold))
    print_line("")
    show_table(
        ["EVENT", "STATUS", "CHARGE", "UNIT", "REASON"],
        [
            (each.id, each.status, Amount(None if each.charge is None else Decimal(each.charge), each.unit), each.unit,
             each.error and each.error.detail)
            for each in settled.results
        ],
    )  # fmt: skip


def _beside(allowed: Allowed) -> dict[str, Any]:
    return {
        "available": allowed.available,
        "limits": [_limit(state) for state in allowed.limits],
        "warnings": [_warning(one) for one in allowed.warnings],
    }


def _show_beside(allowed: Allowed) -> None:
    for one in allowed.warnings:
        print_line(f"warning: {_goes_beyond(one)}")
    if allowed.limits:
        print_line("")
        show_table(
            ["LIMIT", "PER", "MEMBER", "USED", "HELD", "CAP", "REMAINING", "MODE"],
            [
                (s.limit.key, s.limit.per.value.replace("_", " "), s.member,
                 *(Amount(value, s.limit.unit) for value in (s.used, s.held, s.cap, s.remaining)), s.limit.mode)
                for s in allowed.limits
            ],
        )  # fmt: skip


def _limit(state: LimitState) -> dict[str, Any]:
    return {
        "limit": state.limit.key,
        "member": state.member or None,
        "per": state.limit.per,
        "window": state.window,
        **{name: getattr(state, name) for name in ("used", "held", "cap", "remaining")},
        "mode": state.limit.mode,
    }


def _warning(one: Exceeded) -> dict[str, Any]:
    return {
        "code": "limit_exceeded",
        "detail": _goes_beyond(one),
        "limit": one.limit,
        "member": one.member or None,
        "per": one.per,
        "window": one.window,
        **{name: getattr(one, name) for name in ("used", "held", "cap", "needed")},
    }


def _goes_beyond(one: Exceeded) -> str:
    used, held, needed, cap = (
        grouped(number) if one.unit is None else amount_in_words(number, one.unit)
        for number in (one.used, one.held, one.needed, one.cap)
    )
    return (
        f"The operation goes beyond the limit {one.name!r}, which only warns: {used} used, {held} held and {needed} "
        f"more are over {cap}."
    )
