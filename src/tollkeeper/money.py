"""Exact amounts: the only rounding, the only allocation, the only display of money.

Quantities and amounts are `Decimal` from the wire to the ledger. Charges keep 12 decimals; only invoice lines round
to the currency's own digits. Multiply first, divide last: intermediate results keep 60 significant digits, far more
than the longest product of a quantity (15 + 12 digits) and a price (12 + 12 digits) needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from functools import reduce

from babel.numbers import get_currency_precision, list_currencies

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)

CHARGE_DECIMALS = 12
"""Decimals that a charge keeps in the ledger."""

QUANTITY_LIMIT = Decimal(10) ** 15
"""Quantities and amounts are smaller than this in magnitude."""

EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""The context of all money arithmetic. The default one keeps 28 digits: too few for a product of two amounts."""

_CHARGE_STEP = Decimal(1).scaleb(-CHARGE_DECIMALS)
_CURRENCIES = frozenset(list_currencies())


def round_charge(amount: Decimal) -> Decimal:
    """`amount` with at most 12 decimals, half-even; exact amounts are returned as they are."""
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent >= -CHARGE_DECIMALS:
        return amount
    return amount.quantize(_CHARGE_STEP, context=EXACT)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    """The product in the money context."""
    return EXACT.multiply(left, right)


def add(left: Decimal, right: Decimal) -> Decimal:
    """The sum in the money context."""
    return EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    """The difference in the money context."""
    return EXACT.subtract(left, right)


def sum_of(amounts: Iterable[Decimal]) -> Decimal:
    """The sum of any number of amounts in the money context; `sum()` would round to 28 digits."""
    return reduce(EXACT.add, amounts, ZERO)


def price_of(quantity: Decimal, amount: Decimal, per: Decimal) -> Decimal:
    """What `quantity` costs at `amount` for each `per`: multiplied first, divided last."""
    product = EXACT.multiply(quantity, amount)
    return product if per == ONE else EXACT.divide(product, per)


def decimals_of(number: Decimal) -> int:
    """How many decimals a finite `number` of any length has; trailing zeros don't count: 1.50 has 1, 300 has 0."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0 or not number:
        return 0
    zeros = next(i for i, digit in enumerate(reversed(digits)) if digit)
    return max(0, -exponent - zeros)


def fits(number: Decimal, decimals: int) -> bool:
    """Whether `decimals` are enough for a finite `number`; quicker than counting where it's written with so few."""
    exponent = number.as_tuple().exponent
    return not isinstance(exponent, int) or -exponent <= decimals or decimals_of(number) <= decimals


def is_currency(code: str) -> bool:
    """Whether `code` is an ISO 4217 code that CLDR knows."""
    return code in _CURRENCIES


def currency_decimals(code: str) -> int:
    """Minor digits of an ISO 4217 currency: 2 for USD, 0 for JPY, 3 for KWD."""
    return get_currency_precision(code)


def unit_decimals(unit: str) -> int:
    """Decimals that an amount of `unit` is shown with at least: a currency's own digits, 0 for a credit."""
    return currency_decimals(unit) if is_currency(unit) else 0


def round_to(amount: Decimal, decimals: int) -> Decimal:
    """`amount` rounded half-even to `decimals`: for invoice lines, once."""
    return amount.quantize(Decimal(1).scaleb(-decimals), context=EXACT)


def cut_off(amount: Decimal, decimals: int) -> Decimal:
    """`amount` without what is behind `decimals`, towards zero: what isn't reached isn't shown as reached."""
    return amount.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN, context=EXACT)


def allocate(total: Decimal, weights: Sequence[Decimal], decimals: int) -> list[Decimal]:
    """Shares of `total` in proportion to `weights`, each with `decimals` digits, that sum to `total` exactly.

    Largest remainder: every share is cut off towards zero, and the units that are left go to the largest remainders,
    the earlier share first where they tie. `total` must itself have at most `decimals` digits.

    Raises ValueError for no weights, a negative weight, weights that sum to zero, or a total with more digits.
    """
    step = Decimal(1).scaleb(-decimals)
    if not weights or any(weight < 0 for weight in weights) or sum(weights) == 0:
        raise ValueError("weights must be non-negative and not all zero")
    if total.quantize(step, context=EXACT) != total:
        raise ValueError(f"{total} has more than {decimals} decimals")
    whole = sum_of(weights)
    exact = [EXACT.divide(EXACT.multiply(total, weight), whole) for weight in weights]
    shares = [share.quantize(step, rounding=ROUND_DOWN, context=EXACT) for share in exact]
    missing = int(EXACT.divide(EXACT.subtract(total, sum_of(shares)), step))
    unit = step if missing > 0 else -step
    # Times the whole, where a remainder is exact: a quotient of 60 digits could part two that tie.
    cut = [EXACT.multiply(share, whole) for share in shares]
    remainders = [
        EXACT.subtract(EXACT.multiply(total, weight), taken).copy_abs()
        for weight, taken in zip(weights, cut, strict=True)
    ]
    by_remainder = sorted(range(len(shares)), key=lambda i: (remainders[i].copy_negate(), i))
    for i in by_remainder[: abs(missing)]:
        shares[i] = EXACT.add(shares[i], unit)
    return shares


def plain(number: Decimal) -> str:
    """The number as JSON and people get it: no exponent, no trailing zeros; 0 for any zero."""
    if not number:
        return "0"
    text = str(number)
    if "E" in text:
        text = format(number, "f")  # Takes twice as long.
    return text.rstrip("0").rstrip(".") if "." in text else text


def written_once(number: Decimal) -> str:
    """The one short text of a number's value, however it was written: the same for 10, 10.0 and 1E+1; for programs."""
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return str(number)
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    return f"{'-' if sign else ''}{significant}e{exponent + len(text) - len(significant)}" if significant else "0"


def with_decimals(number: Decimal, least: int) -> str:
    """The number in plain digits, with `least` decimals or as many more as it has: 4.00, 0.00875."""
    whole, _, decimals = plain(number).partition(".")
    decimals = decimals.ljust(least, "0")
    return f"{whole}.{decimals}" if decimals else whole


def grouped(number: Decimal, least: int = 0) -> str:
    """The number as a sentence has it, its thousands apart: "1,500,000", "-1,234.50". Never for programs."""
    return format(Decimal(with_decimals(number, least)), ",f")


def amount_in_words(amount: Decimal, unit: str) -> str:
    """ "1,234.50 USD", "0.00875 USD", "3 credit": never fewer decimals than the currency has, never more than 12."""
    return f"{grouped(round_charge(amount), unit_decimals(unit))} {unit}"
