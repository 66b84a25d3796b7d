"""Limits on the command line."""

from __future__ import annotations

from typing import Any

from tests.cli.conftest import Toll


def listed(gate: Toll, *options: str) -> dict[str, dict[str, Any]]:
    return {one["limit"]: one for one in gate("limit", "list", "acme", *options, "--json").json["data"]}


def test_limits_are_listed_with_what_is_used_and_held(gate: Toll) -> None:
    gate("hold", "open", "acme", "tokens_in", "--id", "t-1", "--quantity", "100", "--member", "ann")
    gate("hold", "settle", "acme", "t-1", "--quantity", "40")
    gate("hold", "open", "acme", "tokens_out", "--id", "t-2", "--quantity", "10", "--member", "ann")
    found = listed(gate)
    assert {name: (one["used"], one["held"], one["remaining"]) for name, one in found.items()} == {
        "daily_tokens": ("40", "10", "950"),
        "member_tokens": (None, None, None),
        "spend": ("0", "0.2", "14.8"),
    }
    daily = found["daily_tokens"]
    assert (daily["group"], daily["spend"], daily["per"], daily["mode"], daily["own"]) == (
        *("tokens", None, "day", "hard", False),
    )
    ann = listed(gate, "--member", "ann")["member_tokens"]
    assert (ann["member"], ann["used"], ann["held"], ann["cap"]) == ("ann", "40", "10", "500")
    assert listed(gate, "--member", "bob")["member_tokens"]["cap"] == "50"
    head, day, member, spend, own = gate("limit", "list", "acme").out.splitlines()
    assert own == "member_tokens: the cap of bob is 50."
    assert head.split()[:6] == ["LIMIT", "PER", "COUNTS", "MEMBER", "USED", "HELD"]
    assert day.split()[:8] == ["daily_tokens", "day", "tokens", "-", "40", "10", "1000", "950"]
    assert member.split()[:8] == ["member_tokens", "month", "tokens", "each", "-", "-", "500", "-"]
    assert spend.split()[:9] == ["spend", "rolling", "hour", "USD", "-", "0.00", "0.20", "15.00", "14.80"]


def test_a_limit_is_changed_switched_and_dropped(gate: Toll) -> None:
    [changed] = gate("limit", "set", "acme", "daily_tokens", "--cap", "20", "--warn-at", "50,90", "--json").json["data"]
    assert (changed["cap"], changed["warn_at"], changed["own"], changed["group"]) == (
        "20",
        ["50", "90"],
        True,
        "tokens",
    )
    beyond = ("hold", "open", "acme", "tokens_in", "--quantity", "21", "--id", "t-1")
    assert gate(*beyond).status == 1
    # What was set before stays.
    assert gate("limit", "set", "acme", "daily_tokens", "--mode", "soft").status == 0
    soft = listed(gate)["daily_tokens"]
    assert (soft["mode"], soft["cap"]) == ("soft", "20")
    assert "warning: The operation goes beyond the limit 'Daily tokens'" in gate(*beyond).out
    assert gate("limit", "off", "acme", "daily_tokens").out.splitlines()[1].split()[-2:] == ["off", "own"]
    assert listed(gate)["daily_tokens"]["enabled"] is False
    assert "warning" not in gate("hold", "open", "acme", "tokens_in", "--quantity", "22", "--id", "t-2").out
    assert gate("limit", "on", "acme", "daily_tokens", "--json").json["data"][0]["enabled"] is True
    [dropped] = gate("limit", "drop", "acme", "daily_tokens", "--json").json["data"]
    assert (dropped["cap"], dropped["mode"], dropped["own"], dropped["enabled"]) == ("1000", "hard", False, True)
    assert gate("limit", "set", "acme", "daily_tokens", "--warn-at", "none", "--json").json["data"][0]["warn_at"] == []


def test_members_have_caps_of_their_own(gate: Toll) -> None:
    gate("limit", "set", "acme", "member_tokens", "--member-cap", "ann=5", "--member-cap", "eve=6")
    assert listed(gate)["member_tokens"]["member_caps"] == {"ann": "5", "bob": "50", "eve": "6"}
    refused = gate("hold", "open", "acme", "tokens_in", "--quantity", "6", "--member", "ann")
    assert refused.status == 1
    assert "The limit 'Member tokens' of member 'ann' allows 5 per month: 0 used, 6 more needed." in refused.err
    gate("limit", "set", "acme", "member_tokens", "--member-cap", "ann=none", "--cap", "9")
    found = listed(gate)["member_tokens"]
    assert (found["member_caps"], found["cap"]) == ({"bob": "50", "eve": "6"}, "9")
    gate("limit", "set", "acme", "member_tokens", "--by", "customer")
    found = listed(gate)["member_tokens"]
    assert (found["by"], found["member_caps"], found["cap"]) == ("customer", {}, "9")


def test_a_customer_has_a_limit_that_nobody_else_has(gate: Toll) -> None:
    terms = ("--spend", "USD", "--meter", "cv_parse", "--per", "week", "--cap", "2", "--by", "customer")
    [made] = gate("limit", "set", "acme", "parsing", *terms, "--json").json["data"]
    assert (made["spend"], made["meter"], made["per"], made["own"]) == ("USD", "cv_parse", "week", True)
    assert "USD of cv_parse" in gate("limit", "list", "acme").out
    assert gate("hold", "open", "acme", "cv_parse", "--quantity", "5", "--json").error == "limit_exceeded"
    assert "parsing" not in gate("limit", "list", "globex").out
    assert gate("limit", "drop", "acme", "parsing").out == "acme has no limit 'parsing' any more.\n"


def test_what_is_wrong_with_a_limit(gate: Toll) -> None:
    for line, code in {
        ("list", "nobody"): "unknown_customer",
        ("set", "acme", "daily_tokens"): "invalid_option",
        ("set", "nobody", "daily_tokens", "--cap", "1"): "unknown_customer",
        ("set", "acme", "daily_tokens", "--cap", "NaN"): "invalid_limit",
        ("set", "acme", "daily_tokens", "--cap=-1"): "invalid_limit",
        ("set", "acme", "daily_tokens", "--warn-at", "0"): "invalid_limit",
        ("set", "acme", "daily_tokens", "--member-cap", "ann"): "invalid_option",
        ("set", "acme", "daily_tokens", "--member-cap", "ann=5"): "invalid_limit",
        ("set", "acme", "other", "--cap", "1"): "unknown_limit",
        ("set", "acme", "other", "--meter", "nothing", "--per", "day", "--cap", "1"): "invalid_limit",
        ("set", "acme", "other", "--meter", "cv_parse", "--cap", "1"): "invalid_limit",
        ("set", "acme", "other", "--spend", "gold", "--per", "day", "--cap", "1"): "invalid_limit",
        ("off", "acme", "other"): "unknown_limit",
        ("on", "nobody", "daily_tokens"): "unknown_customer",
        ("drop", "acme", "daily_tokens"): "unknown_limit",
    }.items():
        ran = gate("limit", *line, "--json")
        assert (ran.status, ran.out, ran.error) == (1, "", code), line
    assert gate("limit", "set", "acme", "daily_tokens", "--mode", "firm").status == 2
    assert not any(one["own"] for one in listed(gate).values())
