"""The recruiting example: the documented flow at fixed prices and at real cost, in the browser; and what goes wrong."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from examples.running import Running
from examples.running.prepare import apply_catalog
from playwright.sync_api import Page, expect
from tests.browser.test_reach import axe
from tests.browser.watched import OpenPage
from tests.examples.conftest import SignIn, Start
from tests.examples.recruiting import (
    CV,
    INTERVIEW,
    QUESTIONS,
    SAMPLES,
    VOICE,
    Company,
    Wire,
    a_docx,
    a_pdf,
    app_behind,
    billing,
    card,
    charge_of,
    minutes_ago,
    sql,
    unreadable,
    values_in,
)

FROM_10_TO_20_MINUTES = ("12.2", "14.6", "15", "15.2", "18")
"""Rounded by the meter: 12, 15, 15, 15 and 18 minutes, 75 in all, 15 on average."""


@pytest.fixture(scope="module")
def running(start: Start) -> Running:
    return start("recruiting", catalog="fixed")


@pytest.fixture
def company(running: Running, sign_in: SignIn, request: pytest.FixtureRequest) -> Company:
    """A company of the test's own."""
    return Company(running, sign_in, request.node.name)


def test_a_job_with_ten_applications_costs_12_51(
    running: Running, sign_in: SignIn, company: Company, page: Page, open_page: OpenPage
) -> None:
    sign_in.in_browser(page, running, name=company.name)
    page.goto(running.url)
    page.get_by_role("button", name="New job").click()
    page.get_by_role("button", name="Fill in an example").click()
    page.get_by_role("button", name="Create job").click()
    page.wait_for_url("**/dashboard/jobs/*")
    job = page.url.rpartition("/")[2]
    company.simulate(usage={"prompt_tokens": 3500, "completion_tokens": 1500, "total_tokens": 5000})
    page.get_by_label("How many questions").fill("30")
    page.get_by_role("button", name="Generate questions").click()
    expect(page.get_by_text("30 questions written.")).to_be_visible()
    # Ten candidates: one on the page that all can see, one by hand, eight like the first.
    candidate = open_page(color_scheme="dark")
    candidate.goto(f"{running.url}/jobs/{job}")
    expect(candidate.get_by_role("heading", name="Backend engineer")).to_be_visible()
    expect(candidate.locator("main")).to_contain_text(company.name)
    candidate.get_by_label("Your name").fill("Mina Okafor")
    candidate.get_by_label("Your e-mail").fill("mina@mail.example")
    candidate.get_by_label("Your CV").set_input_files(SAMPLES / "mina-okafor.pdf")
    candidate.get_by_role("button", name="Apply").click()
    expect(candidate.locator("#understood")).to_contain_text("PostgreSQL")
    assert axe(candidate) == []
    page.get_by_label("Candidate’s name").fill("Jonas Lind")
    page.get_by_label("Candidate’s e-mail").fill("jonas@mail.example")
    page.get_by_role("button", name="Add candidate").click()
    by_hand = page.locator("article", has_text="Jonas Lind")
    by_hand.get_by_label("Upload CV").set_input_files(SAMPLES / "jonas-lind.docx")
    expect(page.get_by_text("Parsed the CV of Jonas Lind.")).to_be_visible()
    assert axe(page) == []
    for number in range(8):
        company.parse(company.apply(job), a_pdf(f"Candidate {number}", "Skills", "Python, SQL"))
    # Five interviews: one in the room behind its link, four like it.
    first, *others = [each["id"] for each in company.applications(job)][:5]
    candidate.goto(f"{running.url}/interviews/{first}")
    candidate.get_by_role("button", name="Start interview").click()
    candidate.locator("#room textarea").first.fill("I have built three of them.")
    assert axe(candidate) == []
    minutes_ago(running, first, FROM_10_TO_20_MINUTES[0])
    candidate.get_by_role("button", name="Finish interview").click()
    expect(candidate.get_by_text("The interview is over.")).to_be_visible()
    for application, lasted in zip(others, FROM_10_TO_20_MINUTES[1:], strict=True):
        company.interview(application, lasted)
    # The page: cards, the job by itself, the overview.
    billing(page, running, f"?tab=usage&job={job}")
    expect(page.locator("toll-usage [part=total]")).to_contain_text("$12.51")
    expect(card(page, "CV Parsing")).to_contain_text("$5.00")
    expect(card(page, "CV Parsing")).to_contain_text("10 CVs")
    expect(card(page, "JD Questions")).to_contain_text("$0.01")
    expect(card(page, "JD Questions")).to_contain_text("5,000 tokens")
    expect(card(page, "Video Interviews")).to_contain_text("$7.50")
    expect(card(page, "Video Interviews")).to_contain_text("75 minutes")
    row = page.locator("toll-breakdown tbody tr", has_text=job)
    for told in ("$5.00", "$0.01", "$7.50", "$12.51"):
        expect(row).to_contain_text(told)
    billing(page, running, "?tab=overview")
    expect(page.locator("toll-billing-page")).to_contain_text("$12.51")
    expect(page.locator("aside toll-balance")).to_contain_text("$12.49")
    # The views: what each row of the five tables says.
    (summary,) = sql(running, "select * from recruiting.job_usage_summary where company_id = %s", company.key)
    assert summary["total_cost"] == Decimal("12.51")
    assert (summary["job_id"], summary["job_title"], summary["question_count"]) == (job, "Backend engineer", 30)
    assert (summary["cv_count"], summary["cv_cost"]) == (10, Decimal(5))
    assert (summary["question_tokens"], summary["question_cost"]) == (5000, Decimal("0.01"))
    assert (summary["interview_count"], summary["video_minutes"], summary["video_cost"]) == (5, 75, Decimal("7.5"))
    (video,) = sql(running, "select * from recruiting.video_interview_usage where candidate_id = %s", first)
    assert (video["duration_minutes"], video["minute_price"], video["video_quality"]) == (12, Decimal("0.1"), "HD")
    ledger = sql(running, "select * from recruiting.usage_ledger where company_id = %s", company.key)
    assert len({entry["id"] for entry in ledger}) == len(ledger) == 16
    assert sum(entry["amount"] for entry in ledger) == Decimal("12.51")
    assert {entry["usage_type"] for entry in ledger} == {"cv_parsing", "question_generation", "video_interview"}


