"""Prepaid value on the command line: grants, wallets, balances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cli.conftest import Toll

CREDITS = ("--unit", "interview_credit")


def test_a_grant_is_given_once_and_paid_from(gate: Toll) -> None:
    given = gate("grant", "acme", "3", *CREDITS, "--id", "order-1", "--reference", "INV-7", "--note", "thanks")
    head, grant = given.out.splitlines()
    assert head == "acme was given 3 interview_credit, paid."
    again = gate("grant", "acme", "3", *CREDITS, "--id", "order-1", "--reference", "INV-7", "--json").json
    assert grant == f"Grant {again['id']}"
    assert "nothing was done" in gate("grant", "acme", "3", *CREDITS, "--id", "order-1", "--reference", "INV-7").out
    assert (again["amount"], again["remaining"], again["state"], again["kind"]) == ("3", "3", "active", "paid")
    assert (again["reference"], again["note"]) == ("INV-7", "thanks")
    assert again["created_by"].endswith("(command line)")

    assert gate("hold", "open", "acme", "interview", "--id", "i-1").status == 0
    assert gate("hold", "settle", "acme", "i-1").status == 0
    assert gate("hold", "open", "acme", "interview", "--id", "i-2").status == 0
    assert gate("balance", "acme").out.splitlines()[:3] == [
        "WALLET            BALANCE  HELD  AVAILABLE",
        "interview_credit        2     1          1",
        "",
    ]
    spent, granted = gate("wallet", "acme", "--json").json
    assert (spent["kind"], spent["amount"], spent["balance"], spent["grant"]) == ("spent", "-1", "2", again["id"])
    assert (granted["kind"], granted["amount"], granted["balance"]) == ("granted", "3", "3")
    assert gate("wallet", "acme", "--limit", "1", "--json").json == [spent]
    assert gate("wallet", "acme", "--unit", "USD").out == "Nothing has changed any wallet.\n"
    assert spent["transaction_id"] in gate("wallet", "acme").out

    before = gate("balance", "acme", "--at", granted["at"], "--json").json
    assert before["as_of"] == granted["at"]
    assert before["wallets"] == [{"unit": "interview_credit", "balance": "3", "held": "0", "available": "3"}]
    assert {one["account"]: one["balance"] for one in before["accounts"]} == {"cash": "3", "wallet": "-3"}
    long_ago = gate("balance", "acme", "--at", "2020-01-01", "--json").json
    assert ([one["balance"] for one in long_ago["wallets"]], long_ago["accounts"]) == (["0"], [])
    assert gate("verify").status == 0


def test_grants_are_listed_by_state_and_unit_and_shown(gate: Toll) -> None:
    assert gate("grants", "list", "acme").out == "No grants.\n"
    gate("grant", "acme", "5", "--kind", "promotional", "--priority", "10", "--id", "trial")
    # Without an offset, times are on the clocks of New York.
    later = gate("grant", "acme", "2", *CREDITS, "--effective", "2099-07-01", "--expires", "2099-08-01T00:00:00Z")
    assert later.out.startswith(
        "acme was given 2 interview_credit, paid, from 2099-07-01 04:00:00Z, until 2099-08-01 00:00:00Z.\n"
    )

    def amounts(*options: str) -> list[str]:
        return [grant["amount"] for grant in gate("grants", "list", "acme", *options, "--json").json]

    assert amounts() == ["2", "5"]
    assert amounts("--state", "scheduled") == ["2"]
    assert amounts("--state", "ended") == []
    assert amounts("--unit", "USD") == ["5"]
    assert amounts("--limit", "1") == ["2"]
    table = gate("grants", "list", "acme").out
    assert "promotional    5.00       5.00  USD" in table
    trial = gate("grants", "show", "acme", "trial", "--json").json
    assert (trial["priority"], trial["kind"], trial["unit"]) == (10, "promotional", "USD")
    assert gate("grants", "show", "acme", trial["id"], "--json").json == trial
    assert "\nremaining     5.00\n" in gate("grants", "show", "acme", "trial").out


def test_grants_are_taken_back_and_refunded(gate: Toll) -> None:
    gate("grant", "acme", "3", *CREDITS, "--id", "g")
    gate("hold", "open", "acme", "interview", "--id", "i-1")
    kept = gate("grants", "refund", "acme", "g", "--note", "changed their mind").out
    assert kept == "2 interview_credit of 3 interview_credit refunded; 1 interview_credit is kept by open holds.\n"
    assert gate("hold", "release", "acme", "i-1").status == 0
    found = gate("grants", "show", "acme", "g", "--json").json
    assert (found["state"], found["voided"], found["note"]) == ("ended", "3", "changed their mind")
    gate("grant", "acme", "5", "--kind", "promotional", "--id", "p")
    assert gate("grants", "void", "acme", "p").out == "5.00 USD of 5.00 USD taken back.\n"
    # Again changes nothing.
    assert gate("grants", "void", "acme", "p", "--json").json["voided"] == "5"
    assert [one["kind"] for one in gate("wallet", "acme", "--unit", "USD", "--json").json] == ["voided", "granted"]
    assert gate("verify").status == 0


def test_grants_recur_until_they_are_stopped(gate: Toll) -> None:
    assert gate("grants", "recurring", "acme").out == "No recurring grants.\n"
    terms = ("--every", "day", *CREDITS, "--rollover", "2", "--kind", "compensation", "--priority", "7")
    [made] = gate("grants", "recur", "acme", "daily", "4", *terms, "--json").json
    assert {name: made[name] for name in ("name", "amount", "every", "rollover", "kind", "priority", "ended_at")} == {
        "name": "daily",
        "amount": "4",
        "every": "day",
        "rollover": "2",
        "kind": "compensation",
        "priority": 7,
        "ended_at": None,
    }
    [grant] = gate("grants", "list", "acme", "--json").json
    assert (grant["amount"], grant["priority"]) == ("4", 7)
    gate("grants", "recur", "acme", "money", "10", "--every", "month", "--anchor", "2099-01-31")
    assert [line.split()[:4] for line in gate("grants", "recurring", "acme").out.splitlines()[1:]] == [
        ["daily", "4", "interview_credit", "day"],
        ["money", "10.00", "USD", "month"],
    ]
    [stopped] = gate("grants", "stop", "acme", "daily", "--json").json
    assert stopped["ended_at"] is not None
    assert len(gate("grants", "list", "acme", "--json").json) == 1


def test_an_expired_grant_is_gone_when_somebody_looks(gate: Toll, owner: Callable[[str], Any]) -> None:
    gate("grant", "acme", "3", *CREDITS, "--expires", "2099-01-01")
    owner("update grants set effective_at = now() - interval '2 h', expires_at = now() - interval '1 s'")
    owner("update wallets set next_change_at = now() - interval '1 s'")
    [wallet] = gate("balance", "acme", "--json").json["wallets"]
    assert (wallet["balance"], wallet["available"]) == ("0", "0")
    assert [one["kind"] for one in gate("wallet", "acme", "--json").json] == ["expired", "granted"]


def test_what_is_wrong_with_a_grant(gate: Toll) -> None:
    nowhere = "01890000-0000-7000-8000-000000000000"
    gate("grant", "acme", "1", "--id", "g", "--kind", "promotional")
    for line, code in {
        ("grant", "nobody", "1"): "unknown_customer",
        ("grant", "acme", "much"): "invalid_amount",
        ("grant", "acme", "NaN"): "invalid_amount",
        ("grant", "acme", "0"): "invalid_amount",
        ("grant", "acme", "1.5", *CREDITS): "amount_too_precise",
        ("grant", "acme", "1e20"): "amount_out_of_range",
        ("grant", "acme", "1", "--unit", "gold"): "unknown_unit",
        ("grant", "acme", "1", "--priority", "101"): "invalid_priority",
        ("grant", "acme", "1", "--expires", "2020-01-01"): "expiry_in_past",
        ("grant", "acme", "1", "--expires", "soon"): "invalid_time",
        ("grant", "acme", "1", "--effective", "0001-01-01"): "invalid_time",
        ("grant", "acme", "2", "--id", "g"): "grant_conflict",
        ("grant", "acme", "2", "--id", " "): "invalid_id",
        ("grants", "list", "nobody"): "unknown_customer",
        ("grants", "show", "acme", "other"): "unknown_grant",
        ("grants", "show", "globex", "g"): "unknown_grant",
        ("grants", "void", "acme", nowhere): "unknown_grant",
        ("grants", "void", "nobody", "g"): "unknown_customer",
        ("grants", "refund", "acme", "g"): "not_refundable",
        ("grants", "recur", "acme", "x", "-", "--every", "day"): "invalid_recurring_grant",
        ("grants", "recur", "acme", "x", "1", "--every", "day", "--rollover", "some"): "invalid_recurring_grant",
        ("grants", "recur", "acme", "X!", "1", "--every", "day"): "invalid_recurring_grant",
        ("grants", "recur", "nobody", "x", "1", "--every", "day"): "unknown_customer",
        ("grants", "recurring", "nobody"): "unknown_customer",
        ("grants", "stop", "acme", "x"): "unknown_recurring_grant",
        ("wallet", "nobody"): "unknown_customer",
        ("balance", "nobody"): "unknown_customer",
        ("balance", "acme", "--at", "once"): "invalid_time",
    }.items():
        ran = gate(*line, "--json")
        assert (ran.status, ran.out, ran.error) == (1, "", code), line
    for line in (("grant", "acme", "1", "--kind", "stolen"), ("grants", "recur", "acme", "x", "1", "--every", "blink")):
        assert gate(*line, "--json").status == 2
    assert len(gate("grants", "list", "acme", "--json").json) == 1
