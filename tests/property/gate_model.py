"""What a test can know of prepaid value, holds and limits without knowing the engine, and the questions it asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from psycopg import Connection

from tollkeeper.customers import customer_id_of
from tollkeeper.errors import TollError
from tollkeeper.events import EventIn
from tollkeeper.gate import Allowed, ChangeIn, HoldIn, Result, Settled, Settlement, TrueUp
from tollkeeper.wallets import Grant, NewGrant

D = Decimal
METERS = ["plain", "tiered", "model", "interview"]
KINDS = ["paid", "promotional", "compensation"]
ZONES = ["UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
INSTANTS = [
    datetime(2028, *when, tzinfo=UTC)
    for when in ((1, 30, 23, 40), (2, 28, 11), (3, 12, 6, 50), (4, 1, 14, 30), (10, 29, 0, 20), (12, 31, 23, 59))
]
"""Before month ends, a leap day, and changes of daylight-saving time."""

_BASE = """
currency = "USD"
[units.credit]
decimals = 0
[meters.plain]
unit = "page"
decimals = 2
on_expiry = "charge_estimate"
[meters.tiered]
unit = "token"
on_expiry = "charge_estimate"
[meters.model]
unit = "call"
[meters.interview]
unit = "interview"
aggregation = "count"
[groups.counted]
meters = ["plain", "tiered"]
[prices.plain]
model = "unit"
amount = "0.25"
[prices.tiered]
model = "graduated"
tiers = [{ up_to = 20, amount = "0.5" }, { up_to = 100, amount = "0.1" }, { amount = "0.03", per = 7 }]
included = "15"
[prices.model]
model = "cost_plus"
margin_percent = "25"
[prices.interview]
model = "unit"
unit = "credit"
amount = "1"
[limits.day]
group = "counted"
per = "day"
cap = "300"
[limits.hour]
spend = "USD"
per = "rolling_hour"
cap = "60"
[limits.each]
meter = "interview"
per = "week"
by = "member"
cap = "4"
[limits.soft]
spend = "USD"
per = "month"
cap = "10"
mode = "soft"
[plans.basic]
[plans.basic.grants.start]
unit = "USD"
amount = "2"
every = "week"
rollover = "3"
[plans.pro.prices.tiered]
model = "unit"
amount = "0.05"
[plans.pro.limits.day]
group = "counted"
per = "day"
cap = "1000"
[plans.pro.grants.monthly]
unit = "credit"
amount = "5"
every = "month"
[plans.pro.funding]
when_exhausted = "refuse"
"""
CATALOGS = [
    _BASE,
    _BASE.replace('"0.25"', '"0.2"') + '[funding]\ncredit_ceiling = "25"\n',
    _BASE.replace('"0.5" }', '"0.7" }').replace('cap = "60"', 'cap = "20"')
    + '[funding]\nwhen_exhausted = "refuse"\nsettle_overage = "receivable"\n',
]
LIMITS = {"day", "hour", "each", "soft"}
ENDS = {"settled", "released", "expired"}
REFUSALS = {"insufficient_credits", "limit_exceeded", "customer_suspended"}

_SNAPSHOT = (
    "select 'event' as a, event_id as b, charge::text as c, '' as d from events where customer_id = %(id)s union all "
    "select 'posting', transaction_id::text, line::text, amount::text from postings where customer_id = %(id)s "
    "union all select 'burn', event_id, grant_id::text, amount::text from burns where customer_id = %(id)s union all "
    "select 'entry', entry_id::text, balance::text, '' from wallet_entries where customer_id = %(id)s union all "
    "select 'fact', key, '', '' from outbox where customer_id = %(id)s union all "
    "select 'wallet', unit, balance || ' ' || held, owed || ' ' || owed_held from wallets where customer_id = %(id)s "
    "union all select 'grant', grant_id::text, remaining::text, spent::text from grants where customer_id = %(id)s "
    "union all select 'hold', hold_id, state, expires_at || ' ' || coalesce(charged::text, '') from holds "
    "where customer_id = %(id)s union all "
    "select 'counter', counter_id::text, member || window_start, used || ' ' || held from limit_counters "
    "where customer_id = %(id)s order by 1, 2, 3, 4"
)


class Model:
    """What was accepted, what it must come to, and what must never happen."""

    def __init__(self, connection: Connection[dict[str, Any]], key: str) -> None:
        self._connection = connection
        self._id = customer_id_of(key)
        self.grants: dict[Any, Grant] = {}
        self.holds: dict[str, Allowed] = {}
        self.meters: dict[str, str] = {}
        self.states: dict[str, tuple[str, Any]] = {}
        self.charges: dict[str, tuple[str, Decimal]] = {}
        self.correctable: dict[str, tuple[str, Decimal]] = {}

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query on the customer `%(id)s`, as the tables have them."""
        return self._connection.execute(query.encode(), {"id": self._id}).fetchall()

    def snapshot(self) -> list[tuple[Any, ...]]:
        """Everything that a retry must leave as it is."""
        return [tuple(row.values()) for row in self.rows(_SNAPSHOT)]

    def wallets(self) -> dict[str, dict[str, Any]]:
        return {row["unit"]: row for row in self.rows("select * from wallets where customer_id = %(id)s")}

    def available(self, unit: str) -> Decimal:
        row = self.wallets().get(unit)
        return row["balance"] - row["held"] if row else D(0)

    # What was answered

    def given(self, grant: Grant) -> None:
        self.grants[grant.grant_id] = grant

    def asked(self, answer: Any, meter: str) -> None:
        if isinstance(answer, TollError):
            assert answer.code in REFUSALS, answer
            for reason in answer.extra.get("reasons", ()):
                if reason["code"] == "insufficient_credits":
                    assert D(reason["needed"]) > D(reason["available"]) >= 0
                elif reason["code"] == "limit_exceeded":
                    assert D(reason["used"]) + D(reason["held"]) + D(reason["needed"]) > D(reason["cap"])
            return
        hold = answer.hold
        assert answer.new
        assert answer.available >= 0
        assert hold.from_wallet + hold.from_ceiling <= hold.amount
        assert hold.unit == "USD" or hold.from_wallet == hold.amount
        for state in answer.limits:
            assert not state.limit.enabled or state.limit.mode == "soft" or state.used + state.held <= state.cap or (
                not hold.amount
            )  # fmt: skip
        self.holds[hold.hold_id], self.meters[hold.hold_id] = answer, meter

    def recorded(self, results: Sequence[Result], event: EventIn | None = None) -> None:
        for result in results:
            if result.status == "accepted":
                assert result.id is not None
                assert result.id not in self.charges
                self.charges[result.id] = result.unit or "", D(result.charge or "0")
                whole = event is not None and event.meter != "model" and event.corrects is None
                if whole and event is not None and (quantity := int(event.quantity or 1)):
                    self.correctable[result.id] = event.meter, D(quantity)

    def settled(self, answer: Settled, *, asked_for: str) -> None:
        """What a hold has reserved of the wallet pays for what it's settled with."""
        self.recorded([one for one in answer.results if one.id is None or not one.id.endswith(":estimate:back")])
        accepted = [one for one in answer.results if one.status == "accepted"]
        if self.states[asked_for][0] in ENDS or not accepted:
            return
        hold = answer.hold
        assert (hold.state, answer.notice) == ("settled", None)
        total = sum((D(one.charge or "0") for one in accepted if one.unit == hold.unit), D(0))
        assert hold.charged == total
        ids = {one.id for one in accepted}
        burns = self.rows("select * from burns where customer_id = %(id)s")
        paid = sum((row["amount"] for row in burns if row["unit"] == hold.unit and row["event_id"] in ids), D(0))
        assert min(total, hold.from_wallet) <= paid <= total, (hold, accepted)

    def would_repeat(self, request: Any) -> bool:
        """Whether the request was heard before, so that it must change nothing now."""
        match request:
            case HoldIn():
                return request.id in self.holds
            case NewGrant():
                return True
            case EventIn() | TrueUp():
                return request.id in self.charges
            case ChangeIn():
                return self.states[request.hold_id][0] in ENDS
            case Settlement():
                ids = [one.id for one in request.events if isinstance(one, EventIn)] or [request.hold_id]
                return self.states[request.hold_id][0] in ENDS and all(id in self.charges for id in ids)
        raise AssertionError(request)

    def open_holds(self) -> list[str]:
        return [id for id, (state, _) in self.states.items() if state not in ENDS]

    # What must hold

    def check(self) -> None:
        """After every step, whatever it was."""
        self._check_holds()
        self._check_grants()
        self._check_money()

    def _check_holds(self) -> None:
        found = {row["hold_id"]: row for row in self.rows("select * from holds where customer_id = %(id)s")}
        assert found.keys() == self.holds.keys()
        held: dict[str, Decimal] = defaultdict(Decimal)
        for id, row in found.items():
            before = self.states.get(id)
            if before is not None and before[0] in ENDS:
                assert (row["state"], row["ended_at"]) == before, "a hold that has ended has changed"
            assert (row["ended_at"] is not None) == (row["state"] in ENDS)
            self.states[id] = row["state"], row["ended_at"]
            if row["ended_at"] is None:
                held[row["unit"]] += row["from_wallet"]
        for unit, row in self.wallets().items():
            assert row["held"] == held[unit]
            assert row["balance"] >= row["held"]

    def _check_grants(self) -> None:
        query = """
            select g.*, coalesce((select sum(amount) from burns b
                                  where b.customer_id = g.customer_id and b.grant_id = g.grant_id), 0) as burned
            from grants g where customer_id = %(id)s"""
        found = {row["grant_id"]: row for row in self.rows(query)}
        left: dict[str, Decimal] = defaultdict(Decimal)
        for row in found.values():
            parts = [row[name] for name in ("remaining", "spent", "expired", "voided", "rolled_out")]
            assert row["amount"] == sum(parts)
            assert row["spent"] == row["burned"] >= 0
            left[row["unit"]] += row["remaining"] if row["begun"] else 0
        for id, grant in self.grants.items():
            assert found[id]["amount"] == grant.amount
        recurring = [(row["recurring"], row["period_start"]) for row in found.values() if row["recurring"]]
        assert len(recurring) == len({*recurring})
        assert {row["grant_id"] for row in found.values() if not row["recurring"]} == self.grants.keys()
        for unit, row in self.wallets().items():
            assert row["balance"] == left[unit]

    def _check_money(self) -> None:
        events = {row["event_id"]: row for row in self.rows("select * from events where customer_id = %(id)s")}
        assert self.charges.keys() <= events.keys()
        assert all(":estimate" in id for id in events.keys() - self.charges.keys())
        charged: dict[str, Decimal] = defaultdict(Decimal)
        for unit, charge in self.charges.values():
            charged[unit] += charge
        for id in events.keys() - self.charges.keys():
            charged["USD"] += events[id]["charge"]
        accounts = {
            (row["account"], row["unit"]): row["amount"]
            for row in self.rows(
                "select account, unit, sum(amount) as amount from entries where customer_id = %(id)s group by 1, 2"
            )
        }
        spent: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.rows("select unit, sum(spent) as spent from grants where customer_id = %(id)s group by 1"):
            spent[row["unit"]] = row["spent"]
        for unit in ("USD", "credit"):
            assert accounts.get(("revenue", unit), 0) == -charged[unit]
            assert accounts.get(("receivable", unit), 0) == charged[unit] - spent[unit]

    def nothing_is_due(self, now: datetime, ceiling: bool) -> None:
        """After a sweep."""
        due = "select * from holds where customer_id = %(id)s and ended_at is null"
        assert all(row["expires_at"] > now for row in self.rows(due))
        wallets = self.wallets()
        for row in self.rows("select * from grants where customer_id = %(id)s and remaining > 0"):
            over = row["voided_at"] is not None or (row["expires_at"] is not None and row["expires_at"] <= now)
            wallet = wallets[row["unit"]]
            assert not over or wallet["balance"] == wallet["held"], "free value of a grant that has ended"
            assert row["begun"] == (row["effective_at"] <= now)
        if ceiling and "USD" in wallets:
            query = "select coalesce(sum(amount), 0) as owed from entries where customer_id = %(id)s and unit = 'USD'"
            [row] = self.rows(query + " and account = 'receivable'")
            assert wallets["USD"]["owed"] == row["owed"]

    def nothing_is_held(self) -> None:
        """Once every hold has ended."""
        for table, columns in (
            ("wallets", "held + owed_held"), ("running_totals", "abs(held)"), ("limit_counters", "held"),
        ):  # fmt: skip
            [row] = self.rows(f"select coalesce(sum({columns}), 0) as held from {table} where customer_id = %(id)s")
            assert not row["held"], table
