"""Looking at usage: events, explain, usage, overview, ledger, balance."""

from __future__ import annotations

import csv
import io
import json

from tests.cli.conftest import Toll

CSV = """\
id,customer,meter,quantity,time,member,dimensions.job
a-1,acme,cv_parse,1,2026-03-08T06:30:00Z,ada,cook
a-2,acme,cv_parse,2,2026-03-08T20:00:00Z,bob,cook
a-3,acme,cv_parse,4,2026-03-09T12:00:00Z,ada,=1+1
t-1,acme,token,1500,2026-03-09T13:00:00Z,,
"""
MARCH = ("--customer", "acme", "--from", "2026-03-01", "--to", "2026-04-01")


def test_looking_at_usage(toll: Toll) -> None:
    """One database for all of it; nothing here writes but the first line."""
    assert toll("import", "-", "--format", "csv", stdin=CSV.encode()).status == 0
    _events(toll)
    _explain(toll)
    _usage(toll)
    _usage_as_csv(toll)
    _customer(toll)
    _ledger(toll)
    _faults(toll)


def _events(toll: Toll) -> None:
    def ids(*options: str) -> list[str]:
        return [event["id"] for event in toll("events", "list", "--customer", "acme", "--json", *options).json]

    assert ids() == ["t-1", "a-3", "a-2", "a-1"]
    assert ids("--limit", "1") == ["t-1"]
    assert ids("--meter", "cv_parse", "--member", "ada") == ["a-3", "a-1"]
    assert ids("--filter", "job:cook") == ["a-2", "a-1"]
    # In New York it's still the 8th at 06:30 UTC, after a night without 02:00.
    assert ids("--from", "2026-03-08", "--to", "2026-03-09") == ["a-2", "a-1"]
    assert ids("--from", "2026-03-08T06:31:00Z", "--to", "2026-03-09T08:00") == ["a-2"]
    shown = toll("events", "show", "a-1", "--customer", "acme", "--json").json
    assert (shown["id"], shown["customer"], shown["charge"], shown["unit"]) == ("a-1", "acme", "0.5", "USD")
    assert "customer_id" not in shown
    assert ids("--transaction", shown["transaction_id"]) == ["t-1", "a-3", "a-2", "a-1"]
    assert "2026-03-08 06:30:00Z  a-1" in toll("events", "list", "--customer", "acme").out
    assert "\ncharge          0.50\n" in toll("events", "show", "a-1", "--customer", "acme").out
    assert toll("events", "list", "--customer", "globex").out == "No events.\n"


def _explain(toll: Toll) -> None:
    for_people = toll("explain", "t-1", "--customer", "acme").out
    head, *steps, price, transaction = for_people.splitlines()
    assert head == "t-1: token of acme, 2026-03-09 13:00:00Z"
    assert steps == [
        "1. Tier 1 (up to 1,000): 1,000 tokens × 0.01 USD = 10.00 USD",
        "2. Tier 2 (above 1,000): 500 tokens × 0.005 USD = 2.50 USD",
        "3. All tiers together: 1,500 tokens cost 12.50 USD",
        "4. Charge of this event: 12.50 USD",
    ]
    assert price.startswith("Price ")
    assert transaction.startswith("Ledger transaction ")
    found = toll("explain", "t-1", "--customer", "acme", "--json").json
    assert (found["charge"], found["unit"], found["price_from"]) == ("12.5", "USD", None)
    assert found["steps"][-1]["figures"] == {"charge": "12.5"}
    assert found["event"]["id"] == "t-1"


def _usage(toll: Toll) -> None:
    found = toll("usage", *MARCH, "--json").json
    assert (found["timezone"], found["window"]) == ("America/New_York", "total")
    assert found["start"] == "2026-03-01T05:00:00Z"
    assert found["end"] == "2026-04-01T04:00:00Z"
    rows = {row["meter"]: (row["events"], row["quantity"], row["charge"]) for row in found["rows"]}
    assert rows == {"cv_parse": (3, "7", "3.5"), "token": (1, "1500", "12.5")}

    days = toll("usage", *MARCH, "--meter", "cv_parse", "--window", "day", "--group-by", "member", "--json").json[
        "rows"
    ]
    assert [(row["start"], row["group"]["member"], row["quantity"]) for row in days] == [
        ("2026-03-08T05:00:00Z", "ada", "1"),
        ("2026-03-08T05:00:00Z", "bob", "2"),
        ("2026-03-09T04:00:00Z", "ada", "4"),
    ]
    utc = toll("usage", *MARCH, "--window", "hour", "--timezone", "UTC", "--filter", "job:cook", "--json").json
    assert [row["start"] for row in utc["rows"]] == ["2026-03-08T06:00:00Z", "2026-03-08T20:00:00Z"]
    table = toll("usage", *MARCH, "--group-by", "member,job").out
    assert table.splitlines()[0].split() == [
        "METER",
        "MEMBER",
        "JOB",
        "EVENTS",
        "QUANTITY",
        "CHARGE",
        "UNIT",
        "COST",
        "UNPRICED",
    ]
    assert toll("usage", "--customer", "globex").out == "No usage in this range.\n"


