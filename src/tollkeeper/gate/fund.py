"""Funding: where the money for recorded charges comes from: the event's hold, then the wallet, then the receivable.

The ledger's usage postings book each charge to the receivable in full; what a wallet pays is posted from there. Usage
that happened is never refused here: what neither hold nor wallet covers simply stays receivable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from tollkeeper.catalog import Overage
from tollkeeper.db import Tx
from tollkeeper.gate.holds import Hold, HoldKey, HoldState
from tollkeeper.gate.model import Fact, FactKey
from tollkeeper.gate.till import Till, Tills
from tollkeeper.limits import Draw, draws_of
from tollkeeper.money import ZERO, add, subtract
from tollkeeper.wallets import Cover, GiveBack, Purse, ask_burned, burn, complete, give_back, payable


async def fund(tx: Tx, tills: Tills, facts: Sequence[Fact]) -> None:
    """Settle the holds that the facts name, let wallets pay, and count against limits. After rating, before booking."""
    ours = [fact for fact in facts if tills.get(fact.customer_id) is not None]
    by_hold: dict[HoldKey, list[Fact]] = {}
    for fact in ours:
        if fact.event.hold is not None:
            by_hold.setdefault((fact.customer_id, fact.event.hold), []).append(fact)
    await _prepare(tx, tills, ours)
    # What comes back first can pay for what is charged instead; what is charged here can't come back before.
    here = {fact.key for fact in ours}
    await _give_back(tx, tills, ours, lambda fact: bool(fact.event.corrects) and _corrected(fact) not in here)
    # Holds then: nobody else may take what they have reserved.
    for key, theirs in by_hold.items():
        _settle(tills, tills.holds[key], theirs)
    for fact in ours:
        if fact.event.hold is None:
            _pay(tills, fact, None, None)
    await _give_back(tx, tills, ours, lambda fact: not fact.event.corrects or _corrected(fact) in here)
    await _count(tx, tills, ours)


async def _prepare(tx: Tx, tills: Tills, facts: Iterable[Fact]) -> None:
    """Have the wallets at hand that will be asked to pay, with enough of their grants."""
    needs: dict[tuple[str, str], Decimal] = {}
    for fact in facts:
        if fact.charge and fact.rule.unit is not None:
            key = fact.customer_id, fact.rule.unit
            needs[key] = add(needs.get(key, ZERO), max(fact.charge, ZERO))
    await tills.open_purses(
        tx,
        [
            (till, unit)
            for customer_id, unit in needs
            if (till := tills.get(customer_id)) is not None and till.stands.source(unit).credit_ceiling is not None
        ],
    )
    asked: list[tuple[Purse, Decimal]] = []
    for (customer_id, unit), need in needs.items():
        till = tills.get(customer_id)
        if till is not None and need and unit in till.purses:
            asked.append((till.purses[unit], need))
    await complete(tx, asked)


def _settle(tills: Tills, hold: Hold, facts: Sequence[Fact]) -> None:
    """End the hold, and charge its events against what it has reserved. One that has ended before stays as it is."""
    reserved: Decimal | None = None
    if not hold.ended:
        reserved = hold.from_wallet
        tills.end(hold, HoldState.EXPIRED if hold.key in tills.estimated else HoldState.SETTLED)
        hold.charged = ZERO
    for fact in facts:
        reserved = _pay(tills, fact, hold, reserved)
        if reserved is not None and fact.rule.unit == hold.unit:
            hold.charged = add(hold.charged or ZERO, fact.charge or ZERO)
    if reserved is not None:
        hold.events = [fact.event.id for fact in facts]


def end_unreserved(tills: Tills, repeated: Mapping[HoldKey, Sequence[str]], facts: Sequence[Fact]) -> None:
    """End the holds for whose events nothing is to be reserved any more.

    They turn out to be recorded already; or the estimate of a hold in doubt can't be booked, and is in quarantine.
    """
    booked = {(fact.customer_id, fact.event.hold) for fact in facts}
    for key, events in repeated.items():
        hold = tills.holds.get(key)
        if hold is not None and not hold.ended and key not in booked:
            tills.end(hold, HoldState.EXPIRED if key in tills.estimated else HoldState.SETTLED)
            hold.charged, hold.events = ZERO, [*events]
    for key in tills.estimated - booked:
        hold = tills.holds[key]
        if not hold.ended:
            tills.end(hold, HoldState.EXPIRED)


def _pay(tills: Tills, fact: Fact, hold: Hold | None, reserved: Decimal | None) -> Decimal | None:
    """Let the wallet pay what it may of one charge; what is left of the hold's reserved part."""
    unit, charge = fact.rule.unit, fact.charge
    till = tills.get(fact.customer_id)
    if till is None or till.standing is None or unit is None or not charge or charge < 0:
        return reserved
    purse = till.purses.get(unit)
    source = till.standing.source(unit)
    paid = ZERO
    if purse is not None:
        within = reserved is not None and hold is not None and hold.unit == unit
        since = hold.created_at if hold is not None and reserved is not None else tills.now
        free = min(purse.wallet.available, payable(purse, since))
        most = reserved if within and reserved is not None and source.settle_overage is Overage.RECEIVABLE else free
        paid = max(ZERO, min(charge, free, most))
        if paid:
            cover = Cover(purse.wallet, fact.event.id, paid, since, fact.event.corrects)
            burn(purse, [cover], tills.changes)
        if within and reserved is not None:
            reserved = max(ZERO, subtract(reserved, paid))
    _owe(tills, till, unit, subtract(charge, paid))
    return reserved


