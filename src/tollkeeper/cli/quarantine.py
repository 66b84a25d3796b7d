"""`tollkeeper quarantine`: what was refused. Mend the cause and replay it, or discard it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from string import hexdigits
from typing import Annotated
from uuid import UUID

import typer

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.cli.books import run_books, whoever
from tollkeeper.cli.context import run, run_transaction, wants_json
from tollkeeper.cli.output import Amount, print_line, show_fields, show_json, show_table
from tollkeeper.db import Database, Tx
from tollkeeper.errors import InvalidInput
from tollkeeper.events import Quarantined, QuarantineStatus, find_quarantined, list_quarantine, resolve_quarantined
from tollkeeper.gate import Replayed, Result
from tollkeeper.ids import new_id

app = typer.Typer(help="List, show, replay and discard what was refused.", no_args_is_help=True)

_PAGE = 500
_LEAST_DIGITS, _DIGITS = 8, 32


class Listed(StrEnum):
    """Which items to list."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"
    ALL = "all"


Code = Annotated[str | None, typer.Option(help="Only what was refused for this reason.")]
OfCustomer = Annotated[str | None, typer.Option(help="Only items that name this customer.")]


def _prefix(text: str) -> str:
    """An id or its beginning, as it was given, if it can be one."""
    digits = text.replace("-", "")
    if not _LEAST_DIGITS <= len(digits) <= _DIGITS or not all(digit in hexdigits for digit in digits):
        raise typer.BadParameter(f"{text!r} is neither an id nor the first {_LEAST_DIGITS} or more digits of one.")
    return text


Id = Annotated[str, typer.Argument(help="Its quarantine id, or the first eight or more digits of it.", parser=_prefix)]
Ids = Annotated[
    list[str] | None,
    typer.Argument(help="Their quarantine ids, or the first eight or more digits of each.", parser=_prefix),
]
All = Annotated[bool, typer.Option("--all", help="All that wait.")]


@app.command("list")
def list_all(
    ctx: typer.Context,
    status: Annotated[Listed, typer.Option(help="What has become of them.")] = Listed.OPEN,
    code: Code = None,
    customer: OfCustomer = None,
    after: Annotated[UUID | None, typer.Option(help="Begin behind this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Most items to list.")] = 100,
) -> None:
    """List what was refused and waits, oldest first."""
    wanted = None if status is Listed.ALL else status.value
    found = run_transaction(
        ctx, lambda tx: list_quarantine(tx, status=wanted, code=code, customer=customer, after=after, limit=limit)
    )
    if wants_json(ctx):
        show_json(found)
        return
    show_table(
        ["ID", "LAST SEEN", "CUSTOMER", "EVENT", "CODE", "REASON", "TIMES"],
        [(q.quarantine_id, q.last_seen_at, q.customer_key, q.event_id, q.code, q.detail, q.attempts) for q in found],
        empty="Nothing is in quarantine.",
    )


@app.command()
def show(ctx: typer.Context, id: Id) -> None:
    """Show one item, as it came, with the reason."""
    found = run_transaction(ctx, lambda tx: find_quarantined(tx, id))
    if wants_json(ctx):
        show_json(found)
        return
    names = (
        "quarantine_id",
        "status",
        "code",
        "field",
        "detail",
        "customer_key",
        "event_id",
        "attempts",
        "first_seen_at",
    )
    more = ("last_seen_at", "resolved_at", "resolved_by", "note", "item")
    show_fields({name.replace("_", " "): getattr(found, name) for name in names + more})


@app.command()
def replay(
    ctx: typer.Context, ids: Ids = None, all: All = False, code: Code = None, customer: OfCustomer = None
) -> None:
    """Send items through the gate again, after their cause is mended. Ends with status 2 if any is still refused."""
    chosen = Chosen(ids or [], all, code, customer)

    async def work(books: Books) -> list[Replayed]:
        return [one async for page in chosen.pages(books.database) for one in await books.replay(page, by=whoever())]

    found = run_books(ctx, work)
    if wants_json(ctx):
        show_json([_answer(one) for one in found])
    else:
        show_table(
            ["ID", "EVENT", "STATUS", "CHARGE", "UNIT", "REASON"],
            [
                (one.quarantine_id, one.result.id, one.result.status, _amount(one.result), one.result.unit,
                 one.result.error and one.result.error.detail)
                for one in found
            ],
            empty="None of them waits.",
        )  # fmt: skip
    if any(one.result.error is not None for one in found):
        raise typer.Exit(2)


@app.command()
def discard(
    ctx: typer.Context,
    note: Annotated[str, typer.Option(help="Why; it's kept with the items.")],
    ids: Ids = None,
    all: All = False,
    code: Code = None,
    customer: OfCustomer = None,
) -> None:
    """Give items up. They stay readable."""
    if not note.strip():
        raise InvalidInput("invalid_note", "The note must say why.", field="note")
    chosen = Chosen(ids or [], all, code, customer)

    async def work(database: Database) -> int:
        return sum([await _discard(database, page, note) async for page in chosen.pages(database)])

    count = run(ctx, work)
    if wants_json(ctx):
        show_json({"discarded": count})
    else:
        print_line(f"Discarded: {count}.")


async def _discard(database: Database, ids: Sequence[UUID], note: str) -> int:
    async def work(tx: Tx) -> int:
        status, now = QuarantineStatus.DISCARDED, clock.now()
        return await resolve_quarantined(tx, ids, status, now=now, by=whoever(), note=note)

    return await database.run(work)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The items that a command is for: those named, or all that wait, perhaps only of a code or a customer.

    Raises InvalidInput `invalid_option` unless it's said which: a command without a word on it is for none.
    """

    ids: list[str]
    all: bool
    code: str | None
    customer: str | None

    def __post_init__(self) -> None:
        by_filter = self.all or self.code is not None or self.customer is not None
        if self.ids and by_filter:
            told = "Ids name the items by themselves; leave --all, --code and --customer out."
            raise InvalidInput("invalid_option", told, field="ids")
        if not self.ids and not by_filter:
            told = "Name the items by their ids, by --code, by --customer, or all of them by --all."
            raise InvalidInput("invalid_option", told, field="ids")

    async def pages(self, database: Database) -> AsyncIterator[list[UUID]]:
        """Their ids, so many at a time as one transaction takes.

        Raises NotFound `unknown_quarantine_item` and Conflict `ambiguous_id`.
        """
        if self.ids:
            found = [await database.run(lambda tx, each=each: find_quarantined(tx, each)) for each in self.ids]
            yield [*{item.quarantine_id: None for item in found}]
            return
        # Ids sort by age. What a replay refuses under a new id isn't met a second time.
        after, end = UUID(int=0), new_id()
        while page := [one.quarantine_id for one in await self._page(database, after) if one.quarantine_id < end]:
            yield page
            after = page[-1]

    async def _page(self, database: Database, after: UUID) -> list[Quarantined]:
        status = QuarantineStatus.OPEN.value
        return await database.run(
            lambda tx: list_quarantine(
                tx, status=status, code=self.code, customer=self.customer, after=after, limit=_PAGE
            )
        )


def _amount(result: Result) -> Amount:
    return Amount(None if result.charge is None else Decimal(result.charge), result.unit)


def _answer(one: Replayed) -> dict[str, object]:
    """What became of one item, as the API answers it."""
    result, error = one.result, one.result.error
    return {
        "quarantine_id": one.quarantine_id,
        "id": result.id,
        "status": result.status,
        "charge": result.charge,
        "unit": result.unit,
        "code": error and error.code,
        "detail": error and error.detail,
        "field": error and error.field,
    }
