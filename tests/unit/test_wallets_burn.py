"""Burning, giving back, voiding, expiring: what each does to grants, balance, burns and postings."""

from __future__ import annotations

from decimal import Decimal
from functools import cmp_to_key

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st
from tests.unit.purses import (
    CUSTOMER,
    START,
    advanced,
    changes_at,
    check,
    check_changes,
    day,
    given,
    history,
    hold,
    kinds,
    new_purse,
    plain_grant,
    spend,
)

from tollkeeper.errors import Conflict
from tollkeeper.money import sum_of
from tollkeeper.wallets import Burned, Cover, GiveBack, Grant, Purse, Wallet, burn, give_back, lapse, payable, void

D = Decimal


def purse_of(grants: list[Grant], held: str = "0") -> Purse:
    balance = sum_of(grant.remaining for grant in grants if grant.begun)
    purse = Purse(Wallet(CUSTOMER, "USD", balance, D(held), D(0), D(0), START, None), made={})
    purse.take_in(grants, complete=True)
    return purse


grants_of_any_kind = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.one_of(st.none(), st.integers(5, 8)),
        st.integers(-3, 0),
        st.integers(1, 500),
    ),
    min_size=1,
    max_size=8,
)


def earlier(left: Grant, right: Grant) -> int:
    """The burn order in words of its own: -1 where `left` pays first."""
    if left.priority != right.priority:
        return -1 if left.priority < right.priority else 1
    if left.expires_at != right.expires_at:
        if left.expires_at is None or right.expires_at is None:
            return 1 if left.expires_at is None else -1
        return -1 if left.expires_at < right.expires_at else 1
    if left.created_at != right.created_at:
        return -1 if left.created_at < right.created_at else 1
    return -1 if left.grant_id.bytes < right.grant_id.bytes else 1


@for_all(grants_of_any_kind, st.lists(st.integers(1, 400), min_size=1, max_size=6), st.randoms())
def test_grants_are_burned_in_a_total_order_and_to_the_last_part(
    made: list[tuple[int, int | None, int, int]], amounts: list[int], random: object
) -> None:
    grants = [
        plain_grant(i, priority=p, expires_at=None if e is None else day(e), created_at=day(c), amount=D(a).scaleb(-12))
        for i, (p, e, c, a) in enumerate(made)
    ]
    random.shuffle(grants)  # type: ignore[attr-defined]
    purse, changes = purse_of(grants), changes_at(day(1))
    paid = D(0)
    for number, amount in enumerate(amounts):
        part = min(D(amount).scaleb(-12), payable(purse, day(1)))
        if part:
            burn(purse, [Cover(purse.wallet, f"e{number}", part, day(1))], changes)
            paid += part
    # Whoever stands earlier is empty before a later one loses anything.
    in_order = sorted(grants, key=cmp_to_key(earlier))
    started = [grant for grant in in_order if grant.spent]
    assert started == in_order[: len(started)]
    assert all(not grant.remaining for grant in started[:-1])
    assert sum_of(grant.spent for grant in grants) == paid
    assert sum_of(burned.amount for burned in changes.burns.values()) == paid
    assert len({(burned.event_id, burned.grant_id) for burned in changes.burns.values()}) == len(changes.burns)
    check(purse, grants)


def test_an_event_takes_once_from_each_grant() -> None:
    first, second = plain_grant(1, amount=D(3), expires_at=day(9)), plain_grant(2, amount=D(5))
    purse, changes = purse_of([first, second]), changes_at(day(1))
    burn(purse, [Cover(purse.wallet, "e", D(2), day(0)), Cover(purse.wallet, "e", D(4), day(1))], changes)
    assert {b.grant_id: b.amount for b in changes.burns.values()} == {first.grant_id: 3, second.grant_id: 3}
    assert kinds(changes) == [("spent", "-3"), ("spent", "-3")]
    [posting] = changes._usage_postings(list(changes.burns.values()))
    assert (posting.kind, posting.debit, posting.credit) == ("grant_spent", "wallet", "receivable")
    assert (posting.amount, posting.events) == (6, 1)


def test_what_is_not_payable_is_refused() -> None:
    purse, changes = purse_of([plain_grant(1, amount=D(3))]), changes_at(day(1))
    with pytest.raises(ValueError, match="can't pay 1 of event 'e'"):
        spend(purse, "4", changes)


def test_grants_that_have_not_begun_or_have_ended_pay_nothing() -> None:
    grants = [
        plain_grant(1, begun=False, effective_at=day(5)),
        plain_grant(2, expires_at=day(2)),
        plain_grant(3, voided_at=day(2), voided_by="ann"),
        plain_grant(4),
    ]
    purse = purse_of(grants)
    assert payable(purse, day(3)) == 1
    # Operations that began before may still be paid by what ended.
    assert payable(purse, day(1)) == 3
    # An expiry is the first instant at which a grant is over; at a void's own instant holds may have begun.
    assert payable(purse, day(2)) == 2