def _usage_as_csv(toll: Toll) -> None:
    text = toll("usage", *MARCH, "--group-by", "job", "--csv").out
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["group.job"] for row in rows] == ["'=1+1", "cook", ""]
    assert rows[1]["charge"] == "1.5"
    assert rows[1]["start"] == "2026-03-01T05:00:00Z"


def _customer(toll: Toll) -> None:
    found = toll("overview", "acme", "--json").json
    assert found["total_spent"] == [{"unit": "USD", "amount": "16"}]
    assert {meter["meter"] for meter in found["meters"]} == {"cv_parse", "token"}
    assert "owed          16.00 USD" in toll("overview", "acme").out
    assert "nothing" in toll("overview", "globex").out
    balance = toll("balance", "acme", "--json").json
    assert balance["accounts"] == [
        {"account": "receivable", "unit": "USD", "balance": "16"},
        {"account": "revenue", "unit": "USD", "balance": "-16"},
    ]
    assert toll("balance", "acme").out.splitlines() == [
        "ACCOUNT     BALANCE  UNIT",
        "receivable    16.00  USD",
        "revenue      -16.00  USD",
    ]


def _ledger(toll: Toll) -> None:
    [entry] = toll("ledger", "acme", "--json").json
    assert (entry["kind"], entry["amount"], entry["events"]) == ("usage", "16", 4)
    assert toll("ledger", "acme", "--transaction", entry["transaction_id"], "--json").json == [entry]
    assert toll("ledger", "acme", "--kind", "provider_cost").out == "No postings.\n"
    assert entry["transaction_id"] in toll("ledger", "acme").out


def _faults(toll: Toll) -> None:
    nowhere = "01890000-0000-7000-8000-000000000000"
    for line, code in {
        ("events", "show", "none", "--customer", "acme"): "unknown_event",
        ("explain", "a-1", "--customer", "globex"): "unknown_event",
        ("events", "list", "--customer", "nobody"): "unknown_customer",
        ("usage", *MARCH, "--meter", "none"): "unknown_meter",
        ("usage", *MARCH, "--group-by", "colour"): "unknown_dimension",
        ("usage", *MARCH, "--filter", "colour"): "invalid_filter",
        ("usage", *MARCH, "--from", "soon"): "invalid_time",
        ("usage", *MARCH, "--timezone", "Mars/Base"): "unknown_timezone",
        ("usage", "--customer", "acme", "--from", "2026-03-02", "--to", "2026-03-01"): "invalid_range",
        ("usage", "--customer", "acme", "--from", "0001-01-01"): "invalid_range",
        ("usage", "--customer", "acme", "--to", "0001-01-10T00:00:00Z"): "invalid_range",
        ("usage", "--customer", "acme", "--to", "9999-12-31T23:59:59-14:00", "--window", "month"): "invalid_range",
        ("events", "list", "--customer", "acme", "--from", "0001-01-01T00:00:00+14:00"): "invalid_range",
        ("events", "list", "--customer", "acme", "--to", "9999-12-31"): "invalid_range",
        ("events", "list", *MARCH, "--to", "2026-02-01"): "invalid_range",
        ("events", "list", *MARCH, "--meter", "none"): "unknown_meter",
        ("events", "list", *MARCH, "--filter", "colour:red"): "unknown_dimension",
        ("events", "list", *MARCH, "--meter", "token", "--filter", "job:cook"): "unknown_dimension",
        ("overview", "nobody"): "unknown_customer",
        ("balance", "nobody"): "unknown_customer",
        ("ledger", "nobody"): "unknown_customer",
        ("ledger", "acme", "--transaction", nowhere): "unknown_transaction",
    }.items():
        ran = toll(*line, "--json")
        assert (ran.status, ran.out, json.loads(ran.err)["code"]) == (1, "", code), line
