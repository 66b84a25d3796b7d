"""What an app asks Tollkeeper, each call once for both kinds of client. Usage goes through the spool (`client.py`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tollkeeper.client.accounts import Accounts, span
from tollkeeper.client.asks import Ask, Method, ask, segment, told_as
from tollkeeper.client.reading import Number, dumps, exact
from tollkeeper.client.results import (
    Balance,
    Check,
    Estimate,
    Event,
    Explanation,
    Hold,
    Usage,
)
from tollkeeper.client.selling import Selling
from tollkeeper.ids import new_id

Call = Mapping[str, Any]
"""One call to an AI provider: `provider`, `model`, and `usage`, `response` or `cost`."""

Calls = Call | Sequence[Call]


def as_calls(given: Calls | None) -> list[Call] | None:
    """The calls as a list, also where only one was given."""
    if given is None:
        return None
    calls = [given] if isinstance(given, Mapping) else list(given)
    for call in calls:
        exact("cost", call.get("cost"))
    return calls


def planned(
    *,
    customer: str,
    meter: str,
    quantity: Number | None = None,
    id: str | None = None,
    amount: Number | None = None,
    calls: Calls | None = None,
    member: str | None = None,
    dimensions: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    expires_in: int | None = None,
) -> dict[str, Any]:
    """An operation that is yet to begin, as the API takes it."""
    return {
        "id": id,
        "customer": customer,
        "meter": meter,
        "quantity": exact("quantity", quantity),
        "amount": exact("amount", amount),
        "calls": as_calls(calls),
        "member": member,
        "dimensions": dimensions,
        "metadata": metadata,
        "expires_in": expires_in,
    }


def event_fields(
    *,
    id: str | None,
    meter: str,
    customer: str,
    quantity: Number | None = None,
    amount: Number | None = None,
    time: datetime | None = None,
    member: str | None = None,
    dimensions: Mapping[str, str] | None = None,
    calls: Calls | None = None,
    corrects: str | None = None,
    hold: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A usage event as the API takes it, with an id, so that it's the same when it's repeated."""
    return {
        "id": id or str(new_id()),
        "customer": customer,
        "meter": meter,
        "quantity": exact("quantity", quantity),
        "amount": exact("amount", amount),
        "time": time,
        "member": member,
        "dimensions": dimensions,
        "calls": as_calls(calls),
        "corrects": corrects,
        "hold": hold,
        "metadata": metadata,
    }


def ask_hold(body: Mapping[str, Any]) -> Ask[Hold]:
    """Reserve what the operation may cost."""
    return ask("POST", "/v1/holds", told_as(Hold), content=dumps(body))


class Api(Accounts, Selling):
    """Calls that are answered at once. Each raises the TollError that the server tells, and TollkeeperUnreachable."""

    @Method
    def hold(
        self,
        meter: str,
        *,
        customer: str,
        quantity: Number | None = None,
        id: str | None = None,
        amount: Number | None = None,
        calls: Calls | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        expires_in: int | None = None,
    ) -> Ask[Hold]:
        """Reserve what an operation may cost. Raises InsufficientCredits, LimitExceeded, and others."""
        body = planned(
            customer=customer,
            meter=meter,
            quantity=quantity,
            id=id or str(new_id()),
            amount=amount,
            calls=calls,
            member=member,
            dimensions=dimensions,
            metadata=metadata,
            expires_in=expires_in,
        )
        return ask_hold(body)

    @Method
    def check(
        self,
        meter: str,
        *,
        customer: str,
        quantity: Number | None = None,
        amount: Number | None = None,
        calls: Calls | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
    ) -> Ask[Check]:
        """Whether an operation might begin now; raises what `hold` would, and reserves nothing."""
        body = planned(
            customer=customer,
            meter=meter,
            quantity=quantity,
            amount=amount,
            calls=calls,
            member=member,
            dimensions=dimensions,
        )
        return ask("POST", "/v1/check", told_as(Check), content=dumps(body))

    @Method
    def estimate(
        self,
        meter: str,
        *,
        customer: str,
        quantity: Number | None = None,
        amount: Number | None = None,
        calls: Calls | None = None,
        member: str | None = None,
        dimensions: Mapping[str, str] | None = None,
    ) -> Ask[Estimate]:
        """What an operation would be charged, whatever the customer has left."""
        body = planned(
            customer=customer,
            meter=meter,
            quantity=quantity,
            amount=amount,
            calls=calls,
            member=member,
            dimensions=dimensions,
        )
        return ask("POST", "/v1/estimate", told_as(Estimate), content=dumps(body))

    @Method
    def release(self, hold: str, *, customer: str, note: str | None = None) -> Ask[Hold]:
        """Say that an operation failed or never began: everything is free again, and it costs nothing."""
        body = {"customer": customer, "note": note}
        return ask("POST", f"/v1/holds/{segment(hold)}/release", told_as(Hold), content=dumps(body))

    @Method
    def extend(self, hold: str, *, customer: str, expires_in: int) -> Ask[Hold]:
        """Say that an operation takes longer: it's held for so many seconds from now on."""
        body = {"customer": customer, "expires_in": expires_in}
        return ask("POST", f"/v1/holds/{segment(hold)}/extend", told_as(Hold), content=dumps(body))

    @Method
    def in_doubt(
        self, hold: str, *, customer: str, note: str | None = None, expires_in: int | None = None
    ) -> Ask[Hold]:
        """Say that nobody knows whether an operation happened."""
        body = {"customer": customer, "note": note, "expires_in": expires_in}
        return ask("POST", f"/v1/holds/{segment(hold)}/in-doubt", told_as(Hold), content=dumps(body))

    @Method
    def get_hold(self, hold: str, *, customer: str) -> Ask[Hold]:
        """One hold, whatever has become of it."""
        return ask("GET", f"/v1/holds/{segment(hold)}", told_as(Hold), params={"customer": customer})

    @Method
    def balance(self, customer: str) -> Ask[Balance]:
        """The customer's prepaid value, and what it owes."""
        return ask("GET", f"/v1/customers/{segment(customer)}/balance", told_as(Balance))

    @Method
    def usage(
        self,
        customer: str,
        *,
        meter: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        window: str | None = None,
        timezone: str | None = None,
        group_by: Sequence[str] = (),
        filter: Sequence[str] = (),
    ) -> Ask[Usage]:
        """Usage, charges and costs by meter, window of time and dimensions; by default of the last 30 days."""
        given = {
            "customer": customer,
            "meter": meter,
            **span(start, end),
            "window": window,
            "timezone": timezone,
            "group_by": list(group_by) or None,
            "filter": list(filter) or None,
        }
        return ask("GET", "/v1/usage", told_as(Usage), params={name: each for name, each in given.items() if each})

    @Method
    def get_event(self, event: str, *, customer: str) -> Ask[Event]:
        """A usage event as it is stored."""
        return ask("GET", f"/v1/events/{segment(event)}", told_as(Event), params={"customer": customer})

    @Method
    def explanation(self, event: str, *, customer: str) -> Ask[Explanation]:
        """Why an event cost what it did."""
        return ask(
            "GET", f"/v1/events/{segment(event)}/explanation", told_as(Explanation), params={"customer": customer}
        )
