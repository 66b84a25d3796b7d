"""What is refused beside prices: every key of groups, limits, plans, grants and funding, with line and key."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.test_catalog_plans import HEAD, declarations

from tollkeeper.catalog import check
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

AT = HEAD.count("\n") + 1
LIMIT = '[limits.daily]\nmeter = "calls"\nper = "day"\ncap = 5\n'
GRANT = '[plans.basic.grants.monthly]\nunit = "credit"\namount = 5\nevery = "month"\n'


def problems(text: str) -> list[dict[str, Any]]:
    with pytest.raises(CatalogInvalid) as caught:
        check(text, models=MODELS)
    return caught.value.extra["problems"]


def only_problem(text: str) -> tuple[int, str, str]:
    (problem,) = problems(text)
    return problem["line"], problem["key"], problem["message"]


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ('on_expiry = "charge"', "on_expiry", "release, charge_estimate"),
        ("on_expiri = 1", "on_expiri", "did you mean `on_expiry`?"),
    ],
)
def test_meters(line: str, key: str, says: str) -> None:
    found_line, found_key, message = only_problem(f'currency = "USD"\n[meters.calls]\nunit = "call"\n{line}\n')
    assert (found_line, found_key) == (4, f"meters.calls.{key}")
    assert says in message


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[groups.g]", AT, "groups.g.meters", "is missing"),
        ("[groups.g]\nmeters = []", AT + 1, "groups.g.meters", "is empty"),
        ('[groups.g]\nmeters = "calls"', AT + 1, "groups.g.meters", "list of at most 100"),
        ('[groups.g]\nmeters = ["calls", "call"]', AT + 1, "groups.g.meters[1]", "did you mean `calls`?"),
        ('[groups.g]\nmeters = ["calls", "calls"]', AT + 1, "groups.g.meters[1]", "second time"),
        ('[groups.g]\nmeters = ["calls"]\nmeter = 1', AT + 2, "groups.g.meter", "did you mean `meters`?"),
        ('[groups.G]\nmeters = ["calls"]', AT, "groups.G", "small letter first"),
        ("[plans.Basic]", AT, "plans.Basic", "small letter first"),
        ("[plans.basic]\nname = ''", AT + 1, "plans.basic.name", "1 to 200"),
        ("[plans.basic]\ndescription = 5", AT + 1, "plans.basic.description", "text in quotes"),
        ("[plans.basic]\nlimit = 5", AT + 1, "plans.basic.limit", "did you mean `limits`?"),
        ("[plans.basic.prices.call]", AT, "plans.basic.prices.call", "did you mean `calls`?"),
        ("[plans.basic.prices.calls]\namount = 1", AT, "plans.basic.prices.calls.model", "is missing"),
        ("[plans.basic.limits.daily]\ncap = 1\nper = 'day'", AT, "plans.basic.limits.daily.meter", "needs `meter`"),
        ("[customers.acme]\nfundings = {}", AT + 1, "customers.acme.fundings", "did you mean `funding`?"),
        ("[customers.acme.funding]\nceiling = 1", AT + 1, "customers.acme.funding.ceiling", "did you mean"),
        ('[customers." a".funding]\nceiling = 1', AT, 'customers." a"', "visible characters"),
    ],
)
def test_tables(text: str, line: int, key: str, says: str) -> None:
    found = problems(f"{HEAD}{text}\n")
    assert [(found[0]["line"], found[0]["key"])] == [(line, key)]
    assert says in found[0]["message"]


@pytest.mark.parametrize(
    ("line", "plans", "says"),
    [
        ('default_plan = "basc"', "[plans.basic]", "did you mean `basic`?"),
        ('default_plan = "basic"', "", "none are declared"),
        ("default_plan = 5", "[plans.basic]", "text in quotes"),
    ],
)
def test_default_plan(line: str, plans: str, says: str) -> None:
    found_line, key, message = only_problem(f"{line}\n{HEAD}{plans}\n")
    assert (found_line, key) == (1, "default_plan")
    assert says in message


@pytest.mark.parametrize("key", ["groups", "limits", "funding", "plans"])
def test_what_must_be_tables(key: str) -> None:
    assert only_problem(f'currency = "USD"\n{key} = 1\n') == (2, key, f"`{key}` must be a table.")


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ("meter = ", 'group = "work"\nmeter = ', "group", "not both"),
        ('meter = "calls"\n', "", "meter", "needs `meter` or `group`"),
        ('"calls"', '"call"', "meter", "did you mean `calls`?"),
        ('"calls"', '"seats"', "meter", "`seats` is a `max`"),
        ('meter = "calls"', 'group = "works"', "group", "did you mean `work`?"),
        ('meter = "calls"', 'group = "all"', "group", "`seats` is a `max`"),
        ('meter = "calls"', 'spend = "credits"', "spend", "did you mean `credit`?"),
        ('meter = "calls"', 'spend = "USD"\nmeter = "call"', "meter", "did you mean `calls`?"),
        ('meter = "calls"', "meter = 5", "meter", "text in quotes"),
        ('per = "day"\n', "", "per", "is missing"),
        ('"day"', '"hour"', "per", "day, week, month, rolling_hour"),
        ("cap = 5", "", "cap", "is missing"),
        ("cap = 5", "cap = -5", "cap", "negative"),
        ("cap = 5", "cap = 5.5", "cap", 'in quotes, like "5.5"'),
        ("cap = 5", 'cap = "0.0000000000001"', "cap", "12 decimals"),
        ("cap = 5", "caps = 5\ncap = 5", "caps", "did you mean `cap`?"),
        ("cap = 5", 'cap = 5\nmode = "firm"', "mode", "hard, soft"),
        ("cap = 5", 'cap = 5\nby = "team"', "by", "customer, member"),
        ("cap = 5", 'cap = 5\nenabled = "yes"', "enabled", "true or false"),
        ("cap = 5", "cap = 5\nwarn_at = 80", "warn_at", "list of at most 10 numbers"),
        ("cap = 5", f"cap = 5\nwarn_at = {list(range(1, 12))}", "warn_at", "at most 10"),
        ("cap = 5", "cap = 5\nwarn_at = [80, 0]", "warn_at[1]", "more than 0"),
        ("cap = 5", "cap = 5\nwarn_at = [1001]", "warn_at[0]", "more than 1000"),
        ("cap = 5", 'cap = 5\nwarn_at = [80, "80.0"]', "warn_at[1]", "second time"),
        ("cap = 5", 'cap = 5\nwarn_at = ["80%"]', "warn_at[0]", "plain digits"),
        ("cap = 5", "cap = 5\nmember_caps = { ann = 5 }", "member_caps", 'add `by = "member"`'),
        ("cap = 5", 'cap = 5\nby = "member"\nmember_caps = { ann = -5 }', "member_caps.ann", "negative"),
        ("cap = 5", 'cap = 5\nby = "member"\nmember_caps = { " a" = 5 }', 'member_caps." a"', "visible"),
        ("cap = 5", 'cap = 5\nby = "member"\nmember_caps = { "a b" = "x" }', 'member_caps."a b"', "plain digits"),
        ("cap = 5", 'cap = 5\nby = "member"\nmember_caps = 5', "member_caps", "must be a table"),
    ],
)
def test_limits(old: str, new: str, key: str, says: str) -> None:
    assert old in LIMIT
    found_line, found_key, message = only_problem(HEAD + LIMIT.replace(old, new))
    expected = AT + next((i for i, line in enumerate(LIMIT.replace(old, new).splitlines()) if _opens(line, key)), 0)
    assert (found_line, found_key) == (expected, f"limits.daily.{key}")
    assert says in message


def _opens(line: str, key: str) -> bool:
    return line.startswith(f"{key.split('[')[0].split('.')[0]} =")


def test_the_name_of_a_limit() -> None:
    assert only_problem(HEAD + LIMIT.replace("daily", "Daily"))[:2] == (AT, "limits.Daily")


@pytest.mark.parametrize("place", ["funding", "funding.units.credit", "plans.basic.funding", "customers.acme.funding"])
@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ('when_exhausted = "stop"', "when_exhausted", "refuse, receivable"),
        ('settle_overage = "none"', "settle_overage", "wallet, receivable"),
        ("credit_ceiling = -1", "credit_ceiling", "negative"),
        ('when_exhausted = "refuse"\ncredit_ceiling = 5', "credit_ceiling", "nothing is owed"),
        ('low_balance = "low"', "low_balance", "plain digits"),
        ('top_up_url = "app.example"', "top_up_url", "whole link"),
        ('top_up_url = "https://app.example/a b"', "top_up_url", "whole link"),
        ('top_up_url = "https://app.example/{custmer}"', "top_up_url", "did you mean `customer`?"),
        ('top_up_url = "https://app.example/{}"', "top_up_url", "known are `customer`, `unit`"),
        ('top_up_url = "https://app.example/{customer"', "top_up_url", "a brace on its own"),
        ('low_ballance = "5"', "low_ballance", "did you mean `low_balance`?"),
    ],
)
def test_funding(place: str, text: str, key: str, says: str) -> None:
    line, found_key, message = only_problem(f"{HEAD}[{place}]\n{text}\n")
    assert (line, found_key) == (AT + text.count("\n") + 1, f"{place}.{key}")
    assert says in message


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("[funding.units.credits]", "funding.units.credits", "did you mean `credit`?"),
        ("[funding.units.credit]\nlow_balance = '0.25'", "funding.units.credit.low_balance", "more than 1 decimals"),
        ("[funding.units.credit]\ncredit_ceiling = '1.25'", "funding.units.credit.credit_ceiling", "as `credit` has"),
        ("[funding]\nunits = 5", "funding.units", "must be a table"),
        ("[funding.units.credit.units]", "funding.units.credit.units", "isn't a key here"),
    ],
)
def test_funding_of_units(text: str, key: str, says: str) -> None:
    found = problems(f"{HEAD}{text}\n")
    assert [problem["key"] for problem in found] == [key]
    assert says in found[0]["message"]


def test_a_ceiling_goes_with_what_is_owed() -> None:
    for text in ("credit_ceiling = 5", 'when_exhausted = "receivable"\ncredit_ceiling = "0.123456789012"'):
        assert declarations(f"[funding]\n{text}").funding.general.credit_ceiling


@pytest.mark.parametrize(
    ("old", "new", "key", "says"),
    [
        ('"credit"', '"credits"', "unit", "did you mean `credit`?"),
        ("amount = 5\n", "", "amount", "is missing"),
        ("amount = 5", "amount = 0", "amount", "more than 0"),
        ("amount = 5", 'amount = "5.25"', "amount", "more than 1 decimals, as `credit` has"),
        ('every = "month"\n', "", "every", "is missing"),
        ('"month"', '"quarter"', "every", "day, week, month, year"),
        ("amount = 5", 'amount = 5\nrollover = "some"', "rollover", '"none", "all", or a number'),
        ("amount = 5", "amount = 5\nrollover = []", "rollover", '"none", "all", or a number'),
        ("amount = 5", "amount = 5\nrollover = -1", "rollover", '"none", "all", or a number'),
        ("amount = 5", 'amount = 5\nrollover = "0.25"', "rollover", "more than 1 decimals"),
        ("amount = 5", 'amount = 5\nkind = "gift"', "kind", "paid, promotional, compensation"),
        ("amount = 5", "amount = 5\npriority = 101", "priority", "from 0 to 100"),
        ("amount = 5", "amount = 5\nprio = 1", "prio", "did you mean `priority`?"),
    ],
)
def test_grants(old: str, new: str, key: str, says: str) -> None:
    text = GRANT.replace(old, new)
    expected = AT + next((i for i, line in enumerate(text.splitlines()) if _opens(line, key)), 0)
    found_line, found_key, message = only_problem(HEAD + text)
    assert (found_line, found_key) == (expected, f"plans.basic.grants.monthly.{key}")
    assert says in message
