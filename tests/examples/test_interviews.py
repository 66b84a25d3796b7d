"""The interview scheduler over HTTP: who may do what, what takes a credit and gives it back, what money is believed."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from examples.running import Running
from playwright.sync_api import Page, expect
from tests.browser.test_reach import axe
from tests.browser.watched import OpenPage
from tests.examples.conftest import SignIn, Start, asked_at_once
from tests.examples.scheduler import (
    PASSWORD,
    Meet,
    Person,
    Process,
    another_process,
    bills,
    code_of,
    create_in,
    invitation,
    read,
    refused_while_billing_is_away,
    sign_up_in,
    signed,
    simulate,
    until,
)


@pytest.fixture(scope="module")
def running(start: Start) -> Running:
    return start("interviews")


@pytest.fixture
def meet(running: Running) -> Iterator[Meet]:
    meet = Meet(running)
    yield meet
    meet.close()


@pytest.fixture
def dana(meet: Meet) -> Person:
    return meet("Dana").sign_up()


def test_a_new_account_has_no_credits_and_creates_nothing(running: Running, dana: Person) -> None:
    simulate(running)
    assert dana.credits == ("0", "0")
    refused = dana.create()
    assert code_of(refused) == (402, "insufficient_credits")
    assert (dana.states, bills(running)) == ([], 0)
    (wallet,) = dana.portal("GET", "/portal/overview").json()["wallets"]
    assert (wallet["unit"], wallet["available"]) == ("interview_credit", "0")


def test_nobody_who_isnt_signed_in_gets_anything(running: Running, meet: Meet, dana: Person, sign_in: SignIn) -> None:
    nobody = meet("Nobody")
    for path in ("/api/team", "/api/interviews", "/api/payments", "/billing-token"):
        assert code_of(nobody.http.get(path)) == (401, "not_signed_in")
    assert code_of(nobody.create()) == (401, "not_signed_in")
    assert code_of(nobody.http.post("/api/checkout/1")) == (401, "not_signed_in")
    for form in ({"email": dana.email, "password": "a good guess"}, {"email": nobody.email, "password": PASSWORD}):
        assert code_of(nobody.http.post("/sign-in", data=form)) == (401, "wrong_password")
    same = {"email": dana.email, "name": "Another", "password": PASSWORD}
    assert code_of(nobody.http.post("/sign-up", data=same)) == (409, "exists_already")
    assert nobody.http.post("/sign-up", data=same | {"password": "short"}).status_code == 422
    assert sign_in(running, email=dana.email, password=PASSWORD).get("/api/team").json()["email"] == dana.email
    dana.http.post("/sign-out")
    assert code_of(dana.http.get("/api/team")) == (401, "not_signed_in")
    meet("Hasty").sign_up_at_once()


def test_the_products_own_database_may_be_away(running: Running, dana: Person) -> None:
    file = running.data / "app" / "interviews.sqlite"
    aside = file.rename(file.with_suffix(".aside"))
    assert code_of(dana.create()) == (503, "store_failed")
    aside.rename(file)
    assert dana.states == []


def test_an_interview_takes_a_credit_when_it_is_created(running: Running, dana: Person) -> None:
    simulate(running)
    dana.given(3)
    id = str(uuid4())
    answer = dana.create(id=id, kind="leadership", description="Leads a team of five. Hires. Writes plans.")
    assert (answer.status_code, answer.json()) == (201, {"id": id, "charged": "1"})
    assert dana.credits == ("2", "0")
    (interview,) = dana.http.get("/api/interviews").json()
    assert len(json.loads(interview["questions"])["questions"]) >= 3
    event = dana.toll("GET", f"/v1/events/{id}?customer={dana.team}")
    assert (event["charge"], event["unit"], event["member"]) == ("1", "interview_credit", dana.email)
    assert event["dimensions"] == {"kind": "leadership"}
    assert float(event["cost"]) > 0
    assert bills(running) == 1


def test_pressing_twice_creates_one_and_costs_one(running: Running, dana: Person) -> None:
    simulate(running, {"until_released": True})
    dana.given(5)
    id = str(uuid4())
    answers = asked_at_once(running, lambda _: dana.create(id=id), range(5), refused=4)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert (dana.credits, dana.states, bills(running)) == (("4", "0"), ["created"], 1)


def test_the_last_credit_goes_to_one_of_those_who_ask_at_once(running: Running, meet: Meet, dana: Person) -> None:
    simulate(running, {"until_released": True})
    erin = meet("Erin").sign_up()
    erin.http.post("/api/team", data={"invitation": dana.http.get("/api/team").json()["invitation"].rpartition("/")[2]})
    dana.given(1)
    answers = asked_at_once(running, lambda who: who.create(), [dana, erin] * 4, refused=7)
    assert sorted(answer.status_code for answer in answers) == [201] + [402] * 7
    assert {answer.json()["code"] for answer in answers if answer.status_code == 402} == {"insufficient_credits"}
    assert (dana.credits, dana.states, bills(running)) == (("0", "0"), ["created"], 1)


@pytest.mark.parametrize(
    ("step", "billed"),
    [
        ({"status": 400}, 0),
        ({"status": 500, "times": 2, "headers": {"retry-after-ms": "5"}}, 0),
        ({"abort_after_chunks": 0, "times": 2}, 2),
        ({"content": "I won't."}, 1),
        ({"content": '{"questions": []}'}, 1),
    ],
    ids=["refused", "failed", "broken off", "no questions", "too few questions"],
)
def test_a_credit_comes_back_when_the_model_fails(
    running: Running, dana: Person, step: dict[str, Any], billed: int
) -> None:
    """Also where the provider takes money for it: that is the product's loss, and stands in its books."""
    simulate(running, step)
    dana.given(1)
    id = str(uuid4())
    assert code_of(dana.create(id=id)) == (503, "model_failed")
    assert (dana.credits, dana.states, bills(running)) == (("1", "0"), ["failed"], billed)
    if "content" in step:
        event = dana.toll("GET", f"/v1/events/{id}?customer={dana.team}")
        assert (event["charge"], event["quantity"]) == ("0", "0")
        assert float(event["cost"]) > 0
    assert dana.create().status_code == 201
    assert dana.credits == ("0", "0")


