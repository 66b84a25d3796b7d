"""The recruiting example when the same is asked at once or again, or nothing comes of it: under both catalogs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from examples.running import Running
from examples.running.prepare import apply_catalog
from tests.examples.conftest import SignIn, Start
from tests.examples.recruiting import Company, a_pdf, assert_done_once, assert_questions_that_fail_are_free, sql


@pytest.fixture(scope="module")
def running(start: Start) -> Running:
    return start("recruiting", catalog="fixed")


@pytest.fixture
def company(running: Running, sign_in: SignIn, request: pytest.FixtureRequest) -> Company:
    """A company of the test's own."""
    return Company(running, sign_in, request.node.name)


def test_the_ledger_tells_events_of_one_batch_apart(running: Running, company: Company) -> None:
    """Reported together, they are booked by one transaction; and they may be reported late."""
    used_at = datetime.now(UTC) - timedelta(hours=3)
    about = {"customer": company.key, "meter": "cv_parse", "quantity": 1, "time": used_at.isoformat()}
    company.toll("POST", "/v1/events", json=[about | {"id": name} for name in ("one", "two")])
    ledger = sql(running, "select * from recruiting.usage_ledger where company_id = %s", company.key)
    assert len({entry["transaction_id"] for entry in ledger}) == 1
    assert {entry["id"] for entry in ledger} == {f"{company.key}/one", f"{company.key}/two"}
    for entry in ledger:
        assert entry["used_at"] == used_at
        assert entry["created_at"] > used_at + timedelta(hours=2)


def test_a_cv_that_can_not_be_parsed_costs_nothing_and_the_next_try_does(running: Running, company: Company) -> None:
    application = company.apply(company.job("Cook", "x" * 200))
    company.simulate(content="I can't read that.")
    assert company.upload(application, a_pdf("Somebody")).status_code == 502
    assert company.charge("cv_parse") == 0
    assert_questions_that_fail_are_free(company)
    (cv,) = sql(running, "select * from recruiting.cv_parsing_usage where company_id = %s", company.key)
    assert (cv["parse_successful"], cv["cost"], cv["provider_cost"] > 0) == (False, 0, True)
    company.parse(application, a_pdf("Somebody"))
    assert company.charge("cv_parse") == Decimal("0.5")


def test_what_is_asked_at_once_or_again_is_done_once(company: Company) -> None:
    assert_done_once(company)


@pytest.fixture(scope="module")
def real_cost(running: Running) -> None:
    """From here on, the example's other catalog is in force."""
    apply_catalog(running.tollkeeper_url, running.admin_key, running.example.catalog("real-cost"))


def test_at_real_cost_too_what_fails_is_free(real_cost: None, company: Company) -> None:
    application = company.apply(company.job("Waiter", "x" * 200))
    company.simulate(content="I can't read that.")
    assert company.upload(application, a_pdf("Somebody")).status_code == 502
    (failed,) = company.events("cv_parse")
    assert (failed["charge"], failed["quantity"], float(failed["cost"]) > 0) == ("0", "0", True)
    assert_questions_that_fail_are_free(company)
    company.parse(application, a_pdf("Somebody"))
    parsed = company.events("cv_parse")[0]
    assert Decimal(parsed["charge"]) == Decimal(parsed["cost"]) * Decimal("1.25") > 0


def test_at_real_cost_too_nothing_is_done_twice(real_cost: None, company: Company) -> None:
    assert_done_once(company)
