"""What an app asks about a customer as a whole, and sells to it: the page, plans, limits, members, credits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from tests.client.serving import Server

from tollkeeper import AsyncTollkeeper, Tollkeeper
from tollkeeper.client import CustomerPlan, Limit, Overview, Plan, PortalSession, TopUp
from tollkeeper.errors import InsufficientCredits, InvalidInput, NotFound, TollError

CATALOG = """
currency = "USD"
default_plan = "free"
[units.credit]
name = "Interview credit"
[meters.interview]
unit = "interview"
[meters.cv_parse]
name = "CV parsing"
unit = "CV"
aggregation = "count"
dimensions = ["job"]
[prices.interview]
model = "unit"
unit = "credit"
amount = "1"
[prices.cv_parse]
model = "unit"
amount = "0.50"
[plans.free]
name = "Free"
[plans.free.limits.parsing]
meter = "cv_parse"
per = "month"
cap = "4"
warn_at = ["50", "75"]
[plans.premium]
name = "Premium"
description = "For teams."
listed = false
[plans.premium.limits.parsing]
meter = "cv_parse"
per = "month"
cap = "400"
[plans.premium.grants.monthly]
unit = "credit"
amount = "3"
every = "month"
[funding.units.credit]
when_exhausted = "refuse"
[top_ups.credit]
amounts = ["5", "10"]
price = "1.00"
[packs.team]
name = "Team"
unit = "credit"
amount = "50"
price = "45.00"
bonus = "5"
"""
CHECKOUT = "https://app.example/pay?top_up={id}"


@pytest.fixture(scope="module")
def server(books_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose top-ups are paid at a checkout of the product's own."""
    server = Server(books_url, tmp_path_factory.mktemp("serve"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TOLLKEEPER_PAYMENTS", "link")
        patched.setenv("TOLLKEEPER_CHECKOUT_URL", CHECKOUT)
        server.start()
    try:
        apply_catalog(server)
        yield server
    finally:
        server.kill()


def apply_catalog(server: Server) -> None:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    applied = httpx.put(f"{server.url}/v1/catalog", json={"source": CATALOG}, headers=headers, timeout=30)
    assert applied.is_success, applied.text


@pytest.fixture(scope="module")
def toll(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tollkeeper]:
    with Tollkeeper(server.url, server.api_key, spool=tmp_path_factory.mktemp("spool") / "spool.sqlite") as toll:
        yield toll


@pytest.fixture
def customer(toll: Tollkeeper) -> str:
    key = f"Grün & Söhne/{uuid4().hex[:8]}?"
    assert toll.put_customer(key, name="Grün", timezone="Europe/Berlin").key == key
    return key


def test_a_portal_session_opens_the_page_of_one_customer(toll: Tollkeeper, server: Server, customer: str) -> None:
    session = toll.portal_session(
        customer, permissions=["read", "top_up"], expires_in=900, return_url="https://app.example/"
    )
    assert isinstance(session, PortalSession)
    assert session.permissions == ("read", "top_up")
    assert session.expires_at - session.created_at == timedelta(seconds=900)
    assert session.url.startswith(f"{server.url}/billing#link=")
    assert not {session.token, session.url} & set(repr(session).split("'"))
    headers = {"Authorization": f"Bearer {session.token}"}
    shown = httpx.get(f"{server.url}/v1/portal/session", headers=headers)
    assert (shown.json()["customer"], shown.json()["permissions"]) == (customer, ["read", "top_up"])
    toll.revoke_portal_session(session.id, customer=customer)
    operator = {"Authorization": f"Bearer {server.api_key}"}
    listed = httpx.get(f"{server.url}/v1/portal-sessions", params={"customer": customer}, headers=operator)
    assert [one["revoked_at"] is not None for one in listed.json()["data"]] == [True]


def test_the_overview_tells_what_is_used_and_left(toll: Tollkeeper, customer: str) -> None:
    for i in range(3):
        toll.record("cv_parse", customer=customer, id=f"cv{i}", dimensions={"job": "cook"})
    found = toll.overview(customer)
    assert isinstance(found, Overview)
    assert (found.name, found.timezone, found.plan.key, found.plan.since) == ("Grün", "Europe/Berlin", "free", None)
    assert [(one.name, one.quantity, one.charge, one.unit) for one in found.meters] == [
        ("CV parsing", 3, Decimal("1.5"), "USD")
    ]
    assert [(one.unit, one.amount) for one in found.owed] == [("USD", Decimal("1.5"))]
    assert found.period.start <= datetime.now(UTC) < found.period.end
    (limit,) = found.limits
    assert (limit.used, limit.cap, limit.percent, limit.warn_at, limit.warning) == (3, 4, 75, (50, 75), True)
    assert [(one.code, one.limit) for one in found.warnings] == [("limit_near", "parsing")]
    call = {"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 40, "completion_tokens": 2}}
    toll.record("cv_parse", customer=customer, calls=call, time=datetime(2026, 1, 31, tzinfo=UTC))
    found = toll.overview(customer)
    assert (found.tokens.total, found.total_tokens.total, found.total_tokens.output) == (0, 42, 2)
    (warned, *_) = toll.alerts(customer)
    assert (warned.topic, warned.facts["limit"]) == ("limit_threshold", "parsing")


def test_plans_are_chosen_and_limits_follow(toll: Tollkeeper, customer: str) -> None:
    plans = toll.plans()
    assert isinstance(plans[0], Plan)
    assert [(plan.key, plan.name, plan.description, plan.listed) for plan in plans] == [
        ("free", "Free", None, True),
        ("premium", "Premium", "For teams.", False),
    ]
    assert [(one.key, one.name, one.cap) for one in plans[1].limits] == [("parsing", "Parsing", 400)]
    assert [(one.unit, one.amount, one.every) for one in plans[1].grants] == [("credit", 3, "month")]
    now = toll.choose_plan(customer, "premium")
    assert isinstance(now, CustomerPlan)
    assert (now.plan, now.next) == ("premium", None)
    assert [limit.cap for limit in toll.limits(customer)] == [400]
    assert toll.balance(customer).wallets[0].available == 3
    later = toll.choose_plan(customer, None, from_="period_end")
    assert later.plan == "premium"
    assert later.next is not None
    assert (later.next.plan, later.next.start > datetime.now(UTC)) == ("free", True)
    withdrawn = toll.choose_plan(customer, "premium")
    assert (withdrawn.next, toll.plan(customer)) == (None, withdrawn)
    assert [change.plan for change in withdrawn.history].count("premium") >= 1
    with pytest.raises(NotFound) as refused:
        toll.choose_plan(customer, "gold")
    assert refused.value.code == "unknown_plan"


def test_limits_of_ones_own(toll: Tollkeeper, customer: str) -> None:
    own = toll.set_limit(customer, "parsing", cap=Decimal("7.5"), warn_at=["80"])
    assert isinstance(own, Limit)
    assert (own.cap, own.own, own.warn_at, own.percent) == (Decimal("7.5"), True, (80,), 0)
    toll.set_limit(customer, "parsing", enabled=False)
    assert [(one.cap, one.enabled) for one in toll.limits(customer)] == [(Decimal("7.5"), False)]
    toll.drop_limit(customer, "parsing")
    assert [(one.cap, one.own) for one in toll.limits(customer)] == [(4, False)]
    team = toll.set_limit(customer, "each", meter="cv_parse", per="day", by="member", cap=2, member_caps={"ann": 9})
    assert (team.member_caps, team.used, team.percent) == ({"ann": 9}, None, None)
    toll.put_member(customer, "ann", name="Ann")
    toll.record("cv_parse", customer=customer, id="cv", member="ann")
    (each,) = (one for one in toll.limits(customer, member="ann") if one.limit == "each")
    assert (each.cap, each.used, each.remaining) == (9, 1, 8)
    with pytest.raises(InvalidInput) as refused:
        toll.set_limit(customer, "parsing", cap=0.5)  # type: ignore[arg-type]
    assert refused.value.code == "invalid_number"


def test_members(toll: Tollkeeper, customer: str) -> None:
    for key in ("zoe", "ann", "ben"):
        toll.put_member(customer, key, name=key.title(), metadata={"seat": key})
    assert toll.put_member(customer, "ben", archived=True).archived_at is not None
    first = toll.members(customer, limit=2)
    assert ([one.key for one in first], len(first)) == (["ann", "ben"], 2)
    rest = toll.members(customer, limit=2, cursor=first.next_cursor)
    assert ([(one.name, one.metadata) for one in rest], rest.next_cursor) == ([("Zoe", {"seat": "zoe"})], None)


def test_events_in_pages(toll: Tollkeeper, customer: str) -> None:
    for i in range(3):
        toll.record("cv_parse", customer=customer, id=f"cv{i}", dimensions={"job": "cook" if i else "clerk"})
    first = toll.events(customer, limit=2)
    rest = toll.events(customer, limit=2, cursor=first.next_cursor)
    assert sorted(one.id for one in [*first, *rest]) == ["cv0", "cv1", "cv2"]
    assert [one.id for one in toll.events(customer, filter=["job:clerk"])] == ["cv0"]
    past = datetime.now(UTC) - timedelta(days=1)
    assert len(toll.events(customer, end=past)) == 0
    assert [one.charge for one in toll.events(customer, start=past, meter="cv_parse")] == [Decimal("0.5")] * 3


def test_credits_are_bought_and_worth_nothing_before_they_are_paid(toll: Tollkeeper, customer: str) -> None:
    with pytest.raises(InsufficientCredits):
        toll.hold("interview", customer=customer, quantity=1)
    begun = toll.top_up(customer, unit="credit", amount=5, id=f"{customer} first")
    assert isinstance(begun, TopUp)
    assert (begun.state, begun.amount, begun.price, begun.currency) == ("pending", 5, 5, "USD")
    assert begun.checkout_url == CHECKOUT.replace("{id}", begun.id)
    assert toll.top_up(customer, unit="credit", amount=5, id=f"{customer} first") == begun
    assert toll.balance(customer).wallets == ()
    paid = toll.top_up_paid(begun.id, customer=customer, reference="ch_1")
    assert (paid.state, paid.reference, paid.checkout_url) == ("paid", "ch_1", None)
    assert toll.top_up_paid(begun.id, customer=customer, reference="ch_1") == paid
    assert toll.get_top_up(begun.id, customer=customer) == paid
    toll.top_up_paid(toll.top_up(customer, pack="team").id, customer=customer)
    assert toll.balance(customer).wallets[0].available == 60
    assert [(one.kind, one.amount) for one in toll.grants(customer)].count(("paid", 50)) == 1
    failed = toll.top_up_failed(toll.top_up(customer, pack="team").id, customer=customer, reference="ch_3")
    given_up = toll.cancel_top_up(toll.top_up(customer, pack="team").id, customer=customer)
    assert [failed.state, given_up.state] == ["failed", "cancelled"]
    assert [one.id for one in toll.top_ups(customer, state="failed")] == [failed.id]
    grant = toll.grants(customer).data[-1]
    assert toll.void_grant(grant.id, customer=customer, note="a mistake").remaining == 0
    newest = toll.wallet_entries(customer, unit="credit").data[0]
    assert (newest.amount, newest.balance, newest.grant) == (-5, 55, grant.id)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"unit": "credit", "amount": "7"}, "amount_not_offered"),
        ({"pack": "huge"}, "unknown_pack"),
        ({}, "invalid_top_up"),
    ],
)
def test_what_is_not_sold_is_refused(toll: Tollkeeper, customer: str, asked: dict[str, str], code: str) -> None:
    with pytest.raises(TollError) as refused:
        toll.top_up(customer, **asked)
    assert refused.value.code == code


