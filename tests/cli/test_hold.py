"""Holds on the command line: ask, reserve, settle, release, and hear why not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Toll

CALLS = '[{"provider": "openai", "model": "gpt-5", "cost": 1.1}]'


@pytest.fixture
def funded(gate: Toll) -> Toll:
    """acme has three credits."""
    assert gate("grant", "acme", "3", "--unit", "interview_credit").status == 0
    return gate


def test_an_operation_is_held_and_settled(funded: Toll) -> None:
    checked = funded("hold", "check", "acme", "interview")
    assert checked.out == "It may begin: it would take 1 interview_credit, and 3 interview_credit are available.\n"
    checked = funded("hold", "check", "acme", "interview", "--json").json
    assert checked == {
        "allowed": True,
        "amount": "1",
        "unit": "interview_credit",
        "available": "3",
        "limits": [],
        "warnings": [],
    }
    terms = ("--id", "i-1", "--member", "ann", "--metadata", '{"room": 7}', "--expires-in", "60")
    shown = funded("hold", "open", "acme", "interview", *terms).out
    assert "\nstate        open\n" in shown
    assert shown.endswith("\navailable    2\n")
    again = funded("hold", "open", "acme", "interview", *terms)
    assert again.out.startswith("It was held before; nothing was done.\n")
    held = funded("hold", "show", "acme", "i-1", "--json").json
    assert (held["state"], held["amount"], held["from_wallet"], held["member"]) == ("open", "1", "1", "ann")
    assert held["created_at"][17:] != ""
    settled = funded("hold", "settle", "acme", "i-1", "--json").json
    assert (settled["accepted"], settled["hold"]["state"], settled["hold"]["charged"]) == (1, "settled", "1")
    assert settled["results"] == [{"id": "i-1", "status": "accepted", "charge": "1", "unit": "interview_credit"}]
    twice = funded("hold", "settle", "acme", "i-1", "--json").json
    assert (twice["accepted"], twice["duplicates"]) == (0, 1)
    event = funded("events", "show", "i-1", "--customer", "acme", "--json").json
    assert (event["member"], event["metadata"]) == ("ann", {"room": 7})
    assert funded("verify").status == 0


def test_what_would_be_owed_is_told(gate: Toll) -> None:
    asked = ("hold", "check", "acme", "cv_parse", "--quantity", "1")
    assert gate(*asked).out.splitlines()[0] == "It may begin: 0.50 USD would be owed."
    assert gate("grant", "acme", "0.20", "--unit", "USD").status == 0
    told = "It may begin: it would take 0.20 USD from the wallet, and 0.30 USD would be owed."
    assert gate(*asked).out.splitlines()[0] == told
    free = gate("hold", "check", "acme", "tokens_in", "--quantity", "1").out
    assert free.startswith("It may begin: it would cost nothing.\n")


def test_refusals_tell_every_reason(gate: Toll) -> None:
    refused = gate("hold", "open", "acme", "interview")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        "error: The operation needs 1 interview_credit, and 0 interview_credit are available. (insufficient_credits)\n"
        "  more can be had at https://shop.example/acme?unit=interview_credit\n"
    )
    gate("limit", "set", "acme", "interviews", "--meter", "interview", "--per", "day", "--cap", "0")
    gate("limit", "set", "acme", "weekly", "--meter", "interview", "--per", "week", "--cap", "0", "--mode", "soft")
    both = gate("hold", "check", "acme", "interview")
    assert both.status == 1
    lines = both.err.splitlines()
    assert lines[0].endswith("(insufficient_credits)")
    assert lines[2] == (
        "  also: The limit 'Interviews' allows 0 per day: 0 used, 1 more needed. "
        "That is more than the whole limit, so it never fits. (limit_exceeded)"
    )
    assert len(lines) == 3
    told = json.loads(gate("hold", "open", "acme", "interview", "--json").err)
    assert (told["code"], [one["code"] for one in told["reasons"]]) == (
        *("insufficient_credits", ["insufficient_credits", "limit_exceeded"]),
    )
    gate("limit", "set", "acme", "daily_tokens", "--cap", "10")
    gate("hold", "open", "acme", "tokens_in", "--quantity", "6")
    full = gate("hold", "open", "acme", "tokens_in", "--quantity", "5")
    assert (
        "allows 10 per day: 0 used and 6 held, 5 more needed. (limit_exceeded)\n  there is room again at " in full.err
    )
    gate("customers", "suspend", "acme")
    assert gate("hold", "open", "acme", "tokens_in", "--quantity", "1", "--json").error == "customer_suspended"
    assert gate("hold", "check", "acme", "tokens_in", "--quantity", "1", "--json").error == "customer_suspended"
    assert [one["state"] for one in gate("hold", "list", "acme", "--json").json] == ["open"]


def test_limits_and_warnings_stand_beside_a_hold(gate: Toll) -> None:
    found = gate("hold", "open", "acme", "tokens_out", "--quantity", "800", "--json").json
    assert found["id"]
    assert [(one["limit"], one["held"], one["remaining"]) for one in found["limits"]] == [
        ("daily_tokens", "800", "200"),
        ("spend", "16", "0"),
    ]
    [warning] = found["warnings"]
    assert (warning["code"], warning["limit"], warning["needed"], warning["cap"]) == (
        *("limit_exceeded", "spend", "16", "15"),
    )
    assert set(warning["window"]) == {"start", "end"}
    table = gate("hold", "check", "acme", "tokens_out", "--quantity", "100").out
    assert "warning: The operation goes beyond the limit 'Spend'" in table
    assert ["daily_tokens", "day", "-", "0", "800", "1000", "200", "hard"] in map(str.split, table.splitlines())


def test_a_settlement_may_differ_from_its_hold(gate: Toll, write: Callable[[str, str], Path]) -> None:
    gate("hold", "open", "acme", "cv_parse", "--id", "a", "--quantity", "2", "--dimension", "job:cook")
    settled = gate("hold", "settle", "acme", "a", "--quantity", "3.5").out
    assert "\ncharged      1.75\n" in settled
    assert ["a", "accepted", "1.75", "USD", "-"] in map(str.split, settled.splitlines())
    assert gate("events", "show", "a", "--customer", "acme", "--json").json["dimensions"] == {"job": "cook"}

    gate("hold", "open", "acme", "answer", "--id", "b", "--calls", CALLS)
    events = '[{"id": "b-1", "meter": "cv_parse", "quantity": 0.1}, {"id": "b-2", "meter": "nothing"}]'
    partly = gate("hold", "settle", "acme", "b", "--events", write("events.json", events), "--json")
    assert partly.status == 2
    assert (partly.json["accepted"], partly.json["rejected"], partly.json["hold"]["charged"]) == (1, 1, "0.05")
    assert partly.json["results"][1]["error"]["code"] == "unknown_meter"

    gate("hold", "open", "acme", "answer", "--id", "c", "--calls", CALLS)
    lines = (
        b'{"id": "c-1", "meter": "answer", "calls": '
        + CALLS.encode()
        + b'}\n{"id": "c-2", "meter": "cv_parse", "quantity": 1}\n'
    )
    done = gate("hold", "settle", "acme", "c", "--events", "-", "--json", stdin=lines)
    assert (done.status, done.json["accepted"], done.json["hold"]["charged"]) == (0, 2, "2.15")
    assert gate("verify").status == 0


def test_a_settlement_of_bad_numbers_leaves_the_hold_open(gate: Toll) -> None:
    gate("hold", "open", "acme", "cv_parse", "--id", "a", "--quantity", "1")
    refused = gate("hold", "settle", "acme", "a", "--quantity=-1", "--json")
    assert (refused.status, refused.json["hold"]["state"]) == (2, "open")
    assert refused.json["results"][0]["error"]["code"] == "negative_quantity"
    nothing = gate(
        "hold", "settle", "acme", "a", "--events", "-", stdin=b'[{"id": "x", "meter": "cv_parse", "quantity": NaN}]'
    )
    assert (nothing.status, "invalid_quantity" in gate("quarantine", "list").out) == (2, True)


def test_holds_are_released_extended_doubted_and_listed(funded: Toll) -> None:
    for id in ("a", "b", "c"):
        funded("hold", "open", "acme", "interview", "--id", id)
    assert "\nstate        released\n" in funded("hold", "release", "acme", "a", "--note", "it failed").out
    assert funded("hold", "release", "acme", "a", "--json").json["note"] == "it failed"
    before = funded("hold", "show", "acme", "b", "--json").json["expires_at"]
    assert funded("hold", "extend", "acme", "b", "--expires-in", "7200", "--json").json["expires_at"] > before
    doubted = funded("hold", "doubt", "acme", "c", "--note", "no answer", "--json").json
    assert (doubted["state"], doubted["note"]) == ("in_doubt", "no answer")
    assert doubted["expires_at"] > before

    def ids(*options: str) -> list[str]:
        return [one["id"] for one in funded("hold", "list", *options, "--json").json]

    assert ids("acme") == ids() == ["c", "b", "a"]
    assert ids("--state", "open", "--state", "released") == ["b", "a"]
    assert ids("acme", "--limit", "1") == ["c"]
    assert ids("globex") == []
    assert funded("hold", "list", "globex").out == "No holds.\n"
    assert "in_doubt" in funded("hold", "list").out
    assert funded("balance", "acme", "--json").json["wallets"][0]["held"] == "2"


def test_usage_of_a_hold_that_has_ended_is_recorded_all_the_same(funded: Toll, owner: Callable[[str], Any]) -> None:
    funded("hold", "open", "acme", "interview", "--id", "late")
    owner("update holds set expires_at = now() - interval '1 s', created_at = now() - interval '1 h'")
    assert funded("hold", "show", "acme", "late", "--json").json["state"] == "expired"
    late = funded("hold", "settle", "acme", "late", "--json").json
    assert (late["accepted"], late["notice"]["code"], late["hold"]["state"]) == (1, "hold_expired", "expired")
    funded("hold", "open", "acme", "interview", "--id", "freed")
    funded("hold", "release", "acme", "freed")
    told = funded("hold", "settle", "acme", "freed").out
    assert told.startswith("The hold had ended before (released): the usage was recorded")
    assert funded("verify").status == 0


def test_estimates_show_their_arithmetic(gate: Toll) -> None:
    assert gate("estimate", "acme", "token", "--quantity", "1500").out.splitlines()[:-1] == [
        "token of acme: 12.50 USD",
        "1. Tier 1 (up to 1,000): 1,000 tokens × 0.01 USD = 10.00 USD",
        "2. Tier 2 (above 1,000): 500 tokens × 0.005 USD = 2.50 USD",
        "3. All tiers together: 1,500 tokens cost 12.50 USD",
        "4. Charge of this event: 12.50 USD",
    ]
    # Behind what is held.
    gate("hold", "open", "acme", "token", "--quantity", "1000")
    found = gate("estimate", "acme", "token", "--quantity", "500", "--json").json
    assert (found["charge"], found["unit"], found["estimated"]) == ("2.5", "USD", False)
    assert found["steps"][-1]["figures"] == {"charge": "2.5"}
    assert gate("estimate", "acme", "answer", "--calls", CALLS, "--json").json["charge"] == "1.65"


def test_alerts_are_told_in_words(funded: Toll) -> None:
    assert funded("alerts").out == "No alerts.\n"
    funded("limit", "set", "acme", "daily_tokens", "--cap", "10")
    for id, meter, quantity in (("t", "tokens_in", "8"), ("i", "interview", "1"), ("j", "interview", "1")):
        funded("hold", "open", "acme", meter, "--id", id, "--quantity", quantity)
        funded("hold", "settle", "acme", id)
    funded("hold", "open", "acme", "interview", "--id", "k")
    funded("hold", "settle", "acme", "k")
    found = funded("alerts", "acme", "--json").json
    assert [one["topic"] for one in found] == ["balance_exhausted", "balance_low", "limit_threshold"]
    assert (found[2]["limit"], found[2]["percent"], found[2]["customer"]) == ("daily_tokens", "80", "acme")
    assert [line.split("  ")[-1] for line in funded("alerts").out.splitlines()[1:]] == [
        "No interview_credit is left",
        "1 interview_credit is left, less than 2 interview_credit",
        "80 % of the limit 'Daily tokens' is reached: 8 of 10 per day",
    ]
    assert len(funded("alerts", "--limit", "1", "--json").json) == 1
    assert funded("alerts", "globex").out == "No alerts.\n"
    page = funded("overview", "acme")
    assert "80 % of the limit 'Daily tokens' is reached" in page.out
    assert re.search(r"\n\nTIME +ALERT\n\d{4}-", page.out)
    shown = funded("overview", "acme", "--json").json
    assert (len(shown["alerts"]), shown["wallets"][0]["balance"], shown["owed"][0]["amount"]) == (3, "0", "0")
    assert [one["limit"] for one in shown["limits"]] == ["daily_tokens", "spend"]
    assert shown["plan"] == {"key": None, "name": None, "since": None, "next": None}


def test_what_is_wrong_with_a_hold(funded: Toll, write: Callable[[str, str], Path]) -> None:
    funded("hold", "open", "acme", "interview", "--id", "i")
    funded("hold", "open", "acme", "interview", "--id", "done")
    funded("hold", "settle", "acme", "done")
    bad, empty = write("bad.json", "{..."), write("empty.json", "[]")
    asked = ("acme", "cv_parse")
    for line, code in {
        ("open", "nobody", "interview"): "unknown_customer",
        ("open", "acme", "nothing"): "unknown_meter",
        ("open", *asked, "--quantity", "NaN"): "invalid_quantity",
        ("open", *asked, "--quantity", "lots"): "invalid_quantity",
        ("open", *asked, "--quantity=-1"): "negative_quantity",
        ("open", *asked, "--calls", "none"): "invalid_option",
        ("open", *asked, "--metadata", "[]"): "invalid_metadata",
        ("open", *asked, "--dimension", "job"): "invalid_option",
        ("open", *asked, "--expires-in", "0"): "invalid_expiry",
        ("open", *asked, "--expires-in", "86401"): "invalid_expiry",
        ("open", "acme", "cv_parse", "--id", "i"): "hold_conflict",
        ("open", "acme", "answer"): "estimate_needed",
        ("check", "nobody", "interview"): "unknown_customer",
        ("check", *asked, "--quantity", "lots"): "invalid_quantity",
        ("settle", "acme", "none"): "unknown_hold",
        ("settle", "nobody", "i"): "unknown_customer",
        ("settle", "acme", "i", "--quantity", "lots"): "invalid_quantity",
        ("settle", "acme", "i", "--events", str(bad)): "invalid_option",
        ("settle", "acme", "i", "--events", str(empty)): "invalid_settlement",
        ("settle", "acme", "i", "--events", str(empty), "--quantity", "1"): "invalid_settlement",
        ("settle", "acme", "i", "--events", "/nowhere"): "file_unreadable",
        ("release", "acme", "none"): "unknown_hold",
        ("release", "nobody", "i"): "unknown_customer",
        ("release", "acme", "done"): "hold_ended",
        ("extend", "acme", "done"): "hold_ended",
        ("extend", "acme", "i", "--expires-in", "86401"): "invalid_expiry",
        ("doubt", "acme", "done"): "hold_ended",
        ("doubt", "acme", "i", "--expires-in", "0"): "invalid_expiry",
        ("show", "acme", "none"): "unknown_hold",
        ("show", "nobody", "i"): "unknown_customer",
        ("list", "nobody"): "unknown_customer",
    }.items():
        ran = funded("hold", *line, "--json")
        assert (ran.status, ran.out, ran.error) == (1, "", code), line
    for line, code in {
        ("estimate", "nobody", "interview"): "unknown_customer",
        ("estimate", "acme", "cv_parse", "--quantity", "1e99"): "quantity_out_of_range",
        ("estimate", "acme", "answer"): "estimate_needed",
        ("alerts", "nobody"): "unknown_customer",
        ("overview", "nobody"): "unknown_customer",
    }.items():
        ran = funded(*line, "--json")
        assert (ran.status, ran.out, ran.error) == (1, "", code), line
    assert funded("hold", "show", "acme", "i", "--json").json["state"] == "open"
    for line in (
        ("hold", "show", "acme", "\udcff"),
        ("hold", "open", "acme", "\udcff"),
        ("grants", "show", "acme", "\udcff"),
    ):
        ran = funded(*line, "--json")
        assert (ran.status, ran.out, ran.error) == (2, "", "usage_error"), line


def test_a_sweep_ends_what_is_due(funded: Toll, owner: Callable[[str], Any]) -> None:
    assert funded("sweep").out == "Holds ended: 0.\n"
    for id in ("a", "b", "c"):
        funded("hold", "open", "acme", "interview", "--id", id)
    funded("hold", "doubt", "acme", "b")
    owner("update holds set expires_at = now() - interval '1 s' where hold_id <> 'c'")
    assert funded("sweep", "--json").json == {"holds_ended": 2}
    assert [(one["id"], one["state"]) for one in funded("hold", "list", "acme", "--json").json] == [
        ("c", "open"),
        ("b", "expired"),
        ("a", "expired"),
    ]
    [wallet] = funded("balance", "acme", "--json").json["wallets"]
    assert (wallet["held"], wallet["available"]) == ("1", "2")
    funded("grant", "globex", "2", "--effective", "2026-01-01", "--expires", "2099-01-01")
    owner("update grants set expires_at = now() + interval '2 d' where unit = 'USD'")
    funded("sweep")
    funded("sweep")
    [alert] = funded("alerts", "--json").json
    assert (alert["topic"], alert["customer"], alert["remaining"]) == ("grant_expiring", "globex", "2")
    assert " 2.00 USD of the grant " in funded("alerts", "globex").out
