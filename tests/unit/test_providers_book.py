"""Which row prices a quantity: dates, conditions, the operator's own, and what stays unpriced."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tollkeeper.providers import PROVIDERS, CallFacts, PriceBook, PriceRow, book, provider_key
from tollkeeper.providers.registry import model_key
from tollkeeper.providers.rows import rows_from

NOON = datetime(2026, 11, 4, 12, tzinfo=UTC)  # A Wednesday.


def rows(text: str, *, own: bool = False) -> list[PriceRow]:
    def refuse(key: str, message: str) -> None:
        raise AssertionError(f"{key}: {message}")

    return rows_from(tomllib.loads(text), problem=refuse, own=own)


def a_book(*prices: str, match: str = '"m"') -> PriceBook:
    entries = "\n".join(f"  {{ {price} }}," for price in prices)
    return PriceBook(rows(f'[[models]]\nprovider = "p"\nmatch = {match}\nprices = [\n{entries}\n]\n'))


def cost(
    among: PriceBook,
    at: datetime = NOON,
    *,
    model: str = "m",
    tier: str | None = None,
    batch: bool = False,
    region: str | None = None,
    **quantities: int,
) -> str | None:
    """The cost per million, as text."""
    found = {unit: Decimal(number) for unit, number in (quantities or {"input_tokens": 1_000_000}).items()}
    priced = among.price(CallFacts("p", model, found, at, tier, batch, region))
    assert (priced.cost is None) == bool(priced.missing)
    return None if priced.cost is None else f"{priced.cost.normalize():f}"


def test_the_price_is_the_one_of_the_time() -> None:
    among = a_book(
        'input_tokens = "1"', 'from = 2026-01-01, input_tokens = "2"', 'from = 2026-06-01, input_tokens = "3"'
    )
    start, later = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    instant = timedelta(microseconds=1)
    assert [cost(among, at) for at in (start - instant, start, later - instant, later)] == ["1", "2", "2", "3"]


def test_a_price_may_end_and_then_there_is_none() -> None:
    among = a_book('from = 2026-01-01, until = 2026-02-01T06:00:00+02:00, input_tokens = "1"')
    end = datetime(2026, 2, 1, 4, tzinfo=UTC)
    assert cost(among, end - timedelta(microseconds=1)) == "1"
    assert cost(among, end) is None
    assert among.price(CallFacts("p", "m", {"input_tokens": Decimal(1)}, end)).missing == ("model",)


def test_a_later_row_puts_a_wrong_one_right() -> None:
    assert cost(a_book('input_tokens = "1"', 'input_tokens = "2"')) == "2"


def test_a_new_list_replaces_the_hours_of_the_old_one() -> None:
    among = a_book(
        'input_tokens = "2"', 'hours = ["11:00", "13:00"], input_tokens = "1"', 'from = 2026-11-01, input_tokens = "3"'
    )
    assert [cost(among, at) for at in (NOON - timedelta(days=10), NOON)] == ["1", "3"]


def test_a_region_has_a_series_of_its_own() -> None:
    among = a_book('region = "eu", input_tokens = "2"', 'from = 2026-11-01, input_tokens = "1"')
    assert [cost(among, region=region) for region in ("EU", "us", None)] == ["2", "1", "1"]


def test_hours_may_pass_midnight() -> None:
    among = a_book('input_tokens = "2"', 'hours = ["16:30", "00:30"], input_tokens = "1"')
    midnight = datetime(2026, 11, 5, tzinfo=UTC)
    minutes = {-451: "2", -450: "1", 0: "1", 29: "1", 30: "2"}
    assert {m: cost(among, midnight + timedelta(minutes=m)) for m in minutes} == minutes


def test_weekdays_are_those_of_utc() -> None:
    among = a_book('input_tokens = "1"', 'weekdays = [1, 2, 3, 4, 5], input_tokens = "2"')
    days = [cost(among, NOON + timedelta(days=day)) for day in range(7)]
    assert days == ["2", "2", "2", "1", "1", "2", "2"]
    eastern = datetime.fromisoformat("2026-11-07T07:00:00+09:00")  # Still Friday in UTC.
    assert cost(among, eastern) == "2"


def test_size_bands_count_the_whole_prompt() -> None:
    among = a_book(
        'input_up_to = 1000, input_tokens = "1", cached_input_tokens = "0"',
        'input_above = 1000, input_tokens = "2", cached_input_tokens = "0"',
    )
    assert cost(among, input_tokens=500, cached_input_tokens=500) == "0.0005"
    assert cost(among, input_tokens=500, cached_input_tokens=501) == "0.001"


@pytest.mark.parametrize("tier", [None, "", "default", "standard", "auto", "Default", "on_demand"])
def test_these_tiers_are_standard(tier: str | None) -> None:
    assert cost(a_book('input_tokens = "1"', 'tier = "priority", input_tokens = "2"'), tier=tier) == "1"


def test_other_tiers_and_batches_need_rows_of_their_own() -> None:
    among = a_book('input_tokens = "1"', 'tier = "priority", input_tokens = "2"', 'batch = true, input_tokens = "0.5"')
    assert cost(among, tier="priority") == "2"
    assert cost(among, tier="flex") is None
    assert cost(among, batch=True) == "0.5"
    assert cost(among, tier="batch") == "0.5"
    assert cost(among, tier="priority", batch=True) is None
    assert cost(a_book('input_tokens = "1"'), batch=True) is None
    assert cost(a_book('tier = "any", batch = "any", input_tokens = "1"'), tier="flex", batch=True) == "1"


def test_the_most_specific_name_decides() -> None:
    among = PriceBook(
        rows(
            """
