"""From price tables, as `data/*.toml` and an operator's own file have them, to dated rows.

A file has `[[models]]` tables. Each says which names it `match`es, and lists its `prices`: every entry is a price list
that holds from a date on for some way of calling (standard, batch, a service tier), with an amount for each unit.

    [[models]]
    match = ["gpt-4o", "gpt-4o-2024-08-06"]
    prices = [
      { input_tokens = "2.50", cached_input_tokens = "1.25", output_tokens = "10.00" },
      { batch = true, input_tokens = "1.25", cached_input_tokens = "1.25", output_tokens = "5.00" },
      { tier = "any", batch = "any", web_searches = "10 / 1000" },
    ]

An amount is in USD, for a million tokens or characters, or for one of anything else, unless it says "/ per" itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any

from tollkeeper.ids import content_id
from tollkeeper.money import ONE, QUANTITY_LIMIT, fits, multiply, written_once
from tollkeeper.providers.conditions import CONDITIONS, conditions_from
from tollkeeper.providers.model import TOKEN_UNITS, Conditions, PriceRow, Unit
from tollkeeper.providers.registry import PROVIDERS, provider_key

Report = Callable[[str, str], None]
"""Takes one problem: the key's path ("models[0].prices[1].input_tokens"), and a sentence."""

MILLION = Decimal(1_000_000)
_DECIMALS = 12
_UNITS = {unit.value: unit for unit in Unit}
_MODEL_KEYS = frozenset(
    {"provider", "match", "prices", "source", "checked_on", "note", "as_text", "derive", "list_price"}
)
_PRICE_KEYS = frozenset({"from", "until", "source", "checked_on", "note", "least", *CONDITIONS})
_FILE_KEYS = frozenset({"provider", "source", "checked_on", "note", "models"})
_TEXT = {
    "audio": {Unit.INPUT_AUDIO_TOKENS: Unit.INPUT_TOKENS, Unit.CACHED_INPUT_AUDIO_TOKENS: Unit.CACHED_INPUT_TOKENS},
    "image": {Unit.INPUT_IMAGE_TOKENS: Unit.INPUT_TOKENS, Unit.CACHED_INPUT_IMAGE_TOKENS: Unit.CACHED_INPUT_TOKENS},
    "video": {Unit.INPUT_VIDEO_TOKENS: Unit.INPUT_TOKENS, Unit.CACHED_INPUT_VIDEO_TOKENS: Unit.CACHED_INPUT_TOKENS},
    "image_output": {Unit.OUTPUT_IMAGE_TOKENS: Unit.OUTPUT_TOKENS},
    "audio_output": {Unit.OUTPUT_AUDIO_TOKENS: Unit.OUTPUT_TOKENS},
}
"""What `as_text` may say: which tokens cost what text tokens cost, where the model has no price of their own."""


@cache
def bundled_rows() -> tuple[PriceRow, ...]:
    """The rows of all files in `data/`, in the order in which they were recorded."""
    folder = files("tollkeeper.providers") / "data"
    rows: list[PriceRow] = []
    for provider in PROVIDERS:
        text = (folder / f"{provider.key}.toml").read_text(encoding="utf-8")
        rows += rows_from(tomllib.loads(text), problem=_refuse)
    return tuple(rows)


def _refuse(key: str, message: str) -> None:
    raise ValueError(f"bundled prices: {key}: {message}")


def rows_from(tables: Mapping[str, Any], *, problem: Report, own: bool = False, listed: bool = False) -> list[PriceRow]:
    """The rows of one file, or only those that are list prices; what can't be understood is reported and left out."""
    _refuse_unknown(tables, _FILE_KEYS, "", problem)
    models = tables.get("models", [])
    if not isinstance(models, list):
        problem("models", "This must be a list of tables: [[models]].")
        return []
    rows: list[PriceRow] = []
    for number, model in enumerate(models):
        if isinstance(model, Mapping):
            if listed and model.get("list_price") is not True:
                continue
            rows += _ModelTable({**_shared(tables), **model}, f"models[{number}]", problem, own).rows()
        else:
            problem(f"models[{number}]", "This must be a table.")
    return rows


