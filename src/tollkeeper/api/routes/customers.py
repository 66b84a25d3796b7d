"""Customers and their members."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Response
from pydantic import Field, StrictBool

from tollkeeper.api.auth import Reader, Writer
from tollkeeper.api.bodies import Answer, Asked, JsonObject
from tollkeeper.api.books import Books, OpenBooks
from tollkeeper.api.paging import Cursor, Limit, Page, key_behind, page
from tollkeeper.api.paths import CustomerKey, MemberKey
from tollkeeper.console import put_customer
from tollkeeper.customers import (
    Customer,
    CustomerChanges,
    Member,
    customer_id_of,
    get_customer,
    get_member,
    list_customers,
    list_members,
    upsert_member,
)
from tollkeeper.db import Tx

router = APIRouter(prefix="/v1/customers", tags=["customers"])

Shown = TypeVar("Shown")

_CREATED: dict[int | str, dict[str, Any]] = {201: {"description": "It is new."}, 200: {"description": "It was there."}}


class CustomerPut(Asked):
    """What to set on a customer; fields left out stay as they are."""

    name: str | None = Field(None, description="A new customer's name is its key unless told otherwise.")
    currency: str | None = Field(
        None, description="ISO 4217. Fixed once there is usage. A new customer's is the catalog's."
    )
    timezone: str | None = Field(None, description="IANA name. Fixed once there is usage. A new customer's is UTC.")
    metadata: JsonObject | None = Field(None, description="Your own facts; replaces the whole object.")
    archived: StrictBool | None = Field(
        None, description="An archived customer's new usage is refused; its history stays."
    )
    suspended: StrictBool | None = Field(
        None, description="A suspended customer may begin nothing new; usage that has happened is still taken."
    )


class CustomerAnswer(Answer):
    """Who pays."""

    key: str
    name: str
    currency: str
    timezone: str
    metadata: JsonObject
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    suspended_at: datetime | None


class MemberPut(Asked):
    """What to set on a member; fields left out stay as they are."""

    name: str | None = Field(None, description="A new member's name is its key unless told otherwise.")
    metadata: JsonObject | None = Field(None, description="Your own facts; replaces the whole object.")
    archived: StrictBool | None = None


class MemberAnswer(Answer):
    """A person or an agent inside a customer."""

    key: str
    name: str
    metadata: JsonObject
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


@router.get("", summary="List customers")
async def list_all(
    books: OpenBooks,
    _: Reader,
    limit: Limit = 100,
    cursor: Cursor = None,
    search: Annotated[str | None, Query(description="Text in the key or name, in upper or lower case.")] = None,
    archived: Annotated[bool | None, Query(description="Only archived customers, or only the others.")] = None,
) -> Page[CustomerAnswer]:
    """Customers by key."""
    after = key_behind(cursor)

    async def work(tx: Tx) -> list[Customer]:
        return await list_customers(tx, after=after, limit=limit + 1, search=search or None, archived=archived)

    return page(await books.database.run(work), limit, CustomerAnswer.of, lambda customer: (customer.key,))


@router.get("/{key:key}", summary="Show a customer")
async def show(books: OpenBooks, _: Reader, key: CustomerKey) -> CustomerAnswer:
    """The customer known by this key."""
    return CustomerAnswer.of(await _customer(books, key))


@router.put("/{key:key}", summary="Create or change a customer", responses=_CREATED)
async def put(books: OpenBooks, _: Writer, key: CustomerKey, asked: CustomerPut, response: Response) -> CustomerAnswer:
    """Answers 201 for a new customer and 200 for a changed or unchanged one. Repeating it changes nothing."""
    changes = CustomerChanges(
        asked.name, asked.currency, asked.timezone, asked.metadata, asked.archived, asked.suspended
    )
    currency = (await books.catalog()).currency

    async def work(tx: Tx) -> tuple[Customer, bool]:
        return await put_customer(tx, key, changes, currency)

    customer, created = await books.database.run(work)
    response.status_code = 201 if created else 200
    return CustomerAnswer.of(customer)


async def page_of_members(
    books: Books, key: str, answer: Callable[[Member], Shown], limit: int, cursor: str | None
) -> Page[Shown]:
    """A page of a customer's members by key."""
    after = key_behind(cursor)

    async def work(tx: Tx) -> list[Member]:
        return await list_members(tx, await get_customer(tx, key), after=after, limit=limit + 1)

    found = await books.database.run(work, customer_id_of(key))
    return page(found, limit, answer, lambda member: (member.key,))


@router.get("/{key:key}/members", summary="List a customer's members")
async def list_its_members(
    books: OpenBooks, _: Reader, key: CustomerKey, limit: Limit = 100, cursor: Cursor = None
) -> Page[MemberAnswer]:
    """Members by key."""
    return await page_of_members(books, key, MemberAnswer.of, limit, cursor)


@router.get("/{key:key}/members/{member:key}", summary="Show a member")
async def show_member(books: OpenBooks, _: Reader, key: CustomerKey, member: MemberKey) -> MemberAnswer:
    """The member known by this key within the customer."""

    async def work(tx: Tx) -> Member:
        return await get_member(tx, await get_customer(tx, key), member)

    return MemberAnswer.of(await books.database.run(work, customer_id_of(key)))


@router.put("/{key:key}/members/{member:key}", summary="Create or change a member", responses=_CREATED)
async def put_member(
    books: OpenBooks, _: Writer, key: CustomerKey, member: MemberKey, asked: MemberPut, response: Response
) -> MemberAnswer:
    """Answers 201 for a new member and 200 for a changed or unchanged one. Repeating it changes nothing."""

    async def work(tx: Tx) -> tuple[Member, bool]:
        customer = await get_customer(tx, key)
        return await upsert_member(
            tx, customer, member, name=asked.name, metadata=asked.metadata, archived=asked.archived
        )

    found, created = await books.database.run(work, customer_id_of(key))
    response.status_code = 201 if created else 200
    return MemberAnswer.of(found)


async def _customer(books: Books, key: str) -> Customer:
    return await books.database.run(lambda tx: get_customer(tx, key), customer_id_of(key))
