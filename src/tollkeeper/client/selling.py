"""What an app asks to sell something: what there is, prepaid value given and bought."""

from __future__ import annotations

from datetime import datetime

from tollkeeper.client.account_results import Catalog, Page, Plan, TopUp, WalletEntry
from tollkeeper.client.asks import Ask, Method, ask, page_of, segment, told_as
from tollkeeper.client.reading import Number, dumps, exact, read
from tollkeeper.client.results import Grant
from tollkeeper.ids import new_id


def _end(top_up: str, how: str, customer: str, reference: str | None) -> Ask[TopUp]:
    body = {"customer": customer, "reference": reference}
    return ask("POST", f"/v1/top-ups/{segment(top_up)}/{how}", told_as(TopUp), content=dumps(body))


class Selling:
    """Of the catalog and of wallets. Each raises the TollError that the server tells, and TollkeeperUnreachable."""

    @Method
    def catalog(self) -> Ask[Catalog]:
        """What is sold now: prices, limits, plans and packs."""
        return ask("GET", "/v1/catalog", told_as(Catalog))

    @Method
    def plans(self) -> Ask[tuple[Plan, ...]]:
        """The catalog's plans, in its order."""
        return ask("GET", "/v1/catalog", lambda body: read(Catalog, body).plans)

    @Method
    def grant(
        self,
        customer: str,
        amount: Number,
        *,
        id: str | None = None,
        unit: str | None = None,
        kind: str | None = None,
        priority: int | None = None,
        effective_at: datetime | None = None,
        expires_at: datetime | None = None,
        reference: str | None = None,
        note: str | None = None,
    ) -> Ask[Grant]:
        """Give prepaid value. Without an `id` of your own, calling it twice gives it twice."""
        body = {
            "id": id or str(new_id()),
            "amount": exact("amount", amount),
            "unit": unit,
            "kind": kind,
            "priority": priority,
            "effective_at": effective_at,
            "expires_at": expires_at,
            "reference": reference,
            "note": note,
        }
        return ask("POST", f"/v1/customers/{segment(customer)}/grants", told_as(Grant), content=dumps(body))

    @Method
    def grants(
        self,
        customer: str,
        *,
        unit: str | None = None,
        state: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> Ask[Page[Grant]]:
        """The customer's grants, the newest first, with what became of each."""
        path = f"/v1/customers/{segment(customer)}/grants"
        return page_of(told_as(Grant), path, {"unit": unit, "state": state}, limit, cursor)

    @Method
    def void_grant(self, grant: str, *, customer: str, note: str | None = None) -> Ask[Grant]:
        """Take back what is neither spent nor held of a grant."""
        body = {"customer": customer, "note": note}
        return ask("POST", f"/v1/grants/{segment(grant)}/void", told_as(Grant), content=dumps(body))

    @Method
    def wallet_entries(
        self, customer: str, *, unit: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Ask[Page[WalletEntry]]:
        """Each change of the customer's wallets with the balance that it left, the newest first."""
        return page_of(
            told_as(WalletEntry), f"/v1/customers/{segment(customer)}/wallet-entries", {"unit": unit}, limit, cursor
        )

    @Method
    def top_up(
        self,
        customer: str,
        *,
        unit: str | None = None,
        amount: Number | None = None,
        pack: str | None = None,
        id: str | None = None,
    ) -> Ask[TopUp]:
        """Begin to buy a `pack` of the catalog, or an `amount` of a `unit` that it offers. It's worth nothing before it
        was paid. Without an `id` of your own, calling it twice begins two."""
        body = {
            "customer": customer,
            "id": id or str(new_id()),
            "unit": unit,
            "amount": exact("amount", amount),
            "pack": pack,
        }
        return ask("POST", "/v1/top-ups", told_as(TopUp), content=dumps(body))

    @Method
    def get_top_up(self, top_up: str, *, customer: str) -> Ask[TopUp]:
        """A top-up as it stands: what a checkout asks for, instead of believing what its link says."""
        return ask("GET", f"/v1/top-ups/{segment(top_up)}", told_as(TopUp), params={"customer": customer})

    @Method
    def top_ups(
        self, customer: str, *, state: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> Ask[Page[TopUp]]:
        """What the customer has bought or begun to buy, the newest first."""
        return page_of(told_as(TopUp), "/v1/top-ups", {"customer": customer, "state": state}, limit, cursor)

    @Method
    def top_up_paid(self, top_up: str, *, customer: str, reference: str | None = None) -> Ask[TopUp]:
        """Say that the money has come: the customer has what it bought. Once, however often it's said."""
        return _end(top_up, "paid", customer, reference)

    @Method
    def top_up_failed(self, top_up: str, *, customer: str, reference: str | None = None) -> Ask[TopUp]:
        """Say that the payment failed."""
        return _end(top_up, "failed", customer, reference)

    @Method
    def cancel_top_up(self, top_up: str, *, customer: str, reference: str | None = None) -> Ask[TopUp]:
        """Give a top-up up."""
        return _end(top_up, "cancel", customer, reference)
