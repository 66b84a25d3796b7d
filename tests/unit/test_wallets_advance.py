"""What begins, expires, recurs and rolls over: at its exact instant, in order, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from tests.unit.purses import (
    CUSTOMER,
    DAY,
    START,
    advanced,
    changes_at,
    check_changes,
    day,
    given,
    history,
    hold,
    kinds,
    new_purse,
    plain_grant,
    recurring,
    spend,
)

from tollkeeper.clock import Period
from tollkeeper.money import ZERO
from tollkeeper.wallets import GrantState, Purse, Wallet, advance, open_purse, payable, void
from tollkeeper.wallets.advance import MOST_PERIODS


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(purse: Purse) -> list[datetime]:
    return [one.effective_at for one in sorted(purse.grants, key=lambda one: one.effective_at)]


def test_grants_begin_and_expire_at_their_instants_however_late_that_is_noticed() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    grant = given(purse, "5", changes, effective_at=day(2), expires_at=day(4))
    assert (purse.wallet.balance, purse.wallet.next_change_at) == (0, day(2))
    assert [grant.state(day(n)) for n in (1, 2, 3, 4)] == ["scheduled", "active", "active", "ended"]
    # The ledger has it from the first: it was bought.
    assert [(p.kind, p.amount, p.service_from) for p in changes.postings] == [("grant_paid", 5, day(0))]
    late = advanced(purse, day(30))
    assert history(late) == [("granted", "5", "5", day(2)), ("expired", "-5", "0", day(4))]
    assert (purse.wallet.last_at, purse.wallet.next_change_at) == (day(4), None)
    assert not advanced(purse, day(31))


def test_nothing_is_due_before_its_instant() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    given(purse, "5", changes, expires_at=day(4))
    assert not purse.due(day(4) - timedelta(microseconds=1))
    assert history(advanced(purse, day(4) - timedelta(microseconds=1))) == []
    assert purse.due(day(4))
    assert kinds(advanced(purse, day(4))) == [("expired", "-5")]


def test_a_purse_without_all_its_grants_is_not_advanced() -> None:
    with pytest.raises(ValueError, match="load them first"):
        advance(open_purse("c", "USD"), [], changes_at(day(1)))


def test_unused_value_does_not_roll_over_by_itself() -> None:
    purse = new_purse()
    made = [advanced(purse, utc("2026-01-20"), recurring()), advanced(purse, utc("2026-02-20"), recurring())]
    assert history(*made) == [
        ("granted", "10", "10", utc("2026-01-01")),
        ("granted", "10", "20", utc("2026-02-01")),
        ("expired", "-10", "10", utc("2026-02-01")),
    ]
    assert purse.wallet.next_change_at == utc("2026-03-01")
    assert [p.kind for p in made[1].postings] == ["grant_given", "grant_expired"]
    check_changes(purse, purse.grants, made)


def test_up_to_a_number_rolls_over() -> None:
    purse = new_purse()
    rule = recurring(rolled="4")
    first = advanced(purse, utc("2026-01-01"), rule)
    spend(purse, "3", first)
    second = advanced(purse, utc("2026-02-01"), rule)
    assert kinds(second) == [("granted", "10"), ("rolled_out", "-4"), ("rolled_in", "4"), ("expired", "-3")]
    old, new = purse.grants
    assert (old.spent, old.rolled_out, old.expired, old.remaining) == (3, 4, 3, 0)
    assert (new.amount, new.rolled_in, new.remaining) == (14, 4, 14)
    # What rolled over was in the wallet before: only the new amount and the lapsed rest are posted.
    assert [(p.kind, p.amount) for p in second.postings] == [("grant_given", 10), ("grant_expired", 3)]
    third = advanced(purse, utc("2026-03-01"), rule)
    assert kinds(third)[1:] == [("rolled_out", "-4"), ("rolled_in", "4"), ("expired", "-10")]
    check_changes(purse, purse.grants, [first, second, third])


def test_with_rollover_of_all_nothing_expires() -> None:
    purse = new_purse()
    late = advanced(purse, utc("2026-04-15"), recurring(rolled=None))
    assert kinds(late) == [("granted", "10")] * 4
    assert purse.wallet.balance == 40
    assert {grant.expires_at for grant in purse.grants} == {None}


def test_at_one_instant_what_begins_comes_first() -> None:
    purse, rule = new_purse(), recurring(rolled="8")
    made = [advanced(purse, utc("2026-01-01"), rule)]
    hold(purse, "10")
    made.append(advanced(purse, utc("2026-02-01"), rule))
    # The new grant stands behind the hold now, so the rest of the old one that doesn't roll over is free to lapse.
    assert kinds(made[1]) == [("granted", "10"), ("rolled_out", "-8"), ("rolled_in", "8"), ("expired", "-2")]
    assert (purse.wallet.balance, purse.wallet.available) == (18, 8)
    check_changes(purse, purse.grants, made)


def test_what_holds_need_may_roll_over_too() -> None:
    purse, rule = new_purse(), recurring(rolled="20")
    made = [advanced(purse, utc("2026-01-01"), rule), advanced(purse, utc("2026-02-01"), rule)]
    hold(purse, "20")
    made.append(advanced(purse, utc("2026-03-01"), rule))
    # It stays in the wallet and stays payable, so nothing of it is lost to the customer.
    assert kinds(made[2]) == [("granted", "10"), ("rolled_out", "-20"), ("rolled_in", "20")]
    assert payable(purse, utc("2026-02-20")) == 30
    made.append(advanced(purse, utc("2026-04-01"), rule))
    assert kinds(made[3]) == [("granted", "10"), ("rolled_out", "-20"), ("rolled_in", "20"), ("expired", "-10")]
    check_changes(purse, purse.grants, made)


def test_an_end_that_was_not_dealt_with_is_told_from_one_that_was() -> None:
    # As two later transactions find the wallet: the first comes to the expiry late, the second after holds had kept it.
    for due_at, held, lapsed_at in ((day(2), "0", day(2)), (day(3), "5", day(9))):
        grant = plain_grant(1, amount=Decimal(5), expires_at=day(2))
        wallet = Wallet(CUSTOMER, "USD", Decimal(5), Decimal(held), ZERO, ZERO, START, due_at)
        purse = Purse(wallet, made={})
        purse.take_in([grant], complete=True)
        first = advanced(purse, day(8))
        hold(purse, f"-{held}")
        assert [entry[3] for entry in history(first, advanced(purse, day(9)))] == [lapsed_at]


def test_an_outage_of_months_is_made_up_for_in_order() -> None:
    rule = recurring(rolled="3", anchor=utc("2026-01-31T08:00"))
    slow, quick = new_purse(), new_purse()
    late = advanced(slow, utc("2026-07-10"), rule)
    steps = [advanced(quick, utc("2026-01-31") + n * timedelta(hours=7), rule) for n in range(600)]
    steps = [each for each in steps if each.now <= utc("2026-07-10")]
    assert [g.effective_at for g in slow.grants] == [
        utc(text) for text in ("2026-01-31T08:00", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30")
    ]
    assert all(left.expires_at == right.effective_at for left, right in pairwise(slow.grants))
    assert [entry for entry in history(*steps) if entry[3] <= utc("2026-07-10")] == history(late)
    assert [entry[3] for entry in history(late)] == sorted(entry[3] for entry in history(late))


@pytest.mark.parametrize(
    ("tz", "every", "anchor", "expected"),
    [
        ("UTC", Period.YEAR, "2024-02-29", "2024-02-29 2025-02-28 2026-02-28"),
        ("Europe/Berlin", Period.DAY, "2026-03-28T12:00", "2026-03-28T12:00 2026-03-28T23:00 2026-03-29T22:00"),
        ("Europe/Berlin", Period.DAY, "2026-10-24T12:00", "2026-10-24T12:00 2026-10-24T22:00 2026-10-25T23:00"),
        ("Australia/Lord_Howe", Period.DAY, "2026-10-03T00:00", "2026-10-03T00:00 2026-10-03T13:30 2026-10-04T13:00"),
        ("Asia/Kathmandu", Period.MONTH, "2026-01-29T00:00", "2026-01-29T00:00 2026-02-27T18:15 2026-03-28T18:15"),
        # No grant for the day that Samoa left out.
        ("Pacific/Apia", Period.DAY, "2011-12-29T20:00", "2011-12-29T20:00 2011-12-30T10:00 2011-12-31T10:00"),
    ],
)
def test_periods_of_the_calendar(tz: str, every: Period, anchor: str, expected: str) -> None:
    purse, wanted = new_purse(), [utc(text) for text in expected.split()]
    rule = recurring(every=every, anchor=utc(anchor), tz=tz)
    advanced(purse, wanted[-1], rule)
    assert starts(purse) == wanted
    advanced(purse, wanted[-1], rule)
    assert len(purse.grants) == len(wanted)


def test_a_period_is_granted_once_also_by_who_has_not_seen_it_granted() -> None:
    rule = recurring()
    first, second = new_purse(), new_purse()
    advanced(first, utc("2026-02-10"), rule)
    second.made = {rule.key: utc("2026-02-01")}
    advanced(second, utc("2026-03-10"), rule)
    assert starts(second) == [utc("2026-03-01")]
    third = new_purse()
    advanced(third, utc("2026-02-10"), rule)
    assert [g.grant_id for g in third.grants] == [g.grant_id for g in first.grants]


def test_a_recurring_grant_ends_with_its_plan_and_may_be_younger_than_its_anchor() -> None:
    purse = new_purse()
    advanced(purse, utc("2026-06-10"), recurring(until=utc("2026-03-01")))
    assert starts(purse) == [utc("2026-01-01"), utc("2026-02-01")]
    assert purse.wallet.next_change_at is None
    younger = new_purse()
    advanced(younger, utc("2026-06-10"), recurring(rolled=None, since=utc("2026-05-15")))
    assert starts(younger) == [utc("2026-05-01"), utc("2026-06-01")]
    at_a_start = new_purse()
    advanced(at_a_start, utc("2026-06-10"), recurring(since=utc("2026-05-01")))
    assert starts(at_a_start) == [utc("2026-05-01"), utc("2026-06-01")]


def test_recurring_grants_of_other_units_are_not_this_purses() -> None:
    purse = new_purse("EUR")
    assert not advanced(purse, utc("2026-06-10"), recurring())


def test_a_thousand_periods_at_once_and_the_rest_stays_due() -> None:
    purse, rule = new_purse(), recurring(every=Period.DAY, anchor=START)
    changes = changes_at(day(MOST_PERIODS + 5))
    assert not advance(purse, [rule], changes)
    assert purse.made == {rule.key: day(MOST_PERIODS - 1)}
    assert purse.due(changes.now)
    assert advance(purse, [rule], changes)
    assert purse.wallet.balance == 10
    assert purse.wallet.next_change_at == changes.now + DAY
    check_changes(purse, purse.grants, [changes])


def test_kept_value_lapses_at_the_instant_at_which_it_became_free() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    old = given(purse, "5", changes, expires_at=day(2))
    new = given(purse, "3", changes, effective_at=day(4))
    hold(purse, "5")
    late = advanced(purse, day(9))
    assert history(late) == [("granted", "3", "8", day(4)), ("expired", "-3", "5", day(4))]
    assert (old.remaining, new.remaining) == (2, 3)
    # It waits for the hold, behind wallets that have waited longer.
    assert purse.wallet.next_change_at == day(9)
    assert purse.due(day(9))
    again = advanced(purse, day(10))
    assert (history(again), purse.wallet.next_change_at) == ([], day(10))
    check_changes(purse, [old, new], [changes, late, again])


def test_a_grant_voided_before_it_began_never_begins() -> None:
    purse, changes = new_purse(), changes_at(day(0))
    grant = given(purse, "5", changes, effective_at=day(2), expires_at=day(4))
    void(purse, grant, changes)
    assert grant.state(day(1)) is GrantState.ENDED
    assert history(advanced(purse, day(9))) == []
    assert grant.voided == Decimal(5)
    assert purse.wallet.next_change_at is None
