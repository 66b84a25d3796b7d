"""Plans on the command line."""

from __future__ import annotations

import re

from tests.cli.conftest import Toll


def test_a_customer_is_put_on_a_plan_now(gate: Toll) -> None:
    assert gate("plan", "show", "acme", "--json").json == {
        "customer": "acme",
        "plan": None,
        "name": None,
        "since": None,
        "next": None,
        "history": [],
    }
    lines = gate("plan", "set", "acme", "pro").out.splitlines()
    assert lines[:2] == ["customer  acme", "plan      pro (Professional)"]
    assert lines[3:] == [
        "price interview: 2 interview_credit per interview",
        "grant monthly: 10 interview_credit every month, promotional; what is left lapses",
        "limit daily_tokens: 5,000 of tokens per day, hard",
    ]
    [change] = gate("plan", "history", "acme", "--json").json
    assert (change["plan"], change["withdrawn_at"]) == ("pro", None)
    assert change["decided_by"].endswith("(command line)")
    assert "pro" in gate("plan", "history", "acme").out
    # Limits, grants and prices follow.
    daily = gate("limit", "list", "acme", "--json").json["data"][0]
    assert (daily["limit"], daily["cap"]) == ("daily_tokens", "5000")
    assert gate("balance", "acme", "--json").json["wallets"][0]["balance"] == "10"
    assert gate("estimate", "acme", "interview", "--json").json["charge"] == "2"


def test_a_change_is_planned_and_withdrawn(gate: Toll) -> None:
    gate("plan", "set", "acme", "pro")
    planned = gate("plan", "set", "acme", "basic", "--from", "2099-01-01", "--json").json
    assert (planned["plan"], planned["next"]) == ("pro", {"plan": "basic", "from": "2099-01-01T05:00:00Z"})
    shown = gate("plan", "end", "acme", "--from", "period-end")
    assert "\nnext      no plan from " in shown.out
    begins = gate("plan", "show", "acme", "--json").json["next"]["from"]
    # The first of a month, at midnight in New York.
    assert re.fullmatch(r"\d{4}-\d\d-01T0[45]:00:00Z", begins)
    history = gate("plan", "history", "acme", "--json").json
    assert [(one["plan"], one["withdrawn_at"] is None) for one in history] == [
        ("pro", True),
        (None, True),
        ("basic", False),
    ]
    assert "the default" in gate("plan", "history", "acme").out
    gate("plan", "end", "acme")
    assert gate("plan", "show", "acme", "--json").json["plan"] is None
    assert gate("plan", "history", "globex").out == "The customer was never put on a plan.\n"


def test_what_is_wrong_with_a_plan(gate: Toll) -> None:
    gate("plan", "set", "acme", "pro")
    for line, code in {
        ("show", "nobody"): "unknown_customer",
        ("history", "nobody"): "unknown_customer",
        ("set", "nobody", "pro"): "unknown_customer",
        ("set", "acme", "gold"): "unknown_plan",
        ("set", "acme", "basic", "--from", "someday"): "invalid_time",
        ("set", "acme", "basic", "--from", "0001-01-01"): "invalid_time",
        ("set", "acme", "basic", "--from", "2020-01-01"): "plan_in_past",
        ("end", "nobody"): "unknown_customer",
    }.items():
        ran = gate("plan", *line, "--json")
        assert (ran.status, ran.out, ran.error) == (1, "", code), line
    assert gate("plan", "show", "acme", "--json").json["plan"] == "pro"
