"""Reading where money comes from: [funding], [plans.<key>.funding] and [customers.<key>.funding]."""

from __future__ import annotations

import re

from tollkeeper.catalog.known import Known, refuse_finer, unit_fault
from tollkeeper.catalog.plans import Funding, Overage, UnitFunding, WhenExhausted
from tollkeeper.catalog.problems import did_you_mean
from tollkeeper.catalog.table import Table

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDERS = ("customer", "unit")


def read_funding(holder: Table, known: Known) -> Funding:
    """The table `funding` of `holder`; what can't be used is noted."""
    table = holder.table("funding")
    units: dict[str, UnitFunding] = {}
    for unit, own in table.tables("units"):
        if (fault := unit_fault(unit, known)) is not None:
            own.refuse_all(fault)
        else:
            units[unit] = _settings(own, unit, known)
            own.finish()
    general = _settings(table, None, known)
    table.finish()
    return Funding(general, units)


def _settings(table: Table, unit: str | None, known: Known) -> UnitFunding:
    settings = UnitFunding(
        when_exhausted=table.choice("when_exhausted", WhenExhausted),
        credit_ceiling=table.number("credit_ceiling"),
        settle_overage=table.choice("settle_overage", Overage),
        low_balance=table.number("low_balance"),
        top_up_url=_url(table),
    )
    if settings.credit_ceiling is not None and settings.when_exhausted is WhenExhausted.REFUSE:
        message = 'With `when_exhausted = "refuse"` nothing is owed, so there is no ceiling to it:'
        table.refuse("credit_ceiling", f'{message} take it out, or say "receivable".')
    if unit is not None:
        refuse_finer(table, "credit_ceiling", settings.credit_ceiling, unit, known)
        refuse_finer(table, "low_balance", settings.low_balance, unit, known)
    return settings


def _url(table: Table) -> str | None:
    url = table.text("top_up_url", default="")
    if not url:
        return None
    unknown = [name for name in _PLACEHOLDER.findall(url) if name not in _PLACEHOLDERS]
    if not url.startswith(("https://", "http://")) or " " in url:
        table.refuse("top_up_url", "`top_up_url` must be a whole link, such as https://app.example/billing.")
    elif unknown:
        name = unknown[0]
        table.refuse("top_up_url", f"Nothing stands in for `{{{name}}}`; {did_you_mean(name, _PLACEHOLDERS)}")
    elif set("{}") & set(_PLACEHOLDER.sub("", url)):
        table.refuse("top_up_url", "`top_up_url` has a brace on its own; a placeholder is `{customer}` or `{unit}`.")
    return url
