"""Reading limits: of everyone under [limits], of a plan under [plans.<key>.limits]."""

from __future__ import annotations

from decimal import Decimal

from tollkeeper.catalog.known import Known, unit_fault
from tollkeeper.catalog.lines import join
from tollkeeper.catalog.model import ADDITIVE
from tollkeeper.catalog.plans import Limit, LimitBy, LimitMode, LimitPeriod
from tollkeeper.catalog.problems import did_you_mean
from tollkeeper.catalog.table import Table
from tollkeeper.customers.model import KEY_LENGTH, is_key
from tollkeeper.money import ZERO

COUNTED = ("meter", "group", "spend")
"""The keys that say what a limit counts."""

_WARN_AT = [Decimal(80), Decimal(100)]
_MOST_THRESHOLDS = 10
_MOST_PERCENT = Decimal(1000)


def read_limits(holder: Table, known: Known) -> dict[str, Limit]:
    """The limits in the table `limits` of `holder`; what can't be used is noted."""
    return {key: read_limit(key, table, known) for key, table in holder.keyed("limits")}


def read_limit(key: str, table: Table, known: Known) -> Limit:
    """One limit; what can't be used is noted, and something stands in for it."""
    unit = table.text("spend", default="") or None
    if unit is not None and (fault := unit_fault(unit, known)) is not None:
        table.refuse("spend", fault)
    group, meters = _counted(table, known, spend="spend" in table)
    by = table.choice("by", LimitBy) or LimitBy.CUSTOMER
    warn_at = table.numbers("warn_at", count=_MOST_THRESHOLDS, most=_MOST_PERCENT)
    limit = Limit(
        key=key,
        per=table.choice("per", LimitPeriod, required=True) or LimitPeriod.DAY,
        cap=table.number("cap", required=True) or ZERO,
        meters=meters,
        unit=unit,
        group=group,
        mode=table.choice("mode", LimitMode) or LimitMode.HARD,
        by=by,
        warn_at=tuple(_WARN_AT if warn_at is None else warn_at),
        enabled=table.flag("enabled", default=True),
        member_caps=_member_caps(table, by),
        called=table.text("name", default="") or None,
    )
    table.finish()
    return limit


def _counted(table: Table, known: Known, *, spend: bool) -> tuple[str | None, tuple[str, ...]]:
    """The group, if there is one, and the meters that are counted; no meters: all of them."""
    meter, group = table.text("meter", default=""), table.text("group", default="")
    if "meter" in table and "group" in table:
        table.refuse("group", "A limit counts one `meter` or one `group`, not both.")
    elif not any(key in table for key in COUNTED):
        told = "`meter` or `group`, whose quantities it counts, or `spend`, the unit whose charges it counts."
        table.refuse("meter", f"A limit needs {told}")
    if meter and meter not in known.meters:
        table.refuse("meter", f"No meter is called `{meter}`; {did_you_mean(meter, known.meters)}")
    if group and group not in known.groups:
        table.refuse("group", f"No group is called `{group}`; {did_you_mean(group, known.groups)}")
    grouped = known.groups.get(group)
    meters = grouped.meters if grouped else (meter,) if meter else ()
    if not spend:
        _refuse_peaks(table, "group" if grouped else "meter", meters, known)
    return group or None, meters


def _refuse_peaks(table: Table, key: str, meters: tuple[str, ...], known: Known) -> None:
    """Quantities that aren't added up have nothing left to give: a `max` of 5 may be 5 again."""
    for meter in meters:
        found = known.meters.get(meter)
        if found is not None and found.aggregation not in ADDITIVE:
            message = f"`{meter}` is a `{found.aggregation}`, and a limit adds quantities up:"
            table.refuse(key, f"{message} only a `sum` or a `count` can be limited, or what is spent (`spend`).")


def _member_caps(table: Table, by: LimitBy) -> dict[str, Decimal]:
    holder = table.table("member_caps")
    if "member_caps" in table and by is not LimitBy.MEMBER:
        table.refuse("member_caps", '`member_caps` are for a limit by member: add `by = "member"`.')
    caps: dict[str, Decimal] = {}
    for member in holder.values:
        if is_key(member):
            caps[member] = holder.number(member) or ZERO
        else:
            message = f"must have 1 to {KEY_LENGTH} visible characters, and no blanks around them."
            holder.refuse(join("", member), f"A member's key {message}")
    return caps