def test_only_the_processors_word_makes_credits(running: Running, dana: Person) -> None:
    top_up = dana.buy(5)
    payment = dana.check_out(top_up)
    told = dana.told(top_up, payment, "5")
    bare = httpx.post(f"{running.url}/api/billing/webhook", json=told, trust_env=False)
    assert code_of(bare) == (401, "not_signed")
    assert code_of(signed(running, told, key="a guess")) == (401, "not_signed")
    assert code_of(signed(running, told, at=time.time() - 301)) == (401, "not_signed")
    assert code_of(signed(running, told, at=time.time() + 301)) == (401, "not_signed")
    odd = [(b"Processor-Signature", "t=ü,v1=é".encode("latin-1"))]
    assert (
        httpx.post(f"{running.url}/api/billing/webhook", content=b"{}", headers=odd, trust_env=False).status_code == 401
    )
    paid = dana.portal("POST", f"/top-ups/{top_up['id']}/paid", json={"customer": dana.team})
    assert paid.status_code in (401, 403)
    assert dana.portal("POST", f"/portal/top-ups/{top_up['id']}/test-payment", json={"outcome": "paid"}).is_error
    assert dana.credits == ("0", "0")
    dana.pay(payment)
    until(lambda: dana.credits == ("5", "0"))


def test_hearing_it_again_changes_nothing(running: Running, dana: Person) -> None:
    top_up = dana.buy(10)
    payment = dana.check_out(top_up)
    dana.pay(payment)
    until(lambda: dana.credits == ("10", "0"))
    told = dana.told(top_up, payment, "10")
    for _ in range(2):
        assert signed(running, told).status_code == 204
    dana.pay(payment)  # the browser's back button
    assert dana.credits == ("10", "0")
    assert [each["state"] for each in dana.http.get("/api/payments").json()] == ["paid"]


def test_two_payments_of_one_top_up_are_both_seen_and_one_is_paid_back(running: Running, dana: Person) -> None:
    top_up = dana.buy(5)
    first, second = dana.check_out(top_up), dana.check_out(top_up)
    dana.pay(first)
    until(lambda: dana.credits == ("5", "0"))
    dana.pay(second)
    until(lambda: len(dana.http.get("/api/payments").json()) == 2)
    until(lambda: dana.http.get("/api/payments").json()[0]["state"] == "refunded")
    assert [each["state"] for each in dana.http.get("/api/payments").json()] == ["refunded", "paid"]
    assert dana.credits == ("5", "0")
    kept = dana.toll("GET", f"/v1/top-ups/{top_up['id']}?customer={dana.team}")
    assert (kept["state"], kept["reference"]) == ("paid", first.rpartition("/")[2])


def test_what_isnt_the_price_is_paid_back_and_a_refusal_can_be_tried_again(running: Running, dana: Person) -> None:
    top_up = dana.buy(5)
    refused, little = dana.check_out(top_up), dana.check_out(top_up)
    dana.pay(refused, "declined")
    told = dana.told(top_up, little, "0.01")
    assert signed(running, told).status_code == 204
    states = {each["payment"]: each["state"] for each in dana.http.get("/api/payments").json()}
    assert states == {refused.rpartition("/")[2]: "declined", little.rpartition("/")[2]: "refunded"}
    assert dana.credits == ("0", "0")
    dana.pay(dana.check_out(top_up))
    until(lambda: dana.credits == ("5", "0"))


