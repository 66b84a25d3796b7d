"""check: every rule of the catalog file, with the line and the key that its problem names."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tollkeeper.catalog import Aggregation, Meter, Rounding, Unit, check
from tollkeeper.catalog.declarations import declared
from tollkeeper.catalog.source import refuse_excess
from tollkeeper.clock import BEGINNING, Period
from tollkeeper.errors import CatalogInvalid
from tollkeeper.rating import MODELS

EXAMPLES = Path(__file__).parents[2] / "examples" / "catalogs"

HEAD = """\
currency = "USD"
[units.interview_credit]
[meters.cv_parse]
unit = "CV"
[meters.seats]
unit = "seat"
aggregation = "unique_count"
unique_by = "member"
"""
METER = 'currency = "USD"\n[meters.cv_parse]\nunit = "CV"\n'
PRICE = HEAD + '[prices.cv_parse]\nmodel = "unit"\namount = "0.50"\n'


def problems(text: str) -> list[dict[str, Any]]:
    with pytest.raises(CatalogInvalid) as caught:
        check(text, file="catalog.toml", models=MODELS)
    assert caught.value.code == "catalog_invalid"
    found = caught.value.extra["problems"]
    assert all(problem["file"] == "catalog.toml" for problem in found)
    return found


def only_problem(text: str) -> tuple[int, str, str]:
    (problem,) = problems(text)
    return problem["line"], problem["key"], problem["message"]


def test_everything_a_catalog_can_say() -> None:
    draft = check(
        """