def test_each_step_shows_on_the_billing_page_at_once(
    running: Running, sign_in: SignIn, company: Company, page: Page, open_page: OpenPage
) -> None:
    """The three tests of the document, with the billing page open beside."""
    watching = open_page()
    sign_in.in_browser(page, running, name=company.name)
    sign_in.in_browser(watching, running, name=company.name)
    job = company.job("Cook", "We cook for two hundred guests every day, and look for somebody who leads the kitchen.")
    application = company.apply(job)
    billing(watching, running)
    expect(watching.locator(".tabs .live")).to_be_visible()
    # CV parsing: upload a résumé on a job's page, and see 50 cents more.
    page.goto(f"{running.url}/dashboard/jobs/{job}")
    page.get_by_label("Upload CV").set_input_files(SAMPLES / "mina-okafor.pdf")
    expect(page.get_by_text("Parsed the CV of Mina Okafor.")).to_be_visible()
    expect(card(watching, "CV Parsing")).to_contain_text("$0.50")
    # Question generation: what the tokens cost that the model has reported.
    page.get_by_role("button", name="Generate questions").click()
    expect(page.get_by_text("10 questions written.")).to_be_visible()
    tokens = company.bills()[-1]["usage"]["total_tokens"]
    expect(card(watching, "JD Questions")).to_contain_text(f"{tokens:,} tokens")
    charged = Decimal(tokens) * Decimal("0.002") / 1000
    assert company.charge("question_tokens") == charged
    expect(card(watching, "JD Questions")).to_contain_text(f"${charged.normalize():f}")
    # A video interview, of some seconds: a minute.
    page.goto(f"{running.url}/interviews/{application}")
    page.get_by_role("button", name="Start interview").click()
    page.get_by_role("button", name="Finish interview").click()
    expect(page.get_by_text("The interview is over.")).to_be_visible()
    expect(card(watching, "Video Interviews")).to_contain_text("$0.10")
    expect(card(watching, "Video Interviews")).to_contain_text("1 minute")


