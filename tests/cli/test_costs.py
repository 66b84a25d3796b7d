"""Provider calls on the command line: what they cost, what is unpriced, and prices that come later."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Toll
from tests.database.costing import CATALOG, call

OWN = """
[[models]]
provider = "openai"
match = "gpt-99"
prices = [{ input_tokens = "4", output_tokens = "8" }]
"""
AT = "2026-03-08T06:30:00Z"


def prepare(toll: Toll, tmp_path: Path) -> None:
    file = tmp_path / "catalog.toml"
    file.write_text(CATALOG + '[meters.cv_parse]\nunit = "CV"\n[meters.token]\nunit = "token"\n')
    assert toll("catalog", "apply", str(file)).status == 0

    def event(id: str, *calls: dict[str, Any]) -> str:
        own = {"id": id, "customer": "acme", "meter": "answer", "quantity": 1, "time": AT}
        return json.dumps({**own, "calls": [*calls]})

    lines = [event("a", call("r1")), event("b", call("r2", model="gpt-99"), call("r3"))]
    imported = toll("import", "-", "--format", "ndjson", stdin="\n".join(lines).encode())
    assert imported.status == 0, imported.err


def test_calls_are_listed_and_explained(toll: Toll, tmp_path: Path) -> None:
    prepare(toll, tmp_path)
    listed = toll("calls", "acme", "--json").json
    assert {one["id"]: one["cost"] for one in listed} == {"r1": "0.00875", "r2": None, "r3": "0.00875"}
    assert [one["id"] for one in toll("calls", "--unpriced", "--json").json] == ["r2"]
    assert [one["id"] for one in toll("calls", "acme", "--event", "a", "--json").json] == ["r1"]
    assert toll("calls", "--customer", "acme", "--json").json == listed
    assert toll("calls", "acme", "--customer", "shop", "--json").error == "conflicting_options"
    assert (
        toll("margins", "acme", "--json").json["rows"] == toll("margins", "--customer", "acme", "--json").json["rows"]
    )
    assert "customer's time zone" not in toll("calls", "--help").out + toll("margins", "--help").out
    assert "1500 input_tokens, 500 output_tokens  0.00875  response" in toll("calls", "--model", "gpt-4o").out
    assert toll("calls", "--event", "a", "--json").error == "missing_field"
    explained = toll("explain", "a", "--customer", "acme").out
    assert "1. gpt-4o of openai: 1,500 input tokens × 2.50 USD per 1,000,000 = 0.00375 USD\n" in explained
    assert "3. Cost: 0.00875 USD\n" in explained
    assert "gpt-99 of openai have no price (model)" in toll("alerts", "acme").out


def test_reprice_shows_the_difference_and_books_it_when_told(
    toll: Toll, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(toll, tmp_path)
    assert "no price for model" in toll("prices", "reprice").out
    own = tmp_path / "prices.toml"
    own.write_text(OWN)
    monkeypatch.setenv("TOLLKEEPER_PRICES", str(own))
    shown = toll("prices", "reprice", "--since", "2026-03-01", "--customer", "acme").out
    assert "1,500 input tokens, 500 output tokens  0.01    0.50  0.0234375  USD" in shown
    assert "1 of 1 calls are priced: cost 0.01 USD.\nCharges change by -0.4765625 USD.\nNot booked" in shown
    assert toll("calls", "--unpriced", "--json").json != []
    assert toll("prices", "reprice", "--provider", "anthropic").out == "No call is unpriced.\n"
    assert toll("prices", "reprice", "--since", "2026-04-01").out == "No call is unpriced.\n"
    assert "in all" not in toll("explain", "b", "--customer", "acme").out
    booked = toll("prices", "reprice", "--apply", "--json").json
    assert (booked["applied"], booked["events"][0]["charge_after"]) == (True, "0.0234375")
    assert toll("prices", "reprice", "--apply").out == "No call is unpriced.\n"
    *_, charge, corrected, in_all = toll("explain", "b", "--customer", "acme", "--json").json["steps"]
    assert charge["text"] == "Charge of this event: 0.50 USD"
    assert re.fullmatch(r"Corrected by reprice:\S+: −0.4765625 USD, cost \+0.01875 USD", corrected["text"])
    assert in_all["text"] == "Charged in all: 0.0234375 USD, at a cost of 0.01875 USD"
    assert in_all["figures"] == {"charge": "0.0234375", "cost": "0.01875"}
    assert toll("calls", "--unpriced").out == "No provider calls.\n"
    assert toll("prices", "reprice", "--customer", "nobody", "--json").error == "unknown_customer"
    assert toll("verify").status == 0


def test_margins_are_shown_as_tables(toll: Toll, tmp_path: Path) -> None:
    prepare(toll, tmp_path)
    march = ("--from", "2026-03-01", "--to", "2026-04-01")
    table = toll("margins", *march).out.splitlines()
    assert table[0].split()[:5] == ["METER", "EVENTS", "CHARGE", "UNIT", "COST"]
    assert table[1].split() == ["answer", "2", "0.5109375", "USD", "0.00875", "0.5021875", "5,739.29", "1", "1", "0"]
    assert "  MARGIN  % OF COST  UNCOSTED  " in re.sub(" {2,}", "  ", table[0])
    assert table[2] == "Charged 0.5109375 USD, cost 0.00875 USD: margin 0.5021875 USD, 5,739.29 % of the cost."
    by_model = toll("margins", "acme", *march, "--group-by", "model", "--sort", "charge", "--json").json["rows"]
    assert [(row["group"]["model"], row["charge"]) for row in by_model] == [
        ("gpt-4o", "0.2609375"),
        ("gpt-99", "0.25"),
    ]
    assert toll("margins", *march, "--group-by", "day", "--csv").out.splitlines()[0].startswith("start,end,unit,events")
    assert toll("margins", "--from", "2026-01-01", "--to", "2026-02-01").out == "No usage in this range.\n"


@pytest.mark.parametrize(
    ("check", "tamper", "mend"),
    [
        (
            "costs",
            "update provider_calls set cost = cost + 1 where call_id = 'r1'",
            "update provider_calls set cost = cost - 1 where call_id = 'r1'",
        ),
        (
            "costs",
            "update provider_calls set cost = 1, cost_source = 'response' where call_id = 'r2'",
            "update provider_calls set cost = null, cost_source = 'none' where call_id = 'r2'",
        ),
        (
            "calls",
            "update provider_calls set event_id = 'nowhere' where call_id = 'r3'",
            "update provider_calls set event_id = 'b' where call_id = 'r3'",
        ),
        (
            "calls",
            "update provider_calls set adjusts = 'r1' where call_id = 'r3'",
            "update provider_calls set adjusts = null where call_id = 'r3'",
        ),
        ("days", "update usage_days set uncosted = 0", "update usage_days set uncosted = 1"),
    ],
)
def test_verify_finds_what_calls_and_costs_disagree_in(
    toll: Toll, tmp_path: Path, owner: Callable[[str], Any], check: str, tamper: str, mend: str
) -> None:
    prepare(toll, tmp_path)
    assert toll("verify").status == 0
    owner(tamper)
    verdict = toll("verify", "--json")
    assert verdict.status == 1
    assert check in [one["name"] for one in verdict.json["checks"] if not one["passed"]]
    owner(mend)
    assert toll("verify").status == 0


def test_usage_counts_true_ups_as_events_and_margins_does_not(
    toll: Toll, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(toll, tmp_path)
    own = tmp_path / "prices.toml"
    own.write_text(OWN)
    monkeypatch.setenv("TOLLKEEPER_PRICES", str(own))
    assert toll("prices", "reprice", "--apply").status == 0
    march = ("--customer", "acme", "--from", "2026-03-01", "--to", "2026-04-01", "--json")
    assert [row["events"] for row in toll("usage", *march).json["rows"]] == [3]
    assert [row["events"] for row in toll("margins", *march).json["rows"]] == [2]


def test_suggestions_show_their_arithmetic(toll: Toll, tmp_path: Path) -> None:
    prepare(toll, tmp_path)
    span = "--from", "2026-03-01", "--to", "2026-03-31"
    assert toll("suggestions", "acme", "--from", "2026-04-01", "--to", "2026-04-02").out.startswith(
        "Nothing that would"
    )
    shown = toll("suggestions", "acme", *span, "--kind", "cheaper_model").out
    # Only the calls whose cost was known at once: 1,500 and 500 tokens twice, for 0.0175 USD.
    assert (
        "gpt-4o-mini instead of gpt-4o: what 2 calls used would have cost 0.01645 USD less. (cheaper_model)\n" in shown
    )
    assert "  2. gpt-4o-mini: 3,000 input tokens × 0.15 USD per 1,000,000 = 0.00045 USD\n" in shown
    assert "  Operator: 0.01645 USD\n  Customer: 0.0205625 USD\n" in shown
    told = toll("suggestions", "acme", *span, "--json").json
    assert [one["kind"] for one in told["data"]] == ["cheaper_model", "batch"]
    assert told["data"][1]["savings"][0] == {"whom": "operator", "amount": "0.00875", "unit": "USD"}