def _shared(tables: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tables[key] for key in ("provider", "source", "checked_on") if key in tables}


def _refuse_unknown(table: Mapping[str, Any], known: frozenset[str], path: str, problem: Report) -> None:
    for key in table:
        if key not in known:
            problem(f"{path}.{key}" if path else key, f"There is no such key; known are {', '.join(sorted(known))}.")


def row_of(
    provider: str,
    model: str,
    unit: str,
    amount: Decimal,
    per: Decimal,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    conditions: Conditions | None = None,
    source: str | None = None,
    checked_on: str | None = None,
    own: bool = False,
    least: Decimal | None = None,
) -> PriceRow:
    """A row with the id that follows from its content; where and when it was looked up isn't part of that."""
    on = conditions or Conditions()
    told = [on.service_tier, on.batch, on.region, on.input_above, on.input_up_to, on.hours, on.weekdays]
    dates = ["" if each is None else each.astimezone(UTC).isoformat() for each in (start, end)]
    content = [provider, model, unit, written_once(amount), written_once(per), *dates, *map(str, told), str(own)]
    content += [] if least is None else [written_once(least)]
    price_id = content_id("price", *content).hex[:20]
    return PriceRow(price_id, provider, model, unit, amount, per, start, end, on, source, checked_on, own, least)


class _ModelTable:
    """One `[[models]]` table."""

    def __init__(self, table: Mapping[str, Any], path: str, problem: Report, own: bool) -> None:
        self._table, self._path, self._problem, self._own = table, path, problem, own

    def rows(self) -> Iterator[PriceRow]:
        _refuse_unknown(self._table, _MODEL_KEYS, self._path, self._problem)
        self._refuse_no_date(self._table, self._path)
        if not isinstance(self._table.get("list_price", False), bool):
            self._problem(
                f"{self._path}.list_price", "This must be true, where discounts lower these prices, or false."
            )
        provider, models = self._provider(), self._models()
        prices = self._table.get("prices", [])
        if not isinstance(prices, list) or not prices:
            self._problem(f"{self._path}.prices", "This must be a list of tables, each with amounts by unit.")
            return
        lists = [found for i, each in enumerate(prices) if (found := self._price_list(each, i)) is not None]
        lists += [*self._derived(lists)]
        if provider is None or models is None:
            return
        for entry, conditions, start, end, amounts in lists:
            for unit, (amount, per) in amounts.items():
                for model in models:
                    yield row_of(
                        provider,
                        model,
                        unit,
                        amount,
                        per,
                        start=start,
                        end=end,
                        conditions=conditions,
                        source=_text(entry, self._table, "source"),
                        checked_on=_text(entry, self._table, "checked_on"),
                        own=self._own,
                        least=_decimal(entry.get("least")),
                    )

    def _provider(self) -> str | None:
        name = self._table.get("provider")
        if not isinstance(name, str) or not name.strip():
            self._problem(f"{self._path}.provider", 'Whose prices these are is missing: provider = "openai".')
            return None
        return provider_key(name)

    def _models(self) -> list[str] | None:
        match = self._table.get("match")
        names = [match] if isinstance(match, str) else match
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            self._problem(f"{self._path}.match", 'The models are missing: match = "gpt-4o" or a list of names.')
            return None
        return [name.strip().lower() for name in names]

    def _price_list(self, entry: object, number: int) -> _PriceList | None:
        path = f"{self._path}.prices[{number}]"
        if not isinstance(entry, Mapping):
            self._problem(path, "This must be a table with amounts by unit.")
            return None
        self._refuse_no_date(entry, path)
        conditions = conditions_from(entry, path, self._problem)
        start, end = (instant_from(entry, key, path, self._problem) for key in ("from", "until"))
        if start is not None and end is not None and end <= start:
            self._problem(f"{path}.until", "This must be later than `from`.")
        if "least" in entry and _decimal(entry["least"]) is None:
            self._problem(f"{path}.least", 'This must be the least quantity that is billed, in quotes: "10".')
        amounts = self._amounts(entry, path)
        return (entry, conditions, start, end, self._with_text(amounts)) if amounts else None

    def _refuse_no_date(self, table: Mapping[str, Any], path: str) -> None:
        try:
            date.fromisoformat(str(table.get("checked_on", "2026-01-31")))
        except ValueError:
            self._problem(f"{path}.checked_on", "This must be a date, such as 2026-01-31.")

    def _amounts(self, entry: Mapping[str, Any], path: str) -> _Amounts:
        amounts: _Amounts = {}
        units = [key for key in entry if key not in _PRICE_KEYS]
        if not units:
            self._problem(path, "This has no amount for any unit.")
        for key in units:
            unit = _UNITS.get(key)
            if unit is None:
                self._problem(f"{path}.{key}", f"There is no such unit; known are {', '.join(_UNITS)}.")
            elif (amount := amount_from(entry[key], unit)) is None:
                self._problem(f"{path}.{key}", 'This must be an amount in quotes, such as "2.50" or "0.006 / 60".')
            else:
                amounts[unit] = amount
        return amounts

    def _with_text(self, amounts: _Amounts) -> _Amounts:
        """The amounts, and those that are the same as text's."""
        kinds = self._table.get("as_text", [])
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind not in _TEXT:
                self._problem(f"{self._path}.as_text", f"Known are {', '.join(_TEXT)}.")
                continue
            same = {unit: amounts[text] for unit, text in _TEXT[kind].items() if text in amounts}
            amounts = same | amounts
        return amounts

    def _derived(self, lists: list[_PriceList]) -> Iterator[_PriceList]:
        """Each price list again for other conditions, its token prices times a factor."""
        derive = self._table.get("derive", [])
        for i, rule in enumerate(derive if isinstance(derive, list) else [derive]):
            path = f"{self._path}.derive[{i}]"
            factor = _decimal(rule.get("factor")) if isinstance(rule, Mapping) else None
            region = rule.get("region") if isinstance(rule, Mapping) else None
            if factor is None or not isinstance(region, str):
                self._problem(path, 'This must be like { region = "us", factor = "1.1" }.')
                continue
            for entry, on, start, end, amounts in lists:
                times = {unit: (multiply(a, factor), per) for unit, (a, per) in amounts.items() if unit in TOKEN_UNITS}
                if on.region is None and times:
                    yield entry, _in_region(on, region), start, end, times