[[models]]
provider = "p"
match = ["m*", "*"]
prices = [{ input_tokens = "1" }]
[[models]]
provider = "p"
match = "m-2*"
prices = [{ input_tokens = "2" }]
[[models]]
provider = "p"
match = "m-2-mini"
prices = [{ input_tokens = "3", output_tokens = "4" }]
"""
        )
    )
    names = ("m", "m-2", "m-2-large", "m-2-mini", "M-2-MINI", "other")
    assert [cost(among, model=name) for name in names] == ["1", "2", "2", "3", "3", "1"]
    assert cost(among, model="m-2-max", output_tokens=1) is None


def test_what_stands_in_for_a_missing_price() -> None:
    among = a_book('output_tokens = "8", cache_write_tokens = "2"')
    million = 1_000_000
    assert cost(among, reasoning_tokens=million) == "8"
    assert cost(among, cache_write_5m_tokens=million) == "2"
    assert cost(among, cache_write_30m_tokens=million) == "2"
    for unit in ("cache_write_1h_tokens", "cache_write_12h_tokens", "input_tokens", "output_audio_tokens", "seconds"):
        assert cost(among, **{unit: 1}) is None
    assert cost(a_book('output_tokens = "8", reasoning_tokens = "9"'), reasoning_tokens=million) == "9"


def test_unknown_is_never_zero() -> None:
    among = a_book('input_tokens = "1"')
    unknown = among.price(CallFacts("p", "n", {"input_tokens": Decimal(1)}, NOON))
    assert (unknown.cost, unknown.missing, unknown.lines) == (None, ("model",), ())
    elsewhere = among.price(CallFacts("q", "m", {"input_tokens": Decimal(1)}, NOON))
    assert (elsewhere.cost, elsewhere.missing) == (None, ("model",))
    partly = among.price(CallFacts("p", "m", {"input_tokens": Decimal(1), "output_tokens": Decimal(1)}, NOON))
    assert (partly.cost, partly.missing, len(partly.lines)) == (None, ("output_tokens",), 1)
    nothing = among.price(CallFacts("p", "m", {}, NOON))
    assert (nothing.cost, nothing.missing) == (None, ("usage",))
    strange = among.price(CallFacts("p", "m", {"parsecs": Decimal(12)}, NOON))
    assert (strange.cost, strange.missing) == (None, ("parsecs",))


def test_zero_usage_costs_zero() -> None:
    zero = {"input_tokens": Decimal(0), "seconds": Decimal("0.0")}
    for model in ("m", "unknown"):
        priced = a_book('input_tokens = "1"').price(CallFacts("p", model, zero, NOON))
        assert (priced.cost, priced.missing, priced.lines) == (Decimal(0), (), ())
    assert cost(a_book('input_tokens = "1"'), input_tokens=1_000_000, seconds=0) == "1"


def test_a_price_of_zero_is_a_price() -> None:
    assert cost(a_book('input_tokens = "0"')) == "0"


def test_multiplied_first_divided_last_rounded_once() -> None:
    among = a_book('seconds = "3 / 3600", pages = "1 / 3"')
    assert cost(among, seconds=7) == "0.005833333333"
    # Three thirds are one: each line by itself would have been rounded down.
    priced = among.price(CallFacts("p", "m", {"seconds": Decimal(1), "pages": Decimal(2)}, NOON))
    assert priced.cost == Decimal("0.6675")
    assert priced.lines[0].cost * 1200 == pytest.approx(Decimal(1), abs=Decimal("1e-50"))


def test_a_call_may_be_billed_for_more_than_it_took() -> None:
    among = a_book('least = "10", seconds = "1"')
    assert [cost(among, seconds=s) for s in (0, 1, 10, 11)] == ["0", "10", "10", "11"]
    assert among.price(CallFacts("p", "m", {"seconds": Decimal(1)}, NOON)).lines[0].quantity == 10


def test_own_rows_go_before_bundled_ones_unit_by_unit() -> None:
    bundled = a_book('input_tokens = "1", output_tokens = "5"', 'from = 2026-06-01, input_tokens = "2"')
    own = rows(
        '[[models]]\nprovider = "p"\nmatch = "*"\nprices = [{ from = 2026-01-01, input_tokens = "0.5" }]', own=True
    )
    both = bundled.with_own(own)
    assert cost(both) == "0.5"
    assert cost(both, output_tokens=1_000_000) == "5"
    assert cost(both, datetime(2025, 12, 31, tzinfo=UTC)) == "1"
    assert bundled.with_own([]) is bundled
    assert both.version != bundled.version
    assert cost(bundled) == "2"


def test_the_version_follows_from_the_rows() -> None:
    assert a_book('input_tokens = "1"').version == a_book('input_tokens = "1.00 / 1000000"').version
    versions = {a_book(price).version for price in ('input_tokens = "1"', 'input_tokens = "2"', 'output_tokens = "1"')}
    assert len(versions) == 3
    assert book() is book()


def test_a_line_names_its_row() -> None:
    priced = book().price(CallFacts("openai", "gpt-4o", {"input_tokens": Decimal(1500)}, NOON))
    (line,) = priced.lines
    (row,) = [row for row in book().rows if row.price_id == line.price_id]
    assert (row.provider, row.model, row.amount, priced.book) == ("openai", "gpt-4o", Decimal("2.5"), book().version)
    assert row.source is not None
    assert row in book().rows_for("openai", "gpt-4o")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("openai", "openai"),
        ("OpenAI", "openai"),
        ("azure_openai", "azure"),
        ("azure.ai.openai", "azure"),
        ("Azure-OpenAI", "azure"),
        ("aws.bedrock", "bedrock"),
        ("aws", "bedrock"),
        ("gcp.gemini", "google"),
        ("gcp.vertex_ai", "google"),
        ("vertex-ai", "google"),
        ("gemini", "google"),
        ("mistral_ai", "mistral"),
        ("our own GPUs", "our_own_gpus"),
    ],
)
def test_providers_have_many_names(name: str, key: str) -> None:
    assert provider_key(name) == key


def test_no_two_providers_have_the_same_name() -> None:
    names = [name for provider in PROVIDERS for name in (provider.key, *provider.aliases)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("provider", "model", "region", "found"),
    [
        ("openai", " GPT-4o ", None, ("gpt-4o", None)),
        ("google", "models/gemini-2.5-pro", None, ("gemini-2.5-pro", None)),
        ("google", "projects/x/locations/us/publishers/google/models/gemini-2.5-pro", "US", ("gemini-2.5-pro", "us")),
        (
            "bedrock",
            "us.anthropic.claude-3-haiku-20240307-v1:0",
            None,
            ("anthropic.claude-3-haiku-20240307-v1:0", "us"),
        ),
        ("bedrock", "us-gov.anthropic.claude-x", None, ("anthropic.claude-x", "us-gov")),
        ("bedrock", "global.amazon.nova-2-lite-v1:0", "eu", ("amazon.nova-2-lite-v1:0", "eu")),
        (
            "bedrock",
            "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0",
            None,
            ("amazon.nova-pro-v1:0", None),
        ),
        ("groq", "openai/gpt-oss-120b", None, ("openai/gpt-oss-120b", None)),
    ],
)
def test_names_of_models(provider: str, model: str, region: str | None, found: tuple[str, str | None]) -> None:
    assert model_key(provider, model, region) == found