def test_what_is_kept_with_each_event(running: Running, company: Company) -> None:
    job = company.job("Cook", "x" * 2000)
    application = company.apply(job)
    file = a_docx("Ada Byron", "Skills", "Analysis, Poetry")
    answer = company.parse(application, file)
    assert answer["resume"]["skills"] == ["Analysis", "Poetry"]
    company.questions(job, 4)
    company.interview(application, "2.2", answers=["Yes.", " ", ""])
    (cv,) = sql(running, "select * from recruiting.cv_parsing_usage where company_id = %s", company.key)
    assert (cv["job_id"], cv["candidate_id"], cv["file_size_kb"]) == (job, application, round(len(file) / 1024))
    assert (cv["parse_successful"], cv["success_rate"], cv["unit_price"]) == (True, 95, Decimal("0.5"))
    assert (cv["cost"], len(cv["file_id"])) == (Decimal("0.5"), 16)
    assert cv["created_at"] <= datetime.now(UTC)
    (questions,) = sql(running, "select * from recruiting.question_generation_usage where company_id = %s", company.key)
    usage = company.bills()[1]["usage"]
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert questions[name] == usage[name]
    assert (questions["question_count"], questions["model_used"], questions["job_id"]) == (4, "gpt-4o", job)
    assert (questions["token_price_per_1k"], questions["tokens_estimated"]) == (Decimal("0.002"), False)
    (video,) = sql(running, "select * from recruiting.video_interview_usage where company_id = %s", company.key)
    assert (video["duration_minutes"], video["cost"], video["candidate_id"]) == (2, Decimal("0.2"), application)
    assert (video["completed_questions"], video["total_questions"]) == (1, 4)
    for each in (
        "[Resume Parse] Billing tracked: 0.5 USD (real",
        "[Question Generation] Billing tracked",
        "[Interview] ",
    ):
        assert each in (running.data / "recruiting.log").read_text(encoding="utf-8")


def test_without_skills_the_success_rate_is_80_and_the_same_file_is_charged_once(
    running: Running, company: Company
) -> None:
    application = company.apply(company.job("Cook", "x" * 200))
    company.simulate(content=json.dumps({"name": "A", "email": None, "summary": "B", "skills": [], "experience": []}))
    file = a_pdf("Nobody", "who can do nothing")
    first, again = company.parse(application, file), company.parse(application, file)
    assert (first["resume"], first["billing"]["charge"]) == (again["resume"], "0.5")
    assert len(company.bills()) == 1
    assert company.charge("cv_parse") == Decimal("0.5")
    (cv,) = sql(running, "select success_rate from recruiting.cv_parsing_usage where company_id = %s", company.key)
    assert cv["success_rate"] == 80


def test_tokens_are_estimated_only_where_the_answer_does_not_tell_them(running: Running, company: Company) -> None:
    job = company.job("Cook", "x" * 1994)
    company.simulate(tells_usage=False)
    answer = company.questions(job, 30)
    assert answer["estimated"]
    # 1,994 letters ÷ 4 (a half is rounded up, as by the document's `Math.round`) + 30 × 100, and 30 × 50.
    assert answer["usage"] == {"prompt_tokens": 3499, "completion_tokens": 1500}
    assert answer["billing"]["charge"] == "0.009998"
    assert not company.questions(job, 30)["estimated"]
    sources = {event["dimensions"]["tokens"]: event["cost_source"] for event in company.events("question_tokens")}
    assert sources == {"estimated": "estimate", "reported": "response"}
    rows = company.usage(group_by="tokens")
    assert {row["group"]["tokens"] for row in rows} == {"estimated", "reported"}
    found = "select total_tokens from recruiting.question_generation_usage where company_id = %s and tokens_estimated"
    assert [row["total_tokens"] for row in sql(running, found, company.key)] == [4999]


def test_files_without_text_are_refused_before_anything_is_called(company: Company) -> None:
    application = company.apply(company.job("Cook", "x" * 200))
    for file, status, told in unreadable():
        refused = company.upload(application, file)
        assert (refused.status_code, told in refused.json()["detail"]) == (status, True), refused.text
    assert company.bills() == []
    assert company.usage() == []


def test_who_has_nothing_left_is_refused_before_the_model_is_asked(company: Company, page: Page) -> None:
    job = company.job("Cook", "x" * 200)
    application, invited = company.apply(job), company.apply(job)
    company.use("cv_parse", "49")  # of 25.00, 0.50 are left
    company.parse(application, a_pdf("The last one"))
    refused = company.upload(application, a_pdf("One too many"))
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
    assert "0.50" in refused.json()["detail"]
    assert len(company.bills()) == 1
    # The candidate is told that it can't be, and not what the company has left.
    page.goto(f"{company.running.url}/interviews/{invited}")
    page.get_by_role("button", name="Start interview").click()
    expect(page.get_by_role("status")).to_have_text("The company can't do this now. Please tell it.")
    # An interview that has begun is charged, whatever is left when it ends.
    assert company.status(invited, "completed").status_code == 409