_Amounts = dict[Unit, tuple[Decimal, Decimal]]
_PriceList = tuple[Mapping[str, Any], Conditions, datetime | None, datetime | None, _Amounts]


def _in_region(on: Conditions, region: str) -> Conditions:
    return Conditions(on.service_tier, on.batch, region, on.input_above, on.input_up_to, on.hours, on.weekdays)


def instant_from(entry: Mapping[str, Any], key: str, path: str, problem: Report) -> datetime | None:
    """The instant under a key, if there is one; a date is its midnight in UTC."""
    match entry.get(key):
        case None:
            return None
        case datetime(tzinfo=zone) as instant if zone is not None:
            return instant.astimezone(UTC)
        case date() as day if not isinstance(day, datetime):
            return datetime.combine(day, time.min, tzinfo=UTC)
    problem(f"{path}.{key}", f"This must be a date, or a time with its offset: {key} = 2026-01-31.")
    return None


def amount_from(text: object, unit: Unit) -> tuple[Decimal, Decimal] | None:
    """Amount and per of "2.50" or "0.006 / 60"; None if it isn't that."""
    if not isinstance(text, str):
        return None
    amount, slash, per = text.partition("/")
    large = unit in TOKEN_UNITS or unit is Unit.CHARACTERS
    read, each = _decimal(amount), _decimal(per) if slash else (MILLION if large else ONE)
    return None if read is None or not each else (read, each)


def _decimal(text: object) -> Decimal | None:
    """A number ≥ 0 in plain digits."""
    try:
        number = Decimal(text.strip()) if isinstance(text, str) and text.strip().isascii() else None
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or number < 0 or "e" in str(text).lower():
        return None
    return number if number < QUANTITY_LIMIT and fits(number, _DECIMALS) else None


def _text(entry: Mapping[str, Any], table: Mapping[str, Any], key: str) -> str | None:
    found = entry.get(key, table.get(key))
    return None if found is None else str(found)
