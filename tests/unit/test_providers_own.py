"""The operator's price file: what it may say, discounts, and every problem with its line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tollkeeper.errors import PricesInvalid
from tollkeeper.providers import CallFacts, Unit, book, book_of, load_own
from tollkeeper.providers.own import own_rows

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SELF_HOSTED = """\
[[models]]
provider = "our GPUs"
match = ["llama-3*", "qwen"]
note = "by the hour of the machines, 2026-09"
prices = [
  { input_tokens = "0.05", output_tokens = "0.08" },
  { from = 2026-06-01T00:00:00Z, input_tokens = "0.04", output_tokens = "0.07" },
]
"""


def cost(text: str, provider: str, model: str, at: datetime = NEW_YEAR, *, batch: bool = False, **units: int) -> str:
    quantities = {unit: Decimal(number) for unit, number in (units or {"input_tokens": 1_000_000}).items()}
    found = (
        book().with_own(own_rows(text, file="own.toml")).price(CallFacts(provider, model, quantities, at, batch=batch))
    )
    return str(found.missing) if found.cost is None else f"{found.cost.normalize():f}"


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(PricesInvalid) as caught:
        own_rows(text, file="own.toml")
    assert caught.value.code == "prices_invalid"
    assert caught.value.detail.startswith("The prices can't be used: own.toml, line ")
    found = caught.value.extra["problems"]
    assert all(problem["message"].endswith((".", ")")) and problem["file"] == "own.toml" for problem in found)
    return [(problem["line"], problem["key"]) for problem in found]


def test_models_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(SELF_HOSTED)
    rows = load_own(file)
    assert len(rows) == 8
    assert all(row.own and row.provider == "our_gpus" for row in rows)
    assert cost(SELF_HOSTED, "Our GPUs", "Llama-3.3-70b") == "0.05"
    assert cost(SELF_HOSTED, "our_gpus", "qwen", datetime(2026, 6, 1, tzinfo=UTC)) == "0.04"
    assert book_of(file).rows[:8] == tuple(rows)
    assert book_of(file) is book_of(file)
    assert book_of(None) is book()


def test_a_price_of_its_own_for_a_bundled_model() -> None:
    text = '[[models]]\nprovider = "openai"\nmatch = "gpt-4o"\nprices = [{ input_tokens = "2.00" }]'
    assert cost(text, "openai", "gpt-4o") == "2"
    assert cost(text, "openai", "gpt-4o", output_tokens=1_000_000) == "10"
    assert cost(text, "openai", "gpt-4o-mini") == "0.15"
    assert cost(text, "openai", "gpt-4o", batch=True) == "1.25"


def test_what_all_tables_share_may_stand_above_them() -> None:
    text = 'provider = "p"\nsource = "contract 7"\n[[models]]\nmatch = "m"\nprices = [{ requests = "0.01" }]'
    (row,) = own_rows(text, file="own.toml")
    assert (row.provider, row.unit, row.amount, row.per, row.source) == (
        "p",
        "requests",
        Decimal("0.01"),
        1,
        "contract 7",
    )


def test_what_is_said_twice_counts_once_and_the_last_word_goes_first() -> None:
    price = '[[models]]\nprovider = "p"\nmatch = "m"\nprices = [{{ input_tokens = "{}" }}]\n'
    text = price.format("1") + price.format("2") + price.format("1.0")
    assert [row.amount for row in own_rows(text, file="own.toml")] == [2, 1]
    assert cost(text, "p", "m") == "1"


def test_when_it_was_looked_up_is_a_date() -> None:
    text = 'checked_on = 2026-01-31\n[[models]]\nprovider = "p"\nmatch = "m"\nprices = [{ input_tokens = "1" }]'
    assert own_rows(text, file="own.toml")[0].checked_on == "2026-01-31"
    assert problems(text.replace("2026-01-31", '"lately"')) == [(2, "models[0].checked_on")]


def test_a_discount_lowers_every_price() -> None:
    text = (
        '[[discounts]]\nprovider = "azure_openai"\npercent = "12.5"\n[[discounts]]\nprovider = "openai"\npercent = "10"'
    )
    assert cost(text, "azure", "gpt-4o") == "2.1875"
    assert cost(text, "azure", "gpt-5") == "1.09375"
    assert cost(text, "openai", "gpt-4o", batch=True) == "1.125"
    assert cost(text, "openai", "whisper-1", seconds=3600) == "0.324"
    assert cost(text, "anthropic", "claude-opus-4-6") == "10"
    assert cost(text, "openai", "o3", datetime(2025, 6, 9, tzinfo=UTC)) == "9"
    assert cost(text, "openai", "o3", datetime(2025, 6, 10, tzinfo=UTC)) == "1.8"


def test_a_discount_holds_from_its_date_for_the_models_that_it_names() -> None:
    text = '[[discounts]]\nprovider = "openai"\nmatch = "gpt-4o*"\npercent = "10"\nfrom = 2026-01-01'
    assert cost(text, "openai", "gpt-4o") == "2.25"
    assert cost(text, "openai", "gpt-4o-mini") == "0.135"
    assert cost(text, "openai", "gpt-4.1") == "2"
    assert cost(text, "openai", "gpt-4o", NEW_YEAR - timedelta(microseconds=1)) == "2.5"


def test_a_discount_that_names_a_model_holds_for_its_dated_names() -> None:
    text = '[[discounts]]\nprovider = "openai"\nmatch = "gpt-4o"\npercent = "10"'
    for model in ("gpt-4o", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20"):
        assert cost(text, "openai", model) == "2.25"
    assert cost(text, "openai", "gpt-4o-mini") == "0.15"
    assert cost(text, "openai", "gpt-4o-mini-2024-07-18") == "0.15"
    one = text.replace("gpt-4o", "gpt-4o-2024-08-06")
    assert (cost(one, "openai", "gpt-4o"), cost(one, "openai", "gpt-4o-2024-08-06")) == ("2.5", "2.25")


def test_a_discount_lowers_list_prices_of_its_own_file_and_no_others() -> None:
    discount = '[[discounts]]\nprovider = "azure"\npercent = "10"\n'
    own = '[[models]]\nprovider = "azure"\nmatch = "gpt-4o"\n{}prices = [{{ from = 2026-01-01, input_tokens = "3" }}]\n'
    listed, fixed = own.format("list_price = true\n"), own.format("")
    for text in (discount + listed, listed + discount, listed + discount + "from = 2026-01-01\n"):
        assert cost(text, "azure", "gpt-4o") == "2.7"
        assert cost(text, "azure", "gpt-4o", output_tokens=1_000_000) == "9"
    assert cost(listed + discount, "azure", "gpt-4o", NEW_YEAR - timedelta(days=1)) == "2.25"
    assert cost(fixed + discount, "azure", "gpt-4o") == "3"
    assert cost(listed, "azure", "gpt-4o") == "3"
    assert [row.amount for row in own_rows(listed + discount, file="own.toml", discounts=False)] == [3]
    assert problems(own.format("list_price = 1\n")) == [(4, "models[0].list_price")]


def test_a_discount_does_not_bring_back_prices_that_had_ended() -> None:
    text = '[[discounts]]\nprovider = "deepseek"\npercent = "50"\nfrom = 2026-01-01'
    night = datetime(2026, 2, 2, 20, tzinfo=UTC)  # Cheaper at night until September 2025.
    assert cost(text, "deepseek", "deepseek-chat", night) == "0.14"
    assert cost(text, "deepseek", "deepseek-v4-pro", datetime(2026, 9, 1, 2, tzinfo=UTC)) == "0.66"
    assert cost(text, "deepseek", "deepseek-v4-pro", datetime(2026, 9, 5, 2, tzinfo=UTC)) == "0.33"
    assert cost(text, "deepseek", "deepseek-v4-pro", datetime(2026, 3, 2, 2, tzinfo=UTC)) == "0.2175"


def test_a_discount_says_the_same_for_every_bundled_row_at_any_time() -> None:
    text = "".join(
        f'[[discounts]]\nprovider = "{p}"\npercent = "50"\n' for p in ("openai", "anthropic", "google", "bedrock")
    )
    halved = book().with_own(own_rows(text, file="own.toml"))
    for row in book().rows[::41]:
        if row.provider in ("openai", "anthropic", "google", "bedrock"):
            for at in (NEW_YEAR, datetime(2026, 11, 4, 2, 30, tzinfo=UTC), datetime(2025, 3, 3, 20, tzinfo=UTC)):
                on = row.conditions
                facts = CallFacts(
                    *(row.provider, row.model.replace("*", ""), {row.unit: Decimal(1_000_000)}, at),
                    *(on.service_tier, bool(on.batch), on.region),
                )
                full, half = book().price(facts).cost, halved.price(facts).cost
                assert (half is None) if full is None else (half == full / 2)


def test_every_problem_is_told_with_its_line() -> None:
    text = """\
