"""The résumé builder as its users have it: usage, limits, refusals, plans, advice; by HTTP and in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_reach import axe
from tests.browser.watched import OpenPage
from tests.examples.builders import LIMITS, PASSWORD, PDF, RESUME, Builder, D, pdf_of
from tests.examples.conftest import Start, asked_at_once


@pytest.fixture(scope="module")
def builder(start: Start) -> Iterator[Builder]:
    with ExitStack() as stack:
        yield Builder(start("resume_builder"), stack)


# Performing AI operations, and checking that the statistics are accurate


def test_statistics_are_what_the_provider_billed(builder: Builder) -> None:
    before, user = len(builder.bills), builder.signed_up("ada")
    builder.answers(1_200)
    parsed = user.parse()
    assert parsed.status_code == 201, parsed.text
    resume = parsed.json()
    assert (resume["content"], resume["title"], resume["summary"]) == (RESUME, "ada.pdf", None)
    builder.answers(700, content={"summary": "I write notes."})
    assert user.summarize(resume["id"]).json() == {**resume, "summary": "I write notes."}
    assert user.http.get("/api/resumes").json() == [{**resume, "summary": "I write notes."}]

    bills, stats = builder.bills[before:], user.stats
    assert [bill["model"] for bill in bills] == ["gpt-4o-mini-2024-07-18", "gpt-4o-2024-08-06"]
    cost = sum(D(bill["cost"]) for bill in bills)
    used = {"tokens": "1900", "cost": f"{cost:f}", "unit": "USD", "operations": 2}
    assert stats["lifetime"] == used
    assert stats["month"] | used == stats["month"]
    limits = stats["month"]["limits"]
    assert (limits["daily_tokens"]["used"], limits["daily_tokens"]["percent"]) == ("1900", "19")
    assert (limits["monthly_tokens"]["used"], limits["monthly_tokens"]["percent"]) == ("1900", "1.9")
    assert limits["monthly_cost"]["used"] == f"{cost:f}"
    assert stats["month"]["warnings"] == []

    # What was used before this month is in the lifetime alone.
    earlier = datetime.fromisoformat(stats["month"]["start"]) - timedelta(seconds=1)
    call = {"provider": "openai", "model": "gpt-4o", "usage": {"prompt_tokens": 1_000, "completion_tokens": 0}}
    event = {"id": "earlier", "customer": user.customer, "meter": "summary", "quantity": "1000", "calls": [call]}
    assert builder.toll.post("/v1/events", json=event | {"time": earlier.isoformat()}).json()["accepted"] == 1
    now = user.stats
    assert now["month"] | used == now["month"]
    more = {"tokens": "2900", "cost": f"{cost + D('0.0025'):f}", "operations": 3}
    assert now["lifetime"] == used | more


def test_a_new_user_has_the_default_limits_and_the_free_plan(builder: Builder) -> None:
    stats = builder.signed_up("new").stats
    assert {name: limit["cap"] for name, limit in stats["month"]["limits"].items()} == LIMITS
    for limit in stats["month"]["limits"].values():
        assert (limit["enabled"], limit["warn_at"][0], limit["used"], limit["percent"]) == (True, "80", "0", "0")
    assert stats["lifetime"] == {"tokens": "0", "cost": "0", "unit": "USD", "operations": 0}
    assert (stats["plan"]["key"], stats["plan"]["next"]) == ("free", None)


# Limits


def test_it_warns_at_80_percent_and_refuses_before_the_model_is_asked(builder: Builder) -> None:
    user = builder.signed_up("bob")
    builder.answers(8_400)
    resume = user.parse().json()
    month = user.stats["month"]
    assert month["limits"]["daily_tokens"]["percent"] == "84"
    assert [(one["code"], one["limit"]) for one in month["warnings"]] == [("limit_near", "daily_tokens")]

    before = len(builder.bills)
    for refused in (user.parse(), user.summarize(resume["id"])):
        assert refused.status_code == 429
        told = refused.json()
        assert (told["code"], told["limit"]) == ("limit_exceeded", "daily_tokens")
        assert (told["used"], told["cap"], told["per"]) == ("8400", "10000", "day")
        ends = month["limits"]["daily_tokens"]["window"]["end"]
        assert datetime.fromisoformat(told["resets_at"]) == datetime.fromisoformat(ends)
    assert len(builder.bills) == before
    assert user.stats["lifetime"]["operations"] == 1


def test_what_costs_too_much_is_refused_as_well(builder: Builder) -> None:
    user = builder.signed_up("cost")
    user.limit("daily_cost", cap="0.00001")
    before = len(builder.bills)
    told = user.parse().json()
    assert (told["limit"], told["unit"], told["used"], told["resets_at"]) == ("daily_cost", "USD", "0", None)
    assert len(builder.bills) == before


def test_of_many_at_once_those_begin_that_fit(builder: Builder) -> None:
    user = builder.signed_up("hasty")
    before = len(builder.bills)
    for _ in range(8):
        builder.answers(1_000, until_released=True)
    answers = asked_at_once(builder.running, lambda number: user.parse(title=f"{number}.pdf"), range(8), refused=3)
    begun = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} == {201, 429}
    # Each may take some 1,800 tokens: while they're under way, five fit under 10,000.
    assert len(begun) == len(builder.bills) - before == 5
    builder.provider.post("/_simulator/reset")
    limit = user.stats["month"]["limits"]["daily_tokens"]
    assert (limit["used"], limit["held"]) == ("5000", "0")


def test_limits_are_each_users_own_and_can_be_switched_off(builder: Builder) -> None:
    user, other = builder.signed_up("own"), builder.signed_up("theirs")
    user.limit("daily_tokens", cap="500")
    assert user.parse().json()["cap"] == "500"
    user.limit("daily_tokens", cap="6000", warn_at=["50"])
    builder.answers(3_000)
    assert user.parse().status_code == 201
    assert [(one["code"], one["limit"]) for one in user.stats["month"]["warnings"]] == [("limit_near", "daily_tokens")]
    assert other.stats["month"]["limits"]["daily_tokens"]["cap"] == "10000"

    for name in LIMITS:
        user.limit(name, enabled=False)
    builder.answers(20_000)
    assert user.parse().status_code == 201
    month = user.stats["month"]
    assert not any(limit["enabled"] for limit in month["limits"].values())
    assert month["warnings"] == []
    assert month["limits"]["daily_tokens"]["used"] == "23000"  # it goes on counting


# Plans


def test_limits_follow_the_plan(builder: Builder) -> None:
    user = builder.signed_up("plan")
    builder.answers(9_900)
    user.parse()
    assert user.parse().status_code == 429
    user.choose("premium", "now")
    stats = user.stats
    assert stats["plan"]["key"] == "premium"
    assert {name: limit["cap"] for name, limit in stats["month"]["limits"].items()} == {
        "daily_tokens": "1000000", "daily_cost": "50", "monthly_tokens": "10000000", "monthly_cost": "500",
    }  # fmt: skip
    assert stats["month"]["limits"]["daily_tokens"]["used"] == "9900"
    assert user.parse().status_code == 201

    user.choose("free", "period_end")
    stats = user.stats
    assert (stats["plan"]["key"], stats["plan"]["next"]["plan"]) == ("premium", "free")
    assert stats["plan"]["next"]["start"] == stats["month"]["end"]
    assert stats["month"]["limits"]["daily_tokens"]["cap"] == "1000000"
    user.choose("premium", "now")  # stays after all
    assert user.stats["plan"]["next"] is None


# Advice


def test_each_suggestion_shows_its_arithmetic(builder: Builder) -> None:
    user = builder.signed_up("thrifty")
    assert user.http.get("/api/billing/suggestions").json() == []
    resume = user.parse().json()
    builder.answers(3_000, content={"summary": "Dear."})
    assert user.summarize(resume["id"], "gpt-4o").status_code == 200
    found = user.http.get("/api/billing/suggestions").json()
    smaller = [one for one in found if one["kind"] == "cheaper_model"]
    assert smaller, found
    assert smaller[0]["subject"]["model"].startswith("gpt-4o")
    assert all(one["steps"] and D(one["savings"][0]["amount"]) > 0 for one in found)
    # 2,900 tokens read and 100 written at 2.50 and 10.00 for a million, instead of 0.15 and 0.60
    saved = D("0.00825") - D("0.000495")
    # What the operator saves isn't told.
    assert [(one["whom"], D(one["amount"])) for one in smaller[0]["savings"]] == [("customer", saved)]
    assert "0.007755 USD less" in smaller[0]["steps"][-2]["text"]
    # With a margin, costs are the operator's alone: of what is used from then on.
    source = Path("examples/resume_builder/catalog.toml").read_text(encoding="utf-8")
    dearer = source.replace("percent = 0", "percent = 25")
    try:
        assert builder.toll.put("/v1/catalog", json={"source": dearer}).is_success
        later = builder.signed_up("later")
        resume = later.parse().json()
        builder.answers(3_000, content={"summary": "Dear."})
        assert later.summarize(resume["id"], "gpt-4o").status_code == 200
        assert later.http.get("/api/billing/suggestions").json() == []
        assert user.http.get("/api/billing/suggestions").json() == found
    finally:
        assert builder.toll.put("/v1/catalog", json={"source": source}).is_success


# Accounts, and what isn't a résumé


def test_nobody_sees_anothers_things(builder: Builder) -> None:
    one, other = builder.signed_up("one"), builder.signed_up("two")
    resume = one.parse().json()
    assert other.http.get("/api/resumes").json() == []
    assert other.summarize(resume["id"]).status_code == 404
    stranger = builder.client(builder.running.url)
    for path in ("/api/resumes", "/api/ai/usage-stats", "/api/billing/suggestions", "/billing-token"):
        assert stranger.get(path).status_code == 401
    assert "Sign in" in stranger.get("/billing").text
    wrong = stranger.post("/sign-in", data={"email": "one@example.com", "password": "guessed"})
    assert wrong.status_code == 401
    assert stranger.post("/sign-out", params={"user": one.customer}).status_code == 303
    assert stranger.get("/api/resumes").status_code == 401
    again = {"name": "One", "email": "ONE@example.com", "password": PASSWORD}
    assert stranger.post("/sign-up", data=again).status_code == 409
    right = stranger.post("/sign-in", data={"email": "one@example.com", "password": PASSWORD})
    assert right.status_code == 303
    assert [each["id"] for each in stranger.get("/api/resumes").json()] == [resume["id"]]


def test_there_is_no_account_without_a_customer(builder: Builder) -> None:
    stranger = builder.client(builder.running.url)
    form = {"name": "Marvin", "email": "marvin@example.com", "password": PASSWORD, "timezone": "Mars/Olympus"}
    refused = stranger.post("/sign-up", data=form)
    assert (refused.status_code, refused.json()["field"]) == (422, "timezone")
    assert stranger.post("/sign-in", data=form).status_code == 401
    assert stranger.post("/sign-up", data=form | {"timezone": "Europe/London"}).status_code == 303


def test_what_cannot_be_read_costs_nothing(builder: Builder) -> None:
    user, before = builder.signed_up("odd"), len(builder.bills)
    for file in (b"", b"no PDF", PDF[:200], pdf_of(""), pdf_of("Long.", pages=11)):
        assert user.parse(file).status_code == 422
    assert user.parse(b"%PDF-" + b"0" * 5_000_000).status_code == 413
    assert len(builder.bills) == before
    builder.provider.post("/_simulator/script", json={"status": 400})
    assert user.parse().status_code == 502
    stats = user.stats
    assert stats["lifetime"]["operations"] == 0
    assert {limit["held"] for limit in stats["month"]["limits"].values()} == {"0"}


# In the browser


def test_the_documented_steps_in_a_browser(builder: Builder, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(builder.running.url)
    form = page.locator("#sign-up")
    for field, text in {"Name": "Grace", "E-mail": "grace@example.com", "Password": PASSWORD}.items():
        form.get_by_label(field).fill(text)
    form.get_by_role("button").click()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()

    # What leaves no room is another operation under way: it will end.
    [customer] = [one["key"] for one in builder.toll.get("/v1/customers", params={"search": "Grace"}).json()["data"]]
    hold = {"id": "under-way", "customer": customer, "meter": "pdf_parsing", "quantity": "9999"}
    assert builder.toll.post("/v1/holds", json=hold).is_success
    page.locator("#pdfs").set_input_files({"name": "ada.pdf", "mimeType": "application/pdf", "buffer": PDF})
    expect(page.get_by_role("alert")).to_contain_text("Try again in a moment")
    assert builder.toll.post("/v1/holds/under-way/release", json={"customer": customer}).is_success

    builder.answers(8_600)
    page.locator("#pdfs").set_input_files({"name": "ada.pdf", "mimeType": "application/pdf", "buffer": PDF})
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    sidebar = page.get_by_role("complementary")
    expect(sidebar.locator("#lifetime")).to_contain_text("8,600")
    expect(sidebar.locator("toll-balance")).to_contain_text("8.6K in 1 call")
    expect(sidebar.locator("toll-alerts")).to_contain_text("nearly reached")

    before = len(builder.bills)
    page.get_by_role("button", name="Write summary").click()
    refusal = page.get_by_role("alert").filter(has_text="limit of 10,000 tokens a day")
    expect(refusal).to_contain_text("8,600 tokens are used")
    expect(refusal).to_contain_text("begins anew on")
    expect(refusal).not_to_contain_text("Try again")
    assert len(builder.bills) == before
    assert axe(page) == []

    sidebar.get_by_role("link", name="Show Billing").click()
    expect(page).to_have_url(f"{builder.running.url}/billing")
    _look_at_the_billing_page(page)
    _choose(page, "Basic", "Now")
    expect(page.get_by_role("meter", name="Used of Daily tokens")).to_have_attribute("aria-valuemax", "100000")
    expect(page.locator("#plan")).to_contain_text("Basic")
    _choose(page, "Free", "On ")
    expect(page.locator("toll-plans")).to_contain_text("Free begins on")
    expect(page.locator("#plan")).to_contain_text("on free")


def _look_at_the_billing_page(page: Page) -> None:
    """Bars for the day and the month, a warning, trends, and what each operation came to."""
    for name, used in {"tokens": "8600", "cost": None}.items():
        for per in ("Daily", "Monthly"):
            bar = page.get_by_role("meter", name=f"Used of {per} {name}")
            expect(bar).to_be_visible()
            if used:
                expect(bar).to_have_attribute("aria-valuenow", used)
    expect(page.locator("toll-limits")).to_contain_text("Nearly reached")
    expect(page.locator("toll-alerts")).to_contain_text("8,600 of 10,000")
    expect(page.locator("toll-usage")).to_contain_text("PDF parsing")
    expect(page.locator("toll-breakdown")).to_contain_text("ada.pdf")
    expect(page.locator("toll-activity")).to_contain_text("PDF parsing")
    advice = page.locator("#suggestions li").first
    advice.locator("summary").click()
    expect(advice).to_contain_text("saves $")
    expect(advice.locator("ol")).to_contain_text("USD less")
    assert axe(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.set_viewport_size({"width": 1280, "height": 900})


def _choose(page: Page, plan: str, when: str) -> None:
    plans = page.locator("toll-plans")
    plans.get_by_role("button", name=f"Choose {plan}").click()
    plans.get_by_role("radio", name=when).check()
    plans.get_by_role("button", name="Change plan").click()