def test_a_purse_with_unloaded_grants_burns_only_what_surely_comes_first() -> None:
    loaded = [plain_grant(i, priority=10, amount=D(5)) for i in (1, 2)]
    purse = Purse(Wallet(CUSTOMER, "USD", D(100), D(0), D(0), D(0), START, None))
    purse.take_in(sorted(loaded, key=lambda one: one.place), complete=False)
    assert purse.affords(D(10))
    assert not purse.affords(D("10.01"))
    changes = changes_at(day(1))
    last = given(purse, "50", changes, priority=90)
    assert not purse.affords(D(11))  # The new one stands behind grants that nobody has seen.
    first = given(purse, "7", changes, priority=1)
    assert purse.affords(D(17))
    spend(purse, "17", changes)
    assert (first.remaining, last.remaining) == (0, 50)


def test_expiry_leaves_what_holds_need_until_they_end() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    grant = given(purse, "10", changes, expires_at=day(2))
    hold(purse, "4")
    late = advanced(purse, day(3))
    assert history(late) == [("expired", "-6", "4", day(2))]
    assert (grant.remaining, grant.expired) == (4, 6)
    assert purse.wallet.available == 0
    assert purse.due(day(3))
    # The hold began before the expiry, so its value is payable; it uses one of four.
    assert payable(purse, day(1)) == 4
    assert payable(purse, day(2)) == 0
    settled = changes_at(day(4))
    hold(purse, "-4")
    spend(purse, "1", settled, since=day(1))
    lapse(purse, settled)
    assert history(settled) == [("spent", "-1", "3", day(4)), ("expired", "-3", "0", day(4))]
    check(purse, [grant])
    check_changes(purse, [grant], [changes, late, settled])
    idle = advanced(purse, day(5))
    assert (history(idle), purse.wallet.next_change_at) == ([], None)


def test_new_value_frees_what_holds_had_kept() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    old = given(purse, "5", changes, expires_at=day(2))
    hold(purse, "5")
    advanced(purse, day(2))
    assert old.remaining == 5
    more = changes_at(day(3))
    new = given(purse, "5", more)
    assert kinds(more) == [("granted", "5"), ("expired", "-5")]
    assert (old.remaining, new.remaining, purse.wallet.available) == (0, 5, 0)
    assert payable(purse, day(1)) == 5


def test_void_takes_back_what_is_neither_spent_nor_held() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    grant = given(purse, "10", changes, note="welcome")
    spend(purse, "2", changes)
    hold(purse, "3")
    voided = changes_at(day(1))
    void(purse, grant, voided, note="a mistake")
    assert history(voided) == [("voided", "-5", "3", day(1))]
    assert (grant.voided_at, grant.voided_by, grant.note) == (day(1), "test", "welcome\na mistake")
    assert payable(purse, day(0.5)) == 3
    assert payable(purse, day(2)) == 0
    again = changes_at(day(2))
    void(purse, grant, again, note="twice")
    assert not again
    assert grant.note == "welcome\na mistake"
    hold(purse, "-3")
    rest = advanced(purse, day(3))
    assert history(rest) == [("voided", "-3", "0", day(3))]
    [posting] = rest.postings
    assert (posting.kind, posting.debit, posting.credit, posting.amount) == ("grant_voided", "wallet", "cash", 3)
    check_changes(purse, [grant], [changes, voided, again, rest])


@pytest.mark.parametrize("kind", ["promotional", "compensation"])
def test_what_was_given_away_can_be_voided_but_not_refunded(kind: str) -> None:
    purse, changes = new_purse(), changes_at(day(0))
    grant = given(purse, "10", changes, kind=kind)
    [made] = changes.postings
    assert (made.kind, made.debit, made.credit) == ("grant_given", "promotional", "wallet")
    with pytest.raises(Conflict) as refused:
        void(purse, grant, changes_at(day(1)), refund=True)
    assert refused.value.code == "not_refundable"
    assert grant.remaining == 10
    voided = changes_at(day(1))
    void(purse, grant, voided)
    assert [(p.kind, p.debit, p.credit) for p in voided.postings] == [("grant_voided", "wallet", "promotional")]