currency = "USD"
[units.interview_credit]
name = "Interview credit"
decimals = 1
[meters.cv_parse]
name = "CV parsing"
unit = "CV"
aggregation = "max"
decimals = 0
minimum = "1"
round = "nearest"
step = 2
dimensions = ["job", "candidate"]
[prices.cv_parse]
model = "graduated"
tiers = [{ up_to = 100, amount = "0.50" }, { amount = "0.40" }]
unit = "interview_credit"
period = "week"
included = "100"
discount_percent = "12.5"
maximum = "50"
from = 2026-12-01T01:00:00+01:00
[[customers."acme & sons".prices.cv_parse]]
model = "unit"
amount = "0.4"
[[customers."acme & sons".prices.cv_parse]]
model = "unit"
amount = "0.3"
from = 2027-01-01T00:00:00Z
""",
        models=MODELS,
    )
    assert draft.declared.currency == "USD"
    assert draft.declared.units == {"interview_credit": Unit("interview_credit", "Interview credit", 1)}
    assert draft.declared.meters == {
        "cv_parse": Meter(
            key="cv_parse",
            name="CV parsing",
            unit="CV",
            aggregation=Aggregation.MAX,
            decimals=0,
            minimum=Decimal(1),
            rounding=Rounding.NEAREST,
            step=Decimal(2),
            dimensions=("job", "candidate"),
        )
    }
    general, own, later = (entry.price for entry in draft.prices)
    assert general.effective_from == datetime(2026, 12, 1, tzinfo=UTC)
    assert (general.customer, own.customer) == (None, "acme & sons")
    assert (general.unit, own.unit) == ("interview_credit", "USD")
    assert (general.period, own.period) == (Period.WEEK, Period.MONTH)
    assert (general.included, general.discount_percent, general.maximum) == (Decimal(100), Decimal("12.5"), Decimal(50))
    assert (own.included, own.discount_percent, own.maximum) == (0, 0, None)
    assert general.terms.as_table() == {"tiers": [{"up_to": "100", "amount": "0.5"}, {"amount": "0.4"}]}
    assert (own.effective_from, later.effective_from) == (BEGINNING, datetime(2027, 1, 1, tzinfo=UTC))


def test_defaults_of_a_meter() -> None:
    draft = check(METER, models=MODELS)
    assert draft.declared.meters["cv_parse"] == Meter(key="cv_parse", name="Cv parse", unit="CV")


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("", "currency", "`currency` is missing"),
        ("currency = 5", "currency", "must be a text in quotes"),
        ('currency = "usd"', "currency", "ISO 4217"),
    ],
)
def test_currency(line: str, key: str, says: str) -> None:
    found_line, found_key, message = only_problem(f"{line}\n")
    assert (found_line, found_key) == (1, key)
    assert says in message


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ("name = 5", "name", "text in quotes"),
        ('name = ""', "name", "1 to 200 characters"),
        ('name = "a\\u0000b"', "name", "visible"),
        ('aggregation = "avg"', "aggregation", "sum, count, max, unique_count, latest"),
        ('decimals = "2"', "decimals", "whole number from 0 to 12, without quotes"),
        ("decimals = 13", "decimals", "from 0 to 12"),
        ("decimals = true", "decimals", "whole number"),
        ("minimum = 0", "minimum", "more than 0"),
        ("minimum = -1", "minimum", "negative"),
        ("minimum = true", "minimum", "must be a number"),
        ('minimum = "1e3"', "minimum", "plain digits"),
        ("minimum = 0.5", "minimum", 'must be in quotes, like "0.5"'),
        ("minimum = 1e3", "minimum", "must be in quotes"),
        ("minimum = nan", "minimum", "must be in quotes"),
        ("minimum = 1000000000000000", "minimum", "must be less than"),
        ('minimum = "0.0000000000001"', "minimum", "12 decimals"),
        ('round = "half"', "round", "up, down, nearest"),
        ("step = 5", "step", "needs `round`"),
        ('dimensions = "job"', "dimensions", "list of at most 10"),
        (f"dimensions = {list('abcdefghijk')}", "dimensions", "at most 10"),
        ('dimensions = ["job", "job"]', "dimensions[1]", "second time"),
        ('dimensions = ["a b"]', "dimensions[0]", "can't be a dimension"),
        ('dimensions = ["member"]', "dimensions[0]", "leave it out"),
        ("dimensions = [1]", "dimensions[0]", "text in quotes"),
        ('unique_by = "user"', "unique_by", "only for the aggregation `unique_count`"),
        ('aggregation = "unique_count"', "unique_by", "is missing"),
        ('aggregation = "unique_count"\nunique_by = "a b"', "unique_by", "must be"),
        ('aggregation = "count"\nminimum = 1', "minimum", "changes nothing"),
        ('dimension = ["job"]', "dimension", "did you mean `dimensions`?"),
        ("zzz = 1", "zzz", "known are `aggregation`, `decimals`"),
    ],
)
def test_meter(line: str, key: str, says: str) -> None:
    found_line, found_key, message = only_problem(f"{METER}{line}\n")
    expected = 2 if says == "is missing" else 4 + line.count("\n")
    assert (found_line, found_key) == (expected, f"meters.cv_parse.{key}")
    assert says in message


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[meters.CV]\nunit = 'CV'", 2, "meters.CV", "small letter first"),
        ("[meters.'cv parse']\nunit = 'CV'", 2, 'meters."cv parse"', "small letter first"),
        ("[meters.cv_parse]", 2, "meters.cv_parse.unit", "`unit` is missing"),
        ("meters = 5", 2, "meters", "`meters` must be a table"),
        ("meters.cv_parse = 5", 2, "meters.cv_parse", "`cv_parse` must be a table"),
        ("[units.Credit]", 2, "units.Credit", "small letter first"),
        ("[units.credit]\ndecimals = -1", 3, "units.credit.decimals", "from 0 to 12"),
        ("[units.credit]\nsymbol = 'C'", 3, "units.credit.symbol", "known are `decimals`, `name`"),
        ("[meter.cv_parse]", 2, "meter", "did you mean `meters`?"),
        ("[prices]\ncv = { model = 'unit', amount = 1 }", 3, "prices.cv", "none are declared"),
        ("[customers.acme]\nprice = {}", 3, "customers.acme.price", "did you mean `prices`?"),
        ("[customers.'a\\nb']", 2, None, ""),
        ('[customers."a\\nb"]', 2, 'customers."a\\nb"', "visible"),
        ("plan = 9999999999999999999999", 2, "plan", "64 bits"),
    ],
)
def test_tables(text: str, line: int, key: str | None, says: str) -> None:
    document = f'currency = "USD"\n{text}\n'
    if key is None:
        check(document, models=MODELS)
        return
    found = problems(document)
    assert [(found[0]["line"], found[0]["key"])] == [(line, key)]
    assert says in found[0]["message"]


@pytest.mark.parametrize(
    ("line", "key", "says"),
    [
        ('unit = "EUR"', None, ""),
        ('unit = "interview_credit"', None, ""),
        ('unit = "credit"', "unit", "neither a currency nor a declared unit"),
        ('unit = "interview_credits"', "unit", "did you mean `interview_credit`?"),
        ('period = "quarter"', "period", "day, week, month, year"),
        ('included = "-1"', "included", "negative"),
        ("included = 0.5", "included", "in quotes"),
        ("discount_percent = 101", "discount_percent", "more than 100"),
        ("maximum = [1]", "maximum", "must be a number"),
        ("from = 2026-12-01", "from", "such as 2026-12-01T00:00:00Z"),
        ("from = 2026-12-01T10:00:00", "from", "offset from UTC"),
        ('from = "2026-12-01T00:00:00Z"', "from", "without quotes"),
        ("from = 0001-01-01T00:00:00+14:00", "from", "1970"),
        ("per = 0", "per", "more than 0"),
        ("per = 0.5", "per", "in quotes"),
        ("perr = 5", "perr", "known are `amount`, `per`"),
        ('perod = "day"', "perod", "Did you mean `period`?"),
    ],
)
def test_price(line: str, key: str | None, says: str) -> None:
    text = f"{PRICE}{line}\n"
    if key is None:
        check(text, models=MODELS)
        return
    found_line, found_key, message = only_problem(text)
    assert (found_line, found_key) == (12, f"prices.cv_parse.{key}")
    assert says in message


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[prices.cv_parse]\namount = 1", 9, "prices.cv_parse.model", "`model` is missing"),
        ("[prices.cv_parse]\nmodel = 'units'", 10, "prices.cv_parse.model", "did you mean `unit`?"),
        ("[prices.cv_parse]\nmodel = 'unit'", 9, "prices.cv_parse.amount", "`amount` is missing"),
        ("[prices]\ncv_parse = []", 10, "prices.cv_parse", "is empty"),
        ("[prices]\ncv_parse = 5", 10, "prices.cv_parse", "must be a table"),
        ("[prices]\ncv_parse = [5]", 10, "prices.cv_parse[0]", "must be a table"),
        ("[prices.cv_pars]", 9, "prices.cv_pars", "did you mean `cv_parse`?"),
        ("[prices.seats]\nmodel = 'dynamic'", 10, "prices.seats.model", "by itself"),
        ("[prices.cv_parse]\nmodel = 'dynamic'\nincluded = 5", 11, "prices.cv_parse.included", "included"),
        (
            "[prices.cv_parse]\nmodel = 'volume'\ntiers = [\n  { up_to = 5, amount = 1 },\n  { amount = -1 },\n]",
            13,
            "prices.cv_parse.tiers[1].amount",
            "negative",
        ),
        (
            "[[prices.cv_parse]]\nmodel = 'unit'\namount = 1\n[[prices.cv_parse]]\nmodel = 'unit'\namount = 2",
            12,
            "prices.cv_parse[1].from",
            "`prices.cv_parse[0]` has no `from` either",
        ),
        (
            "[[customers.acme.prices.cv_parse]]\nmodel = 'unit'\namount = 1\nfrom = 2026-12-01T00:00:00Z\n"
            "[[customers.acme.prices.cv_parse]]\nmodel = 'unit'\namount = 2\nfrom = 2026-12-01T01:00:00+01:00",
            16,
            "customers.acme.prices.cv_parse[1].from",
            "`customers.acme.prices.cv_parse[0]` begins then too",
        ),
    ],
)
def test_prices(text: str, line: int, key: str, says: str) -> None:
    found = [problem for problem in problems(f"{HEAD}{text}\n") if problem["key"] == key]
    assert [problem["line"] for problem in found] == [line]
    assert says in found[0]["message"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('currency = "USD"\n[meters', 2),
        ('currency = "USD"\ncurrency = "EUR"\n', 2),
        ("a = [" + "[" * 5000, 1),
        ("a = " + "9" * 5000, 1),
        ('currency = "\ud800"', 1),
        ("a = 2026-13-45", 1),
    ],
)
def test_text_that_is_not_toml(text: str, line: int) -> None:
    assert only_problem(text)[:2] == (line, "")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a." * 3000 + "b=1", 1, "more than 32 parts"),
        ("x = 1\n[" + '"a" . ' * 3000 + "b]", 2, "more than 32 parts"),
        ("'a'." * 200_000 + "b=1", 1, "more than 32 parts"),
        ('currency = "USD"\n#' + "x" * 1_000_000, 1, "larger than 1 MB"),
        ('currency = "USD"\n#' + "é" * 500_000, 1, "larger than 1 MB"),
        ("a = " + "[" * 900 + "]" * 900, 1, "nested too deeply"),
        ("a = " + "{b=" * 900 + "1" + "}" * 900, 1, "nested too deeply"),
    ],
)
def test_text_beyond_the_limits(text: str, line: int, says: str) -> None:
    found_line, key, message = only_problem(text)
    assert (found_line, key) == (line, "")
    assert says in message


@pytest.mark.parametrize("depth", [*range(20, 500, 60)])
def test_no_depth_of_nesting_breaks_it(depth: int) -> None:
    for nested in ("[" * depth + "]" * depth, "{b=" * depth + "1.5" + "}" * depth, "[{b=" * depth + "1" + "}]" * depth):
        problems(f'currency = "USD"\n[meters.cv]\nunit = {nested}\ndimensions = {nested}\n[prices]\ncv = {nested}\n')


def test_a_catalog_that_was_accepted_before_the_limits_is_still_read() -> None:
    text = f"currency = 'USD'\n# {'x.' * 500_000}\n"
    assert declared(text).currency == "USD"
    only_problem(text)


@pytest.mark.parametrize(
    "text", ["a" * 999_999, "a " * 499_999, '"' * 999_999, "a\t" * 400_000, "# 1.2.3.4 a.b.c\n" * 9999]
)
def test_the_limits_are_found_quickly(text: str) -> None:
    refuse_excess(text, file=None)


def test_a_hundred_problems_are_enough() -> None:
    text = "".join(f"[meters.m{i}]\n[prices.qqqqqqqqq{i}]\n" for i in range(10_000))
    assert len(problems(f'currency = "USD"\n{text}')) == 100


@pytest.mark.parametrize("table", ["prices.cv_parse", "customers.acme.prices.cv_parse"])
def test_a_price_by_cost_charges_the_currency_of_costs(table: str) -> None:
    def text(unit: str) -> str:
        return f'{HEAD}[{table}]\nmodel = "cost_plus"\n{unit}\n'

    for unit in ("EUR", "interview_credit"):
        line, key, message = only_problem(text(f'unit = "{unit}"'))
        assert (line, key) == (11, f"{table}.unit")
        assert "costs are in the catalog's currency, `USD`" in message
    for right in ("", 'unit = "USD"'):
        assert check(text(right), models=MODELS).prices[0].price.unit == "USD"


def test_all_problems_come_at_once_in_the_order_of_the_lines() -> None:
    text = 'currency = "USDD"\n[meters.cv]\nunit = 5\n[prices.cv]\nmodel = "unit"\namount = 0.5\nincluded = -1\n'
    assert [(problem["line"], problem["key"]) for problem in problems(text)] == [
        (1, "currency"),
        (3, "meters.cv.unit"),
        (6, "prices.cv.amount"),
        (7, "prices.cv.included"),
    ]
    with pytest.raises(CatalogInvalid, match=r"catalog\.toml, line 1, currency: .* And 3 more\.$"):
        check(text, file="catalog.toml", models=MODELS)


def test_prices_of_the_same_content_have_the_same_id_however_they_are_written() -> None:
    def price_id(text: str) -> object:
        return check(HEAD + text, models=MODELS).prices[0].price.price_id

    first = price_id('[prices.cv_parse]\nmodel = "unit"\namount = "0.50"\n')
    assert first == price_id('[prices]\ncv_parse = { amount = "0.5", model = "unit", unit = "USD", period = "month" }')
    assert first == price_id('[[prices.cv_parse]]\nmodel = "unit"\namount = "00.500" # half\nper = 1\nincluded = 0\n')
    assert first != price_id('[prices.cv_parse]\nmodel = "unit"\namount = "0.51"\n')
    assert first != price_id('[prices.cv_parse]\nmodel = "unit"\namount = "0.50"\nincluded = 1\n')
    assert first != price_id('[customers.acme.prices.cv_parse]\nmodel = "unit"\namount = "0.50"\n')
    assert first != price_id('[prices.cv_parse]\nmodel = "unit"\namount = "0.50"\nfrom = 2026-01-01T00:00:00Z\n')


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    assert check(path.read_text(), file=path.name, models=MODELS).prices


def test_an_example_shows_every_model() -> None:
    text = (EXAMPLES / "every-model.toml").read_text()
    assert {entry.price.model for entry in check(text, models=MODELS).prices} == set(MODELS)