def test_the_catalog_says_what_is_sold(toll: Tollkeeper) -> None:
    found = toll.catalog()
    assert (found.currency, found.default_plan) == ("USD", "free")
    assert {one.meter: one.words for one in found.prices}["cv_parse"] == "0.50 USD per CV"
    (pack,) = found.packs
    assert (pack.key, pack.amount, pack.price, pack.bonus, pack.currency) == ("team", 50, 45, 5, "USD")


@pytest.mark.anyio
async def test_the_async_client_has_the_same(server: Server, customer: str, tmp_path: Path) -> None:
    async with AsyncTollkeeper(server.url, server.api_key, spool=tmp_path / "spool.sqlite") as toll:
        assert (await toll.portal_session(customer)).permissions == ("read",)
        assert (await toll.overview(customer)).plan.key == "free"
        assert [plan.key for plan in await toll.plans()] == ["free", "premium"]
        assert (await toll.choose_plan(customer, "premium")).plan == "premium"
        assert [limit.cap for limit in await toll.limits(customer)] == [400]
        begun = await toll.top_up(customer, pack="team")
        assert (await toll.top_up_paid(begun.id, customer=customer)).state == "paid"
        assert [one.state for one in await toll.top_ups(customer)] == ["paid"]
        assert len(await toll.events(customer)) == 0
        await toll.set_limit(customer, "parsing", cap=1)
        await toll.drop_limit(customer, "parsing")