def test_refunds_go_to_cash_and_scheduled_grants_never_count() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    paid = given(purse, "10", changes)
    later = given(purse, "20", changes, effective_at=day(5), expires_at=day(9))
    assert (purse.wallet.balance, purse.wallet.next_change_at) == (10, day(5))
    refunded = changes_at(day(1))
    void(purse, paid, refunded, refund=True)
    void(purse, later, refunded)
    assert kinds(refunded) == [("refunded", "-10")]
    assert [(p.kind, p.credit, p.amount) for p in refunded.postings] == [
        ("grant_refunded", "cash", 10),
        ("grant_voided", "cash", 20),
    ]
    gone = advanced(purse, day(6))
    check(purse, [paid, later])
    check_changes(purse, [paid, later], [changes, refunded, gone])


def burned_of(purse: Purse, changes: object) -> Burned:
    """What was loaded of earlier transactions: nothing; all that happened is in `changes`."""
    return Burned()


def returned(purse: Purse, amount: str, changes: object, event: str, corrects: str | None) -> Decimal:
    one = GiveBack(purse.wallet, event, D(amount), corrects)
    return give_back(purse, [one], burned_of(purse, changes), changes)  # type: ignore[arg-type]


def test_a_correction_gives_back_in_reverse_burn_order() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    first, second = given(purse, "3", changes, expires_at=day(9)), given(purse, "9", changes)
    spend(purse, "5", changes, "e")
    spend(purse, "4", changes, "later")
    assert returned(purse, "1.5", changes, "c1", "e") == 0
    assert (first.spent, second.spent) == (3, D("4.5"))
    assert returned(purse, "2", changes, "c2", "e") == 0
    # Of what `e` took from the second only 0.5 was left to give back.
    assert (first.spent, second.spent) == (D("1.5"), 4)
    assert Burned().paid_for((CUSTOMER, "e"), changes) == D("1.5")
    check(purse, [first, second])
    check_changes(purse, [first, second], [changes])


def test_what_no_grant_can_take_back_is_left_over() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    grant = given(purse, "3", changes)
    spend(purse, "2", changes, "e")
    spend(purse, "1", changes, "f")
    # `e` took two; one more goes to what was burned most recently, and the rest to nobody.
    assert returned(purse, "5", changes, "c", "e") == 2
    assert (grant.spent, grant.remaining) == (0, 3)


def test_a_step_down_goes_to_the_grants_burned_most_recently() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    first, second = given(purse, "3", changes, priority=1), given(purse, "3", changes, priority=2)
    spend(purse, "4", changes, "e")
    assert returned(purse, "2", changes, "step", None) == 0
    assert (first.spent, second.spent) == (2, 0)
    assert kinds(changes)[-2:] == [("returned", "1"), ("returned", "1")]


def test_an_ended_grant_gets_it_back_and_lapses_at_once() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    grant = given(purse, "3", changes, expires_at=day(2))
    spend(purse, "3", changes, "e")
    late = changes_at(day(4))
    loaded = Burned({(CUSTOMER, "e"): {grant.grant_id: D(3)}}, {grant.grant_id: grant})
    rest = give_back(purse, [GiveBack(purse.wallet, "c", D(2), "e")], loaded, late)
    assert rest == 0
    assert history(late) == [("returned", "2", "2", day(4)), ("expired", "-2", "0", day(4))]
    assert (grant.spent, grant.expired) == (1, 2)
    check_changes(purse, [grant], [changes, late])


def test_what_comes_back_frees_what_a_hold_had_kept_of_a_voided_grant() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    kept, gone = given(purse, "3", changes, priority=1), given(purse, "2", changes, priority=2)
    spend(purse, "1", changes, "e")
    hold(purse, "3")
    void(purse, gone, changes_at(day(1)))
    assert (gone.remaining, gone.voided) == (1, 1)
    late = changes_at(day(2))
    loaded = Burned({(CUSTOMER, "e"): {kept.grant_id: D(1)}}, {kept.grant_id: kept})
    assert give_back(purse, [GiveBack(purse.wallet, "c", D("0.75"), "e")], loaded, late) == 0
    assert (gone.remaining, gone.voided, purse.wallet.available) == (D("0.25"), D("1.75"), 0)
    check(purse, [kept, gone])


def test_entries_keep_their_order_where_the_clock_does_not() -> None:
    purse, first = new_purse(), changes_at(day(1))
    given(purse, "3", first)
    second = changes_at(day(0))
    given(purse, "2", second)
    third = changes_at(day(1))
    spend(purse, "1", third, "a", since=day(0))
    spend(purse, "1", third, "b", since=day(0))
    at = [entry.at for each in (first, second, third) for entry in each.entries]
    assert at == sorted(set(at))
    # Spending of one grant in one transaction is one entry; the burns tell the events apart.
    assert kinds(third) == [("spent", "-2")]
    assert len(third.burns) == 2