def _corrected(fact: Fact) -> FactKey:
    """The event that a correction corrects."""
    return fact.customer_id, fact.event.corrects or ""


def _owe(tills: Tills, till: Till, unit: str, change: Decimal) -> None:
    """Note a change of the receivable, where a ceiling must hold."""
    if change and till.standing is not None and till.standing.source(unit).credit_ceiling is not None:
        wallet = till.purses[unit].wallet
        wallet.owed = add(wallet.owed, change)
        tills.changes.touch(wallet)


async def _give_back(tx: Tx, tills: Tills, facts: Sequence[Fact], which: Callable[[Fact], bool]) -> None:
    """Charges that are taken back: first off what is owed for the event, then to the grants that paid for it."""
    back = [fact for fact in facts if fact.charge is not None and fact.charge < 0 and fact.rule.unit is not None]
    negative = [fact for fact in back if which(fact)]
    if not negative:
        return
    keys = {(fact.customer_id, fact.event.corrects) for fact in negative if fact.event.corrects is not None}
    burned = await ask_burned(tx, keys)
    nets = {fact.key: fact.charge or ZERO for fact in facts if fact.event.corrects is None}
    for fact in facts:
        if fact.event.corrects is not None and fact.charge is not None and fact.charge > 0:
            nets[_corrected(fact)] = add(nets.get(_corrected(fact), fact.charged_before), fact.charge)
    for fact in negative:
        till, unit = tills.get(fact.customer_id), fact.rule.unit
        if till is None or unit is None or fact.charge is None:
            continue
        back, owed = -fact.charge, ZERO
        if fact.event.corrects is not None:
            key = fact.customer_id, fact.event.corrects
            net = nets.setdefault(key, fact.charged_before)
            owed = max(ZERO, subtract(net, burned.paid_for(key, tills.changes)))
            nets[key] = subtract(net, back)
        rest = subtract(back, min(back, owed))
        purse = till.purses.get(unit)
        if purse is not None and rest:
            await burned.complete(tx, purse, rest, fact.event.corrects, tills.changes)
            rest = give_back(
                purse, [GiveBack(purse.wallet, fact.event.id, rest, fact.event.corrects)], burned, tills.changes
            )
        _owe(tills, till, unit, -add(min(back, owed), rest))


async def _count(tx: Tx, tills: Tills, facts: Sequence[Fact]) -> None:
    """Count against the customers' limits."""
    draws = [draw for fact in facts for draw in _draws(tills, fact)]
    await tills.count(tx, draws)
    for draw in draws:
        tills.counters.use(draw)


def _draws(tills: Tills, fact: Fact) -> list[Draw]:
    till = tills.get(fact.customer_id)
    if till is None or till.standing is None or not till.standing.limits:
        return []
    return draws_of(
        fact.customer_id,
        fact.lane.zone,
        till.standing.limits,
        meter=fact.event.meter,
        unit=fact.rule.unit,
        member=fact.member,
        quantity=fact.billed,
        charge=fact.charge,
        at=fact.time,
    )
