"""What an app asks about a customer as a whole: who it is, its billing page, its plan, limits and history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tollkeeper.client.account_results import (
    Alert,
    CustomerPlan,
    Limit,
    Member,
    Overview,
    Page,
    PortalSession,
)
from tollkeeper.client.asks import Ask, Method, ask, page_of, segment, told_as
from tollkeeper.client.reading import Number, dumps, exact, read
from tollkeeper.client.results import Customer, Event, Suggestions


def _limits(body: Any) -> tuple[Limit, ...]:
    return tuple(read(Limit, each) for each in body["data"])


def _alert(body: Mapping[str, Any]) -> Alert:
    own = {"id", "customer", "topic", "created_at"}
    facts = {name: each for name, each in body.items() if name not in own}
    return read(Alert, {**body, "facts": facts})


def span(start: datetime | None, end: datetime | None) -> dict[str, str | None]:
    """A range of time as parameters."""
    return {"from": None if start is None else start.isoformat(), "to": None if end is None else end.isoformat()}


class Accounts:
    """Of one customer. Each raises the TollError that the server tells, and TollkeeperUnreachable."""

    @Method
    def put_customer(
        self,
        customer: str,
        *,
        name: str | None = None,
        currency: str | None = None,
        timezone: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        archived: bool | None = None,
        suspended: bool | None = None,
    ) -> Ask[Customer]:
        """Create the customer, or change what is given; repeating it changes nothing."""
        body = {
            "name": name,
            "currency": currency,
            "timezone": timezone,
            "metadata": metadata,
            "archived": archived,
            "suspended": suspended,
        }
        return ask("PUT", f"/v1/customers/{segment(customer)}", told_as(Customer), content=dumps(body))

    @Method
    def get_customer(self, customer: str) -> Ask[Customer]:
        """The customer."""
        return ask("GET", f"/v1/customers/{segment(customer)}", told_as(Customer))

    @Method
    def suggestions(
        self, customer: str, *, from_: datetime | None = None, to: datetime | None = None, kinds: Sequence[str] = ()
    ) -> Ask[Suggestions]:
        """What would have cost less, each with its arithmetic; from the usage of the last 30 days by default."""
        given = {**span(from_, to), "kind": list(kinds)}
        params = {name: each for name, each in given.items() if each}
        return ask("GET", f"/v1/customers/{segment(customer)}/suggestions", told_as(Suggestions), params=params)

    @Method
    def put_member(
        self,
        customer: str,
        member: str,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        archived: bool | None = None,
    ) -> Ask[Member]:
        """Create the member, or change what is given; repeating it changes nothing."""
        path = f"/v1/customers/{segment(customer)}/members/{segment(member)}"
        body = {"name": name, "metadata": metadata, "archived": archived}
        return ask("PUT", path, told_as(Member), content=dumps(body))

    @Method
    def members(self, customer: str, *, limit: int = 100, cursor: str | None = None) -> Ask[Page[Member]]:
        """The customer's members, by key."""
        return page_of(told_as(Member), f"/v1/customers/{segment(customer)}/members", {}, limit, cursor)

    @Method
    def portal_session(
        self,
        customer: str,
        *,
        permissions: Sequence[str] = ("read",),
        expires_in: int | None = None,
        link_expires_in: int | None = None,
        return_url: str | None = None,
    ) -> Ask[PortalSession]:
        """Open the customer's way to its billing page; `top_up` and `change_plan` are permissions to give, too.

        Ask for the customer that is signed in, never for the one that a browser names.
        """
        body = {
            "customer": customer,
            "permissions": list(permissions),
            "expires_in": expires_in,
            "link_expires_in": link_expires_in,
            "return_url": return_url,
        }
        return ask("POST", "/v1/portal-sessions", told_as(PortalSession), content=dumps(body))

    @Method
    def revoke_portal_session(self, session: str, *, customer: str) -> Ask[None]:
        """End the session, and those that came of its link, within five seconds: for whoever signs out."""
        path = f"/v1/portal-sessions/{segment(session)}/revoke"
        return ask("POST", path, lambda _: None, params={"customer": customer})

    @Method
    def overview(self, customer: str) -> Ask[Overview]:
        """What the customer has, has used this month, and owes; with its plan and the limits of the whole."""
        return ask("GET", f"/v1/customers/{segment(customer)}/overview", told_as(Overview))

    @Method
    def plan(self, customer: str) -> Ask[CustomerPlan]:
        """The plan that the customer is on, the next one, and those before."""
        return ask("GET", f"/v1/customers/{segment(customer)}/plan", told_as(CustomerPlan))

    @Method
    def choose_plan(self, customer: str, plan: str | None, *, from_: datetime | str = "now") -> Ask[CustomerPlan]:
        """Put the customer on a plan `"now"`, at `"period_end"`, when its month is over, or from a time; it replaces
        what was planned for later. None: the catalog's default plan, or none."""
        start = from_.isoformat() if isinstance(from_, datetime) else from_
        content = json.dumps({"plan": plan, "from": start}).encode()
        return ask("PUT", f"/v1/customers/{segment(customer)}/plan", told_as(CustomerPlan), content=content)

    @Method
    def limits(self, customer: str, *, member: str | None = None) -> Ask[tuple[Limit, ...]]:
        """Every limit in force, with what is used of it; of limits by member, what this one has used."""
        path = f"/v1/customers/{segment(customer)}/limits"
        return ask("GET", path, _limits, params={} if member is None else {"member": member})

    @Method
    def set_limit(
        self,
        customer: str,
        name: str,
        *,
        called: str | None = None,
        cap: Number | None = None,
        mode: str | None = None,
        enabled: bool | None = None,
        warn_at: Sequence[Number] | None = None,
        member_caps: Mapping[str, Number] | None = None,
        meter: str | None = None,
        group: str | None = None,
        spend: str | None = None,
        per: str | None = None,
        by: str | None = None,
    ) -> Ask[Limit]:
        """Change a limit for this customer alone, or add one: with `meter`, `group` or `spend` it's a whole one. What
        isn't given stays as it is. `name` is its key, `called` what people read."""
        body = {
            "name": called,
            "cap": exact("cap", cap),
            "mode": mode,
            "enabled": enabled,
            "warn_at": None if warn_at is None else [exact("warn_at", each) for each in warn_at],
            "member_caps": member_caps and {who: exact("member_caps", each) for who, each in member_caps.items()},
            "meter": meter,
            "group": group,
            "spend": spend,
            "per": per,
            "by": by,
        }
        path = f"/v1/customers/{segment(customer)}/limits/{segment(name)}"
        return ask("PUT", path, told_as(Limit), content=dumps(body))

    @Method
    def drop_limit(self, customer: str, name: str) -> Ask[None]:
        """Take the customer's own limit away: what its plan says holds again."""
        return ask("DELETE", f"/v1/customers/{segment(customer)}/limits/{segment(name)}", lambda _: None)

    @Method
    def events(
        self,
        customer: str,
        *,
        meter: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        member: str | None = None,
        filter: Sequence[str] = (),
        limit: int = 100,
        cursor: str | None = None,
    ) -> Ask[Page[Event]]:
        """The customer's usage events, the newest first; `filter` is `dimension:value`, any number."""
        asked = {"customer": customer, "meter": meter, "member": member, "filter": list(filter) or None}
        return page_of(told_as(Event), "/v1/events", asked | span(start, end), limit, cursor)

    @Method
    def alerts(self, customer: str, *, limit: int = 100, cursor: str | None = None) -> Ask[Page[Alert]]:
        """Thresholds of limits, low and exhausted balances, expiring grants; the newest first."""
        return page_of(_alert, "/v1/alerts", {"customer": customer}, limit, cursor)
