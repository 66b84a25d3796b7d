"""Top-ups on the command line: listed, paid, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Toll
from tests.cli.prepaid import CATALOG

from tollkeeper.books import Books
from tollkeeper.db import Database
from tollkeeper.payments import Wanted
from tollkeeper.settings import Settings

SOLD = """
[packs.team]
unit = "interview_credit"
amount = 50
price = "45.00"
bonus = 5
"""


def start(url: str) -> str:
    """The id of a new top-up."""

    async def work() -> str:
        async with Database(url, pool_size=1) as database:
            books = Books(Settings(database_url=url, payments="test"), database)
            return str((await books.start_top_up("acme", Wanted(pack="team")))[0].top_up_id)

    return asyncio.run(work())


def test_they_are_listed_paid_and_cancelled(gate: Toll, write: Callable[[str, str], Path], database_url: str) -> None:
    assert gate("catalog", "apply", write("sold.toml", CATALOG + SOLD)).status == 0
    assert gate("top-ups", "list").out == "No top-ups.\n"
    first, second = start(database_url), start(database_url)
    paid = gate("top-ups", "paid", "acme", first, "--reference", "ch_1")
    head, grant = paid.out.splitlines()
    assert head == "acme has bought 50 interview_credit and 5 interview_credit on top."
    again = gate("top-ups", "paid", "acme", first, "--json").json
    assert grant == f"Grant {again['grant_id']}"
    assert (again["state"], again["reference"], again["price"], again["currency"]) == ("paid", "ch_1", "45", "USD")
    assert again["ended_by"].endswith("(command line)")
    assert gate("top-ups", "paid", "acme", first, "--reference", "ch_2", "--json").error == "paid_otherwise"
    told = f"45.00 USD may have come twice: the top-up {first} was paid (ch_1), and again (ch_2)"
    assert told in gate("alerts", "acme").out

    assert gate("top-ups", "cancel", "acme", second).out == "Cancelled: 50 interview_credit for acme.\n"
    assert gate("top-ups", "cancel", "acme", second, "--json").json["state"] == "cancelled"
    assert gate("top-ups", "cancel", "acme", first, "--json").error == "top_up_ended"

    assert [one["id"] for one in gate("top-ups", "list", "--json").json] == [second, first]
    assert [one["id"] for one in gate("top-ups", "list", "acme", "--state", "paid", "--json").json] == [first]
    assert gate("top-ups", "list", "--customer", "globex", "--json").json == []
    heading, *rows = gate("top-ups", "list", "acme").out.splitlines()
    assert heading.split()[:8] == ["ID", "CUSTOMER", "STATE", "AMOUNT", "BONUS", "UNIT", "PRICE", "CURRENCY"]
    assert rows[1].split()[:8] == [first, "acme", "paid", "50", "5", "interview_credit", "45.00", "USD"]

    late = gate("top-ups", "paid", "acme", second, "--json").json
    assert late["late"] == "cancelled"
    (alert,) = [one for one in gate("alerts", "acme", "--json").json if one["topic"] == "top_up_late"]
    assert alert["top_up"] == second
    told = f"45.00 USD came for 50 interview_credit, after the top-up {second} had ended (cancelled)"
    assert told in gate("alerts", "acme").out
    assert gate("verify").status == 0
    assert "Has every top-up that was paid given what was bought, once?" in gate("verify").out


def test_what_isnt_there_is_told(gate: Toll) -> None:
    unknown = "01a1f9d4-1e45-7055-9bb9-4d38f8d013f0"
    assert gate("top-ups", "paid", "acme", unknown, "--json").error == "unknown_top_up"
    assert gate("top-ups", "cancel", "nobody", unknown, "--json").error == "unknown_customer"
    assert gate("top-ups", "list", "nobody", "--json").error == "unknown_customer"
    assert gate("top-ups", "list", "acme", "--customer", "globex", "--json").error == "conflicting_options"