def test_nobody_waits_while_somebody_signs_up(running: Running, meet: Meet, dana: Person, tmp_path: Path) -> None:
    """Tollkeeper may take its time to answer: until then the product's database is everybody's."""
    with another_process(running, tmp_path) as process:
        process.line.stall()
        late = meet("Late", process.url)
        with ThreadPoolExecutor(1) as threads:
            signed_up = threads.submit(late.sign_up)
            until(lambda: process.line.waiting)
            file = running.data / "app" / "interviews.sqlite"
            with closing(sqlite3.connect(file, timeout=0)) as database, database:
                database.execute("update users set name = name where email = ?", [dana.email])
            process.line.flow()
            signed_up.result()


def test_an_invitation_is_good_for_a_week(running: Running, meet: Meet, dana: Person) -> None:
    secret = json.loads((running.data / "secrets.json").read_text())["signing"]
    erin = meet("Erin").sign_up()
    own = erin.team
    for days, status in ((6.9, 204), (7.1, 404)):
        answer = erin.http.post("/api/team", data={"invitation": invitation(secret, dana.team, days)})
        assert answer.status_code == status
        assert erin.team == (dana.team if status == 204 else own)
        erin.http.post("/api/team")


def test_teams_see_nothing_of_each_other(running: Running, meet: Meet, dana: Person) -> None:
    top_up = dana.buy(5)
    dana.given(1).create()
    stranger = meet("Stranger").sign_up()
    assert code_of(stranger.http.post(f"/api/checkout/{top_up['id']}")) == (404, "unknown_top_up")
    assert stranger.portal("GET", f"/portal/top-ups/{top_up['id']}").status_code == 404
    assert stranger.states == []
    assert stranger.http.get("/api/payments").json() == []
    assert stranger.portal("GET", "/portal/events").json()["data"] == []


def test_members_share_the_teams_credits_and_each_ones_use_is_seen(running: Running, meet: Meet, dana: Person) -> None:
    simulate(running)
    erin = meet("Erin").sign_up().given(7)
    link = dana.given(5).http.get("/api/team").json()["invitation"].rpartition("/")[2]
    assert code_of(erin.http.post("/api/team", data={"invitation": f"x{link}"})) == (404, "invitation_over")
    assert erin.http.post("/api/team", data={"invitation": link}).status_code == 204
    assert [each["email"] for each in dana.http.get("/api/team").json()["members"]] == [dana.email, erin.email]
    for who in (erin, erin, dana):
        assert who.create().status_code == 201
    assert dana.credits == erin.credits == ("2", "0")
    rows = dana.portal("GET", "/portal/usage", params={"window": "day", "group_by": "member"}).json()["rows"]
    assert {row["group"]["member"]: row["charge"] for row in rows} == {dana.email: "1", erin.email: "2"}
    used = read(running, "email, interviews, credits from interviews.credit_usage", dana.team)
    assert used == [(dana.email, 1, 1), (erin.email, 2, 2)]
    assert read(running, "credits, held from interviews.credits", dana.team) == [(2, 0)]
    created = read(running, "created, kind, position, minutes from interviews.interviews", dana.team)
    assert created == [(True, "technical", "Toll keeper", 30)] * 3
    erin.http.post("/api/team")  # back to her own team, which has kept what it had
    assert (erin.credits, dana.credits) == (("7", "0"), ("2", "0"))
    assert len(dana.states) == 3


def test_what_a_process_was_about_to_create_costs_nothing_when_it_dies(
    running: Running, meet: Meet, tmp_path: Path
) -> None:
    """And while Tollkeeper is away nothing is created; what was created in time is charged when it's back."""
    with another_process(running, tmp_path) as process:
        dana = meet("Dana", process.url).sign_up().given(3)
        dies_amid_one_and_right_after_another(running, process, dana)
        refused_while_billing_is_away(meet, process, dana)


def dies_amid_one_and_right_after_another(running: Running, process: Process, dana: Person) -> None:
    """One is being created. The other has its questions, and its credit is noted, but Tollkeeper has not heard."""
    simulate(running, {"timeout": True}, {"until_released": True})
    with ThreadPoolExecutor(2) as threads:
        id = str(uuid4())
        lost = threads.submit(dana.create, id=id)
        until(lambda: bills(running) == 1)
        hold = dana.toll("GET", f"/v1/holds/{id}?customer={dana.team}")
        begun, ends = (datetime.fromisoformat(hold[at]) for at in ("created_at", "expires_at"))
        assert timedelta(minutes=4, seconds=50) < ends - begun <= timedelta(minutes=5)
        noted = threads.submit(dana.create)
        until(lambda: bills(running) == 2)
        process.line.cut()
        httpx.post(f"{running.simulator_url}/_simulator/release", trust_env=False).raise_for_status()
        assert (noted.result().status_code, noted.result().json()["charged"]) == (201, None)
        assert dana.credits == ("1", "2")
        process.kill()
        assert isinstance(lost.exception(), httpx.HTTPError)
    process.line.mend()
    process.start()
    until(lambda: dana.credits == ("2", "0"))
    assert dana.states == ["created", "failed"]


