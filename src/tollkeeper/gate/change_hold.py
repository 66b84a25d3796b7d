"""Release, extend, doubt: what else can happen to a hold before it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from tollkeeper.customers import customer_id_of
from tollkeeper.customers.model import check_text, is_key
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput, NotFound, TollError
from tollkeeper.gate.desk import Desk
from tollkeeper.gate.holds import MOST_SECONDS, Hold, HoldKey, HoldState, hold_ended, unknown_hold
from tollkeeper.gate.till import Tills
from tollkeeper.wallets import NOTE_LENGTH


class Verb(StrEnum):
    """What is to be done with a hold."""

    RELEASE = "release"
    """The operation failed, or was never begun: everything is freed, and it costs nothing."""
    EXTEND = "extend"
    """It takes longer."""
    DOUBT = "doubt"
    """Nobody knows whether it happened."""


@dataclass(frozen=True, slots=True)
class ChangeIn:
    """One request to do something with a hold."""

    verb: Verb
    customer: str
    hold_id: str
    seconds: int | None = None
    """How long it's to last from now on."""
    note: str | None = None

    @property
    def key(self) -> HoldKey:
        """The hold that is meant."""
        return str(customer_id_of(self.customer)), self.hold_id


@dataclass(frozen=True, slots=True)
class Changed:
    """The hold as it stands now."""

    customer: str
    hold: Hold


async def change_holds(tx: Tx, desk: Desk, changes: Sequence[ChangeIn], *, tills: Tills) -> list[Changed | TollError]:
    """The answer to each request, in their order."""
    usable = [one for one in changes if is_key(one.customer)]
    await tills.lock(tx, sorted({one.key[0] for one in usable}), {one.key for one in usable})
    catalog, people = await desk.open(tx, tills, {one.customer for one in usable})
    await tills.admit(tx, desk.standings_of(catalog, people, tills.now), all_of_them=False)
    await tills.expire_due(tx, also_named=True)
    answers = [_change(one, tills, one.customer in people.customers) for one in changes]
    await tills.count(tx, [])
    await tills.write(tx)
    return answers


def _change(one: ChangeIn, tills: Tills, known: bool) -> Changed | TollError:
    if not known:
        return NotFound("unknown_customer", f"There is no customer {one.customer!r}.", field="customer")
    hold = tills.holds.get(one.key)
    if hold is None:
        return unknown_hold(one.hold_id)
    if one.note is not None:
        try:
            check_text(one.note, "note", NOTE_LENGTH)
        except InvalidInput as fault:
            return fault
    if hold.ended:
        # What is to be free is free already.
        fine = one.verb is Verb.RELEASE and hold.state != HoldState.SETTLED
        return Changed(one.customer, hold) if fine else hold_ended(hold)
    if one.seconds is not None and not 0 < one.seconds <= MOST_SECONDS:
        return InvalidInput("invalid_expiry", f"A hold lasts from 1 to {MOST_SECONDS} seconds.", field="expires_in")
    hold.note = one.note if one.note is not None else hold.note
    if one.verb is Verb.RELEASE:
        tills.end(hold, HoldState.RELEASED)
        return Changed(one.customer, hold)
    if one.seconds is not None:
        hold.expires_at = tills.now + timedelta(seconds=one.seconds)
    if one.verb is Verb.DOUBT:
        hold.state = HoldState.IN_DOUBT
    tills.written[hold.key] = hold
    return Changed(one.customer, hold)
