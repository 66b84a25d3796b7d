"""What an operation's end says to Tollkeeper: of one that ends in order, and of one whose process has died."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tollkeeper.client.spool import NotedCall, OpenOperation, Spool

_log = logging.getLogger("tollkeeper")

BILLED = frozenset({"billed", "streaming"})
"""Calls that count: answered, or with a part of their answer, whose usage is then estimated."""

EntryOf = tuple[str, str, str, dict[str, Any]]
"""Kind, customer, id and body of an entry."""


def ending(
    event: Mapping[str, Any],
    hold: str,
    calls: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    failed: bool,
    why: str,
    ask: Mapping[str, Any] | None,
    watched: bool = False,
) -> EntryOf:
    """What to send for an operation with these calls, as (state, call). `ask`: the hold, if it may still be on its way.
    `watched`: it would have seen calls, so that none seen means none made.

    Usage that happened is booked, also if the operation failed after it. A failed one that used nothing is released; if
    a call's end isn't known, the hold stays in doubt, unless its quantity is 0: then nothing was delivered, however the
    call ended, and the customer's value is free at once.
    """
    used = [dict(call) for state, call in calls if state in BILLED]
    customer = event["customer"]
    if used or not failed:
        told = used if used or (watched and not calls) else None
        body = {"hold": hold, "settlement": {"events": [{**event, "calls": told}]}, "ask": ask}
        return "settle", customer, event["id"], body
    delivered = Decimal(str(event["quantity"])) != 0
    return "doubt" if calls and delivered else "release", customer, hold, {"note": why, "ask": ask}


def event_of(event: Mapping[str, Any], call: Mapping[str, Any]) -> EntryOf:
    """What to send for a call that is an event of its own."""
    return "event", event["customer"], event["id"], {**event, "calls": [dict(call)]}


def take_over(spool: Spool) -> int:
    """End the operations that dead processes have left open; how many there were."""
    found = 0
    for slot in spool.dead():
        with spool.together():
            if not spool.changed("leave", slot=slot):
                continue  # another process was faster
            operations = spool.operations_of(slot)
            for operation in operations:
                _end(spool, operation)
            for call in spool.lone_calls_of(slot):
                _book(spool, call)
        found += len(operations)
    return found


def _end(spool: Spool, operation: OpenOperation) -> None:
    calls = [(call.state, call.call) for call in spool.calls_of(operation.operation)]
    event, why = operation.event, "The process that ran it has died."
    entry = ending(event, operation.hold, calls, failed=True, why=why, ask=operation.ask)
    spool.put(operation.target, *entry)
    told = "[tollkeeper] Took over operation %s of %s, whose process has died: %s with %s provider call(s)."
    _log.warning(told, event["id"], event["customer"], entry[0], len(calls))
    spool.write("close_operation", operation=operation.operation)
    spool.write("forget_calls", operation=operation.operation)


def _book(spool: Spool, noted: NotedCall) -> None:
    if noted.event is not None and noted.state in BILLED:
        spool.put(noted.target, *event_of(noted.event, noted.call))
    spool.write("drop_call", row=noted.row)