def test_the_documented_steps_in_a_browser_with_a_second_tab_that_sees_it_live(running: Running, page: Page) -> None:
    simulate(running)
    sign_up_in(page, running, "Dana")
    balance, said = page.locator("aside toll-balance"), page.locator("#said")
    expect(balance).to_contain_text("0 interview credits")
    expect(said).to_contain_text("You have no credits")
    create_in(page, "Toll keeper")
    expect(said.get_by_role("alert")).to_contain_text("No credits left")
    other = page.context.new_page()
    other.goto(f"{running.url}/usage")
    expect(other.locator("aside toll-balance")).to_contain_text("0 interview credits")
    said.get_by_role("link", name="Add credits").click()
    page.get_by_role("button", name="+5").click()
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.locator("#facts")).to_contain_text("5 interview credits")
    expect(page.locator("#price")).to_have_text("$5.00")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("No money moves")).to_be_visible()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.locator("toll-balance.large")).to_contain_text("5 interview credits")
    expect(other.locator("aside toll-balance")).to_contain_text("5 interview credits")
    expect(page.locator("toll-top-up")).to_contain_text("added")
    expect(page.locator("#payments tbody")).to_contain_text("$5.00Paid")
    page.get_by_role("link", name="Interviews").click()
    create_in(page, "Toll keeper")
    expect(said).to_have_text("The interview is created. It took 1 credit.")
    for each in (page, other):
        expect(each.locator("aside toll-balance")).to_contain_text("4 interview credits")
    expect(page.locator("#list details[open] li").nth(2)).to_be_visible()
    other.reload()
    expect(other.locator("#days tbody tr").filter(has_text="Dana").locator("td").last).to_have_text("1")


def test_in_a_browser_what_fails_is_said_with_the_way_on(running: Running, page: Page, meet: Meet) -> None:
    email = sign_up_in(page, running, "Dana")
    dana = meet("Dana")
    assert dana.http.post("/sign-in", data={"email": email, "password": PASSWORD}).status_code == 204
    dana.given(1)
    simulate(running, {"status": 400})
    page.reload()
    create_in(page, "Toll keeper")
    alert = page.locator("#said").get_by_role("alert")
    expect(alert).to_contain_text("Your credit is back")
    expect(page.locator("#list")).to_contain_text("Failed, not charged")
    alert.get_by_role("button", name="Try again").click()
    expect(page.locator("#said")).to_have_text("The interview is created. It took 1 credit.")
    page.goto(f"{running.url}/checkout/{uuid4()}")
    expect(page.get_by_role("alert")).to_contain_text("No such purchase")
    page.goto(f"{running.url}/nowhere")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.context.clear_cookies()
    page.goto(f"{running.url}/billing")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("a good guess")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("no account with this e-mail address and password")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Billing")).to_be_visible()


def test_on_a_phone_with_a_pack_that_expires_and_a_team(running: Running, open_page: OpenPage, dana: Person) -> None:
    simulate(running)
    dana.pay(dana.check_out(dana.buy(pack="launch")))
    until(lambda: dana.credits == ("25", "0"))
    page = open_page(viewport={"width": 360, "height": 740})
    sign_up_in(page, running, "Erin")
    page.goto(dana.http.get("/api/team").json()["invitation"])
    page.get_by_role("button", name="Join the team").click()
    expect(page.locator("#members")).to_contain_text("Dana")
    page.get_by_role("link", name="Interviews", exact=True).click()
    create_in(page, "An unusually long position: " + "keeper" * 12)
    expect(page.locator("#said")).to_contain_text("It took 1 credit")
    there = {"interviews": "#list", "billing": "toll-activity [part~=line]", "usage": "#days td", "team": "#members li"}
    for name, shown in there.items():
        page.goto(f"{running.url}/{name}")
        expect(page.locator(shown).first).to_be_visible()
        expect(page.locator("aside strong")).to_have_text("Erin")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, name
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert axe(page) == [], (name, scheme)
    page.goto(f"{running.url}/billing")
    last = (datetime.now(ZoneInfo("Europe/Berlin")) + timedelta(days=30)).strftime("%b %-d, %Y")
    expect(page.locator("#lots tbody tr")).to_have_count(2)
    expect(page.locator("#lots tbody tr").first).to_contain_text(last)
    expect(page.locator("#lots")).to_contain_text("Bonus")