def test_an_interview_that_outlasts_its_reservation_is_charged_all_the_same(company: Company) -> None:
    application = company.apply(company.job("Cook", "x" * 200))
    later = company.apply(company.job("Baker", "x" * 200))
    company.use("cv_parse", "44")  # 3.00 are left, which two times 15 minutes need
    assert company.interview(application, "60")["billing"]["charge"] == "6"
    assert company.status(application, "completed").status_code == 409
    assert company.status(later, "started").status_code == 402
    company.toll("POST", f"/v1/customers/{company.key}/grants", json={"amount": "4.50"})
    assert company.status(later, "started").status_code == 200
    company.toll("POST", f"/v1/holds/interview:{later}/release", json={"customer": company.key})  # as if it was over
    company.use("cv_parse", "3")
    minutes_ago(company.running, later, "20")
    assert company.status(later, "completed").status_code == 200
    assert company.charge("interview_minute") == 8


def test_companies_can_not_see_each_other(running: Running, sign_in: SignIn, company: Company, page: Page) -> None:
    other = Company(running, sign_in, f"{company.name}-other")
    job = company.job("Cook", "x" * 200)
    application = company.apply(job)
    company.parse(application, a_pdf("Somebody"))
    # Its jobs and applications don't exist, and no field of a request changes whose usage it is.
    assert other.jobs() == []
    assert other.upload(application, a_pdf("Somebody")).status_code == 404
    assert other.status(application, "started").status_code == 404
    assert (
        other.http.post("/api/ai/generate-questions", json={"jobId": job, "companyId": company.key}).status_code == 404
    )
    assert other.usage() == []
    # Its page's token shows its own, whatever it asks for.
    token = other.http.get("/billing-token").json()["token"]
    held = {"Authorization": f"Bearer {token}"}
    for path in ("/usage", f"/usage?filter=job:{job}&customer={company.key}", f"/events?customer={company.key}"):
        answer = httpx.get(f"{running.tollkeeper_url}/v1/portal{path}", headers=held, trust_env=False)
        assert answer.status_code in (200, 422)
        assert {"0.5", application}.isdisjoint(values_in(answer.json())), answer.text
    sign_in.in_browser(page, running, name=other.name)
    billing(page, running, f"?tab=usage&job={job}")
    expect(page.locator("toll-billing-page")).to_contain_text("No usage")
    expect(page.locator("toll-billing-page")).not_to_contain_text("$0.50")
    # Nobody who isn't signed in gets a token, or a job.
    for path in ("/billing-token", "/api/jobs"):
        assert httpx.get(running.url + path, trust_env=False).status_code == 401


def test_while_tollkeeper_is_away_work_goes_on_and_nothing_is_lost(
    running: Running, sign_in: SignIn, tmp_path: Path
) -> None:
    """A CV is parsed and an interview held without Tollkeeper; both are charged when it's back."""
    wire = Wire(running.tollkeeper_url)
    with app_behind(wire, running, tmp_path) as url:
        company = Company(running, sign_in, "away", url=url)
        application = company.apply(company.job("Cook", "x" * 200))
        wire.cut()
        parsed = company.parse(application, a_pdf("Mina Okafor", "Skills", "Python, SQL"))
        assert (parsed["resume"]["skills"], parsed["billing"]["charge"]) == (["Python", "SQL"], None)
        assert "[Resume Parse] ⚠️ Failed to record now" in (tmp_path / "log").read_text(encoding="utf-8")
        assert company.status(application, "started").status_code == 200
        minutes_ago(running, application, "5", database=tmp_path / "recruiting.sqlite")
        assert company.status(application, "completed").json()["billing"]["charge"] is None
        assert company.usage() == []
        wire.mend()
        for _ in range(400):
            if len(company.usage()) == 2:
                break
            time.sleep(0.05)
        assert (company.charge("cv_parse"), company.charge("interview_minute")) == (Decimal("0.5"), Decimal("0.5"))
        assert len(company.events("cv_parse")) == len(company.events("interview_minute")) == 1
        assert len(company.bills()) == 2
    wire.cut()


@pytest.fixture(scope="module")
def real_cost(running: Running) -> None:
    """From here on, the example's other catalog is in force."""
    apply_catalog(running.tollkeeper_url, running.admin_key, running.example.catalog("real-cost"))