provider = "p"
currency = "EUR"
[[models]]
match = "m"
tiers = 3
prices = [
  { input_tokens = 0.05, output_toke = "0.08" },
  {},
  { input_tokens = "-1", tier = 5, batch = "perhaps", region = "", input_above = "many" },
  { hours = ["25:00", "01:00"], weekdays = [0], from = "2026", until = 2026-01-01T00:00:00, output_tokens = "1 / 0" },
  { from = 2026-02-01, until = 2026-02-01, least = 10, seconds = "1" },
]
[[models]]
match = 5
as_text = "smell"
derive = { region = "us" }
prices = [{ seconds = "1" }]
[[discounts]]
provider = "openai"
match = "gpt-99*"
percent = 10
frm = 2026-01-01
[[discounts]]
percent = "10"
"""
    assert problems(text) == [
        (2, "currency"),
        (5, "models[0].tiers"),
        (7, "models[0].prices[0].input_tokens"),
        (7, "models[0].prices[0].output_toke"),
        (8, "models[0].prices[1]"),
        (9, "models[0].prices[2].batch"),
        (9, "models[0].prices[2].input_above"),
        (9, "models[0].prices[2].input_tokens"),
        (9, "models[0].prices[2].region"),
        (9, "models[0].prices[2].tier"),
        (10, "models[0].prices[3].from"),
        (10, "models[0].prices[3].hours"),
        (10, "models[0].prices[3].output_tokens"),
        (10, "models[0].prices[3].until"),
        (10, "models[0].prices[3].weekdays"),
        (11, "models[0].prices[4].least"),
        (11, "models[0].prices[4].until"),
        (14, "models[1].match"),
        (15, "models[1].as_text"),
        (16, "models[1].derive[0]"),
        (21, "discounts[0].percent"),
        (22, "discounts[0].frm"),
        (23, "discounts[1].provider"),
    ]


@pytest.mark.parametrize(
    "text", ["models = 3", "models = [3]", "discounts = 3", "discounts = [3]", '[[models]]\nmatch = "m"']
)
def test_tables_of_another_kind(text: str) -> None:
    assert problems(text)[0][0] == 1


@pytest.mark.parametrize("percent", ["0", "100", "-5", "1e1", "ten", "", "0.0000001"])
def test_a_percentage_lies_between_0_and_100(percent: str) -> None:
    assert problems(f'[[discounts]]\nprovider = "openai"\npercent = "{percent}"') == [(3, "discounts[0].percent")]


@pytest.mark.parametrize(
    "amount", ["-1", "1e3", "1,5", "", " ", "NaN", "1 /", "1 / 0", "/ 5", "1 / 2 / 3", "0.0000000000001"]
)
def test_amounts_that_can_not_be(amount: str) -> None:
    text = f'[[models]]\nprovider = "p"\nmatch = "m"\nprices = [\n  {{ seconds = "{amount}" }}]'
    assert problems(text) == [(5, "models[0].prices[0].seconds")]


@pytest.mark.parametrize(
    ("text", "line"), [("a = ", 1), ("\n\n[[models]\n", 3), ('a = "\ud800"', 1), ("x = " + "[" * 5000, 1)]
)
def test_what_is_not_toml(text: str, line: int) -> None:
    assert problems(text) == [(line, "")]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PricesInvalid) as caught:
        load_own(tmp_path / "none.toml")
    assert caught.value.code == "prices_unreadable"


def test_units_have_a_per_of_their_own() -> None:
    text = '[[models]]\nprovider = "p"\nmatch = "m"\nprices = [{ characters = "15", seconds = "0.1", images = "0.04" }]'
    per = {Unit(row.unit): row.per for row in own_rows(text, file="own.toml")}
    assert per == {Unit.CHARACTERS: 1_000_000, Unit.SECONDS: 1, Unit.IMAGES: 1}
