"""Attribution: which meter a provider's cost belongs to, where the events of the meter didn't bring their calls.

Rules name a provider's project, API key or model; the classes of tokens for a request are the last resort.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tollkeeper.catalog.problems import did_you_mean
from tollkeeper.catalog.table import Table

_CONDITIONS = ("project", "api_key", "model")
_LARGE, _MIDDLE = Decimal(5000), Decimal(1000)


class TokenClass(StrEnum):
    """How many tokens a request took, on average. The names are the keys of the file."""

    ABOVE_5000 = "above_5000"
    """Such as a CV that is parsed."""
    ABOVE_1000 = "above_1000"
    """Such as a turn of an interview."""
    OTHERS = "others"
    """Such as a question that is made."""

    @classmethod
    def of(cls, tokens: Decimal) -> TokenClass:
        """The class of so many tokens for a request."""
        if tokens > _LARGE:
            return cls.ABOVE_5000
        return cls.ABOVE_1000 if tokens > _MIDDLE else cls.OTHERS


@dataclass(frozen=True, slots=True)
class AttributionRule:
    """What a provider reports under these conditions was used for `meter`; a condition that is None fits all."""

    name: str
    meter: str
    provider: str
    project: str | None = None
    api_key: str | None = None
    model: str | None = None

    @property
    def conditions(self) -> dict[str, str]:
        """Those that it has besides the provider."""
        return {name: value for name in _CONDITIONS if (value := getattr(self, name)) is not None}

    def as_terms(self) -> dict[str, Any]:
        """The keys of the file."""
        return {"provider": self.provider, **self.conditions, "meter": self.meter}


@dataclass(frozen=True, slots=True)
class Attribution:
    """All rules, by name, and the meters of the token classes."""

    rules: Mapping[str, AttributionRule] = field(default_factory=dict)
    classes: Mapping[TokenClass, str] = field(default_factory=dict)

    @property
    def meters(self) -> frozenset[str]:
        """All meters that costs can be attributed to."""
        return frozenset({*(rule.meter for rule in self.rules.values()), *self.classes.values()})


def read_attribution(root: Table, meters: Mapping[str, object]) -> Attribution:
    """The table `attribution` of the file; what can't be used is noted."""
    table = root.table("attribution")
    rules = {name: _rule(name, own, meters) for name, own in table.keyed("rules")}
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for name, rule in rules.items():
        conditions = tuple(sorted({"provider": rule.provider, **rule.conditions}.items()))
        if (first := seen.setdefault(conditions, name)) != name:
            table.refuse(f"rules.{name}", f"`{name}` fits what `{first}` fits; which of them should count?")
    own = table.table("classes")
    classes = {each: meter for each in TokenClass if (meter := _meter(each.value, own, meters)) is not None}
    own.finish()
    table.finish()
    return Attribution(rules, classes)


def _rule(name: str, table: Table, meters: Mapping[str, object]) -> AttributionRule:
    given = {key: table.text(key, default="") or None for key in _CONDITIONS}
    rule = AttributionRule(name, table.text("meter"), table.text("provider"), **given)
    if rule.meter and rule.meter not in meters:
        table.refuse("meter", f"No meter is called `{rule.meter}`; {did_you_mean(rule.meter, meters)}")
    table.finish()
    return rule


def _meter(key: str, table: Table, meters: Mapping[str, object]) -> str | None:
    meter = table.text(key, default="") or None
    if meter is not None and meter not in meters:
        table.refuse(key, f"No meter is called `{meter}`; {did_you_mean(meter, meters)}")
        return None
    return meter
