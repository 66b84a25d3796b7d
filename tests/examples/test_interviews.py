"""The interview scheduler over HTTP: who may do what, what takes a credit and gives it back, what money is believed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from examples.running import Running
from tests.examples.conftest import SignIn, Start
from tests.examples.scheduler import (
    PASSWORD,
    Meet,
    Person,
    Process,
    another_process,
    bills,
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


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


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
    assert code_of(nobody.http.post("/sign-in", data={"email": dana.email, "password": "a good guess"})) == (
        401,
        "wrong_password",
    )
    assert code_of(nobody.http.post("/sign-in", data={"email": nobody.email, "password": PASSWORD})) == (
        401,
        "wrong_password",
    )
    same = {"email": dana.email, "name": "Another", "password": PASSWORD}
    assert code_of(nobody.http.post("/sign-up", data=same)) == (409, "exists_already")
    assert nobody.http.post("/sign-up", data=same | {"password": "short"}).status_code == 422
    assert sign_in(running, email=dana.email, password=PASSWORD).get("/api/team").json()["email"] == dana.email
    dana.http.post("/sign-out")
    assert code_of(dana.http.get("/api/team")) == (401, "not_signed_in")


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
    simulate(running, {"delay_ms": 300})
    dana.given(5)
    id = str(uuid4())
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: dana.create(id=id).status_code, range(5)))
    assert sorted(answers) == [201, 409, 409, 409, 409]
    assert (dana.credits, dana.states, bills(running)) == (("4", "0"), ["created"], 1)


def test_the_last_credit_goes_to_one_of_those_who_ask_at_once(running: Running, meet: Meet, dana: Person) -> None:
    simulate(running, {"delay_ms": 300, "times": 2})
    erin = meet("Erin").sign_up()
    erin.http.post("/api/team", data={"invitation": dana.http.get("/api/team").json()["invitation"].rpartition("/")[2]})
    dana.given(1)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda who: who.create(), [dana, erin] * 4))
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
    told = {"payment": "pay_1", "state": "paid", "amount": "5", "currency": "USD", "top_up": top_up["id"]}
    told |= {"customer": dana.team}
    bare = httpx.post(f"{running.url}/api/billing/webhook", json=told, trust_env=False)
    assert code_of(bare) == (401, "not_signed")
    assert code_of(signed(running, told, key="a guess")) == (401, "not_signed")
    assert code_of(signed(running, told, at=time.time() - 301)) == (401, "not_signed")
    assert code_of(signed(running, told, at=time.time() + 301)) == (401, "not_signed")
    odd = {"Processor-Signature": "t=ü,v1=é".encode("latin-1")}
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
    told = {"payment": payment.rpartition("/")[2], "state": "paid", "amount": "10", "currency": "USD"}
    told |= {"top_up": top_up["id"], "customer": dana.team}
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
    told = {"payment": little.rpartition("/")[2], "state": "paid", "amount": "0.01", "currency": "USD"}
    told |= {"top_up": top_up["id"], "customer": dana.team}
    assert signed(running, told).status_code == 204
    states = {each["payment"]: each["state"] for each in dana.http.get("/api/payments").json()}
    assert states == {refused.rpartition("/")[2]: "declined", little.rpartition("/")[2]: "refunded"}
    assert dana.credits == ("0", "0")
    dana.pay(dana.check_out(top_up))
    until(lambda: dana.credits == ("5", "0"))


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
    invitation = dana.given(5).http.get("/api/team").json()["invitation"].rpartition("/")[2]
    assert code_of(erin.http.post("/api/team", data={"invitation": invitation[:-1] + "x"})) == (404, "invitation_over")
    assert erin.http.post("/api/team", data={"invitation": invitation}).status_code == 204
    assert [each["email"] for each in dana.http.get("/api/team").json()["members"]] == [dana.email, erin.email]
    for who in (erin, erin, dana):
        assert who.create().status_code == 201
    assert dana.credits == erin.credits == ("2", "0")
    rows = dana.portal("GET", "/portal/usage", params={"window": "day", "group_by": "member"}).json()["rows"]
    assert {row["group"]["member"]: row["charge"] for row in rows} == {dana.email: "1", erin.email: "2"}
    erin.http.post("/api/team")  # back to her own team, which has kept what it had
    assert (erin.credits, dana.credits) == (("7", "0"), ("2", "0"))
    assert len(dana.states) == 3


def test_what_a_process_was_about_to_create_costs_nothing_when_it_dies(
    running: Running, meet: Meet, tmp_path: Path
) -> None:
    """And while Tollkeeper is away nothing is created; what was created in time is charged when it's back."""
    with another_process(running, tmp_path) as process:
        dana = meet("Dana", process.url).sign_up().given(3)
        dies_amid_a_call(running, process, dana)
        dies_between_answer_and_end(running, process, dana)
        refused_while_billing_is_away(meet, process, dana)


def dies_amid_a_call(running: Running, process: Process, dana: Person) -> None:
    simulate(running, {"delay_ms": 5_000})

    def create() -> None:
        with pytest.raises(httpx.HTTPError):
            dana.create()

    lost = threading.Thread(target=create)
    lost.start()
    until(lambda: bills(running) == 1)
    assert dana.credits == ("2", "1")
    assert dana.states == ["creating"]
    process.kill()
    lost.join()
    process.start()
    until(lambda: dana.credits == ("3", "0"))
    assert dana.states == ["failed"]


def dies_between_answer_and_end(running: Running, process: Process, dana: Person) -> None:
    """The questions are there and the credit is noted, but Tollkeeper hasn't heard of it when the process is gone."""
    simulate(running, {"delay_ms": 1_500})
    answers: list[httpx.Response] = []
    asking = threading.Thread(target=lambda: answers.append(dana.create()))
    asking.start()
    until(lambda: bills(running) == 1)
    process.line.cut()
    asking.join()
    assert (answers[0].status_code, answers[0].json()["charged"]) == (201, None)
    process.kill()
    process.line.mend()
    process.start()
    until(lambda: dana.credits == ("2", "0"))
    assert dana.states == ["created", "failed"]


def refused_while_billing_is_away(meet: Meet, process: Process, dana: Person) -> None:
    process.line.cut()
    assert code_of(dana.create()) == (503, "unreachable")
    late = {"email": "late@example.com", "name": "Late", "password": PASSWORD}
    assert code_of(meet("Late", process.url).http.post("/sign-up", data=late)) == (503, "unreachable")
    assert dana.states == ["created", "failed"]
    process.line.mend()
    until(lambda: dana.create().status_code == 201)
    assert dana.credits == ("1", "0")
    assert meet("Late").http.post("/sign-up", data=late).status_code == 204