def test_each_operation_costs_what_its_calls_do_and_a_quarter_more(
    real_cost: None, running: Running, sign_in: SignIn, company: Company, page: Page
) -> None:
    """The three tests of the second document, through the browser."""
    assert [charge_of(each) for each in (CV, QUESTIONS, INTERVIEW)] == [
        Decimal("0.5625"), Decimal("0.01"), Decimal("1.875")
    ]  # fmt: skip
    sign_in.in_browser(page, running, name=company.name)
    job = company.job("Cook", "We cook for two hundred guests every day, and look for somebody who leads the kitchen.")
    application = company.apply(job)
    page.goto(f"{running.url}/dashboard/jobs/{job}")
    company.simulate(usage=CV)
    page.get_by_label("Upload CV").set_input_files(SAMPLES / "mina-okafor.pdf")
    expect(page.get_by_text("Parsed the CV of Mina Okafor.")).to_be_visible()
    company.simulate(usage=QUESTIONS)
    page.get_by_role("button", name="Generate questions").click()
    expect(page.get_by_text("10 questions written.")).to_be_visible()
    page.goto(f"{running.url}/interviews/{application}")
    page.get_by_role("button", name="Start interview").click()
    page.locator("#room textarea").first.fill("I led a kitchen of nine.")
    minutes_ago(running, application, "5")
    company.simulate(usage=INTERVIEW)
    page.get_by_role("button", name="Finish interview").click()
    expect(page.get_by_text("The interview is over.")).to_be_visible()
    used = [bill["usage"] for bill in company.bills()]
    charges = dict(zip(("cv_parse", "question_tokens", "interview_minute"), map(charge_of, used), strict=True))
    assert {meter: company.charge(meter) for meter in charges} == charges
    billing(page, running)
    expect(card(page, "CV Parsing")).to_contain_text("$0.56")
    expect(card(page, "JD Questions")).to_contain_text("$0.01")
    expect(card(page, "Video Interviews")).to_contain_text("$1.88")
    expect(card(page, "Video Interviews")).to_contain_text("5 minutes")
    expect(page.locator("toll-usage [part=total]")).to_contain_text(f"${sum(charges.values()):.2f}")
    (cv,) = sql(running, "select * from recruiting.cv_parsing_usage where company_id = %s", company.key)
    assert (cv["cost"], cv["unit_price"], cv["provider_cost"]) == (charge_of(CV), charge_of(CV), Decimal("0.45"))
    (video,) = sql(running, "select * from recruiting.video_interview_usage where company_id = %s", company.key)
    assert (video["duration_minutes"], video["minute_price"], video["cost"]) == (5, Decimal("0.375"), Decimal("1.875"))


def test_without_a_known_cost_the_fallbacks_stand_in_and_say_so(
    real_cost: None, running: Running, sign_in: SignIn, company: Company, page: Page
) -> None:
    """As with a model that is newer than the price book."""
    job = company.job("Cook", "x" * 200)
    application = company.apply(job)
    company.simulate(response_model="gpt-99", times=3)
    assert company.parse(application, a_pdf("Somebody"))["billing"]["charge"] == "0.5"
    assert company.questions(job, 20)["billing"]["charge"] == "0.01"
    assert company.interview(application, "5.2")["billing"]["charge"] == "1.5"
    assert all(row["estimated"] == 1 for row in company.usage())
    log = (running.data / "recruiting.log").read_text(encoding="utf-8")
    assert "[Resume Parse] Billing tracked: 0.5 USD (fallback, cost None)" in log
    sign_in.in_browser(page, running, name=company.name)
    billing(page, running)
    expect(page.locator("toll-usage [part=total]")).to_contain_text("$2.01")
    expect(page.locator("toll-usage")).to_contain_text("stimated")
    # Once the cost is known, it's charged by that: what was too much is given back.
    (event,) = company.events("interview_minute")
    (call,) = event["calls"]
    known = {"provider": "openai", "model": "gpt-99", "response_id": call["response_id"], "cost": "0.45"}
    correction = {"id": f"{event['id']}:cost", "customer": company.key, "meter": "interview_minute", "quantity": 0}
    company.toll("POST", "/v1/events", json=correction | {"corrects": event["id"], "calls": [known]})
    (video,) = sql(running, "select * from recruiting.video_interview_usage where company_id = %s", company.key)
    assert (
        (video["cost"], video["estimated"]) == (company.charge("interview_minute"), False) == (Decimal("0.5625"), False)
    )
    # What a voice session has used may be told at its end: $32 a million tokens heard, $64 said.
    voice = {"provider": "openai", "model": "gpt-realtime", "response_id": "sess_1", "usage": VOICE}
    voiced = correction | {"id": f"{event['id']}:voice", "corrects": event["id"], "calls": [voice]}
    company.toll("POST", "/v1/events", json=voiced)
    assert company.charge("interview_minute") == (Decimal("0.45") + Decimal("0.32") + Decimal("0.32")) * Decimal("1.25")
    (video,) = sql(running, "select * from recruiting.video_interview_usage where company_id = %s", company.key)
    assert video["provider_cost"] == Decimal("1.09")
