"""Quarantine on the command line: look, mend and replay, or discard."""

from __future__ import annotations

from tests.cli.conftest import Toll

CSV = """\
id,customer,meter,quantity
1,newcomer,cv_parse,1
2,newcomer,cv_parse,2
3,acme,nonsense,1
4,acme,cv_parse,-1
"""


def test_quarantine(toll: Toll) -> None:
    assert toll("quarantine", "list").out == "Nothing is in quarantine.\n"
    assert toll("import", "-", "--format", "csv", stdin=CSV.encode()).status == 2
    listed = {item["event_id"]: item for item in toll("quarantine", "list", "--json").json}
    ids = {event: item["quarantine_id"] for event, item in listed.items()}
    assert sorted(ids) == ["1", "2", "3", "4"]
    assert "unknown_customer" in toll("quarantine", "list", "--customer", "newcomer").out
    assert len(toll("quarantine", "list", "--code", "unknown_meter", "--json").json) == 1
    assert len(toll("quarantine", "list", "--after", sorted(ids.values())[2], "--json").json) == 1
    assert '"nonsense"' in toll("quarantine", "show", ids["3"]).out
    assert toll("quarantine", "show", ids["3"], "--json").json == listed["3"]
    _show_by_prefix(toll, ids)

    _replay(toll, ids)
    _discard(toll, ids)
    statuses = {
        item["event_id"]: item["status"] for item in toll("quarantine", "list", "--status", "all", "--json").json
    }
    assert statuses == {"1": "replayed", "2": "replayed", "3": "discarded", "4": "discarded"}
    assert toll("verify").status == 0


def _show_by_prefix(toll: Toll, ids: dict[str, str]) -> None:
    length = next(n for n in range(8, 36) if len({id[:n] for id in ids.values()}) == len(ids))
    assert toll("quarantine", "show", ids["3"][: max(length, 14)], "--json").json["event_id"] == "3"
    several = toll("quarantine", "show", ids["3"][:8], "--json")
    assert (several.status, several.error) == (1, "ambiguous_id")
    none = toll("quarantine", "show", "ffffffff", "--json")
    assert (none.status, none.error) == (1, "unknown_quarantine_item")
    for wrong in ("0123456", "01234567x", ids["3"] + "0"):
        assert toll("quarantine", "replay", wrong).status == 2


def _replay(toll: Toll, ids: dict[str, str]) -> None:
    assert toll("quarantine", "replay", "--customer", "newcomer").status == 2
    toll("customers", "put", "newcomer")
    one = toll("quarantine", "replay", ids["1"][:35] if ids["1"][:35] != ids["2"][:35] else ids["1"])
    assert one.status == 0
    assert [line.split()[1:5] for line in one.out.splitlines()] == [
        ["EVENT", "STATUS", "CHARGE", "UNIT"],
        ["1", "accepted", "0.50", "USD"],
    ]
    assert toll("quarantine", "replay", ids["1"]).out == "None of them waits.\n"
    # A filter alone says which; without a word on it nothing is touched.
    assert toll("quarantine", "replay", "--code", "unknown_meter", "--customer", "newcomer", "--json").json == []
    by_code = toll("quarantine", "replay", "--code", "negative_quantity", "--json")
    assert (by_code.status, [result["id"] for result in by_code.json]) == (2, ["4"])
    rest = toll("quarantine", "replay", "--all", "--json")
    assert rest.status == 2
    assert {result["id"]: result["code"] for result in rest.json} == {
        "2": None,
        "3": "unknown_meter",
        "4": "negative_quantity",
    }
    [event, _] = toll("events", "list", "--customer", "newcomer", "--json").json
    # It happened when it came, not when it was replayed.
    assert event["time"] < event["recorded_at"]


def _discard(toll: Toll, ids: dict[str, str]) -> None:
    assert toll("quarantine", "discard", ids["3"]).status == 2
    assert toll("quarantine", "discard", ids["3"], "--note", " ", "--json").error == "invalid_note"
    assert toll("quarantine", "discard", ids["3"], "--note", "a test", "--json").json == {"discarded": 1}
    shown = toll("quarantine", "show", ids["3"], "--json").json
    assert (shown["status"], shown["note"]) == ("discarded", "a test")
    assert shown["resolved_by"].endswith("(command line)")
    assert toll("quarantine", "discard", "--customer", "globex", "--note", "rubbish").out == "Discarded: 0.\n"
    assert toll("quarantine", "discard", "--code", "negative_quantity", "--note", "rubbish").out == "Discarded: 1.\n"

    nowhere = "01890000-0000-7000-8000-000000000000"
    for line, code in {
        ("replay",): "invalid_option",
        ("replay", ids["1"], "--all"): "invalid_option",
        ("replay", ids["1"], "--code", "x"): "invalid_option",
        ("replay", ids["1"], "--customer", "acme"): "invalid_option",
        ("discard", "--note", "all of it?"): "invalid_option",
        ("replay", nowhere): "unknown_quarantine_item",
        ("show", nowhere): "unknown_quarantine_item",
    }.items():
        ran = toll("quarantine", *line, "--json")
        assert (ran.status, ran.error) == (1, code), line


def test_replaying_more_than_one_transaction_takes(toll: Toll) -> None:
    rows = "".join(f"{n},newcomer,cv_parse,1\n" for n in range(1100))
    toll("import", "-", "--format", "csv", stdin=f"id,customer,meter,quantity\n{rows}".encode())
    assert len(toll("quarantine", "replay", "--all", "--json").json) == 1100
    toll("customers", "put", "newcomer")
    ran = toll("quarantine", "replay", "--all", "--json")
    assert (ran.status, {one["status"] for one in ran.json}, len(ran.json)) == (0, {"accepted"}, 1100)
    assert toll("overview", "newcomer", "--json").json["owed"] == [{"unit": "USD", "amount": "550"}]
