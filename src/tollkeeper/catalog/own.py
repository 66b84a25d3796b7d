"""What single customers have of their own, set through the API: read by the rules of the catalog file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tollkeeper.catalog.grants import read_grant
from tollkeeper.catalog.known import Known
from tollkeeper.catalog.limits import COUNTED, read_limit
from tollkeeper.catalog.lines import Lines
from tollkeeper.catalog.plans import Limit, LimitBy, RecurringGrant
from tollkeeper.catalog.problems import Problems
from tollkeeper.catalog.table import KEY, Table
from tollkeeper.errors import CatalogInvalid, InvalidInput

T = TypeVar("T")

_BAD_NAME = "The name must begin with a small letter; small letters, digits and _ may follow, at most 63 in all."


def limit_of(name: str, terms: Mapping[str, Any], base: Limit | None, catalog: Known) -> Limit:
    """The customer's own limit `name`: what `terms` say, and for the rest what `base` says.

    `base` is the limit of that name in the catalog or the customer's plan. Terms that say what is counted (`meter`,
    `group`, `spend`) are a whole limit and have nothing from it. None in `terms` says nothing, and a list or table
    replaces the one of `base`. Raises InvalidInput `invalid_limit` with the field, such as "cap" or "member_caps.ann".
    """
    given = {key: value for key, value in terms.items() if value is not None}
    whole = any(key in given for key in COUNTED)
    if base is None and not whole:
        told = f"There is no limit `{name}` to differ from, so this one must be whole:"
        raise InvalidInput("invalid_limit", f"{told} `meter`, `group` or `spend`, `per`, and `cap`.", field="meter")
    merged = given if whole or base is None else base.as_terms() | given
    if "member_caps" not in given and given.get("by") == LimitBy.CUSTOMER:
        merged.pop("member_caps", None)
    try:
        return _read(name, merged, lambda table: read_limit(name, table, catalog))
    except CatalogInvalid as error:
        fault = error.extra["problems"][0]
        raise InvalidInput("invalid_limit", fault["message"], field=fault["key"]) from None


def recurring_of(name: str, terms: Mapping[str, Any], catalog: Known) -> RecurringGrant:
    """The customer's own recurring grant `name`; without `unit` in the catalog's currency.

    Raises InvalidInput `invalid_recurring_grant` with the field.
    """
    given = {key: value for key, value in terms.items() if value is not None}
    try:
        return _read(name, given, lambda table: read_grant(name, table, catalog))
    except CatalogInvalid as error:
        fault = error.extra["problems"][0]
        raise InvalidInput("invalid_recurring_grant", fault["message"], field=fault["key"]) from None


def _read(name: str, terms: Mapping[str, Any], reader: Callable[[Table], T]) -> T:
    """What the reader makes of `terms`. Raises CatalogInvalid with the first thing that is wrong."""
    problems = Problems(None, Lines(), most=1)
    if not KEY.fullmatch(name):
        problems.add("name", _BAD_NAME)
    return reader(Table(terms, "", problems))
