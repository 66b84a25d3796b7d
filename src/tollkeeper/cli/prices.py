"""`tollkeeper prices`: what AI providers take, the operator's own prices, and what others' price books say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from tollkeeper import clock
from tollkeeper.cli.asking import instant
from tollkeeper.cli.context import settings_for, wants_json
from tollkeeper.cli.output import print_line, show_json, show_table
from tollkeeper.cli.reprice import reprice
from tollkeeper.errors import InvalidInput
from tollkeeper.money import ZERO, multiply, plain, round_to
from tollkeeper.providers import (
    OtherBook,
    PriceBook,
    PriceChange,
    PriceDifference,
    PriceRow,
    book,
    changes_as_toml,
    compare_books,
    conditions_in_words,
    genai_book,
    installed_genai,
    litellm_book,
    load_own,
    own_rows,
    provider_key,
    row_document,
    rows_like,
)

app = typer.Typer(help="List, check and import the prices of AI providers.", no_args_is_help=True)
app.command()(reprice)

_LEFT_OUT = 2


class Origin(StrEnum):
    """Whose price book is imported."""

    GENAI = "genai"
    LITELLM = "litellm"


@app.command("list")
def list_prices(
    ctx: typer.Context,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    model: Annotated[str | None, typer.Option(help="Only what prices this model.")] = None,
    at: Annotated[str | None, typer.Option(help="In force then.", show_default="now")] = None,
) -> None:
    """List the price rows in force, in USD; the operator's own first."""
    own = settings_for(ctx).prices
    known = _in_force(None if own is None else load_own(own))
    moment = instant(at, UTC, "at") or clock.now()
    rows = [*rows_like(known, provider=provider, model=model, at=moment)]
    if wants_json(ctx):
        show_json({"book": known.version, "at": moment, "rows": [row_document(row) for row in rows]})
        return
    show_table(
        ["PROVIDER", "MODEL", "UNIT", "USD", "PER", "WHEN", "FROM", "OWN"],
        [
            (
                *(row.provider, row.model, str(row.unit), row.amount, row.per, conditions_in_words(row), row.start),
                "own" if row.own else "",
            )
            for row in rows
        ],
        empty="There is no such price.",
    )


@app.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A price file; by default that of TOLLKEEPER_PRICES.")] = None,
) -> None:
    """Tell whether a file with prices of one's own is right. Needs no database."""
    path = file or _own_file(ctx)
    rows = load_own(path)
    models = len({(row.provider, row.model) for row in rows})
    if wants_json(ctx):
        show_json({"file": path, "rows": len(rows), "models": models})
    else:
        print_line(f"{path} is a valid price file: rows {len(rows)}, models {models}.")


@app.command("import")
def import_prices(
    ctx: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="The other book's JSON; by default the genai-prices that is installed.")
    ] = None,
    origin: Annotated[Origin, typer.Option("--from", help="Whose price book it is.")] = Origin.GENAI,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the difference.")] = False,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    threshold: Annotated[str, typer.Option(help="A change by more percent than this has to be confirmed.")] = "30",
    accept: Annotated[list[str] | None, typer.Option(help="Confirm one, as model:unit; may be repeated.")] = None,
    accept_jumps: Annotated[bool, typer.Option("--accept-jumps", help="Confirm all.")] = False,
) -> None:
    """Compare another price book with the prices in force before discounts, and add the difference to one's own."""
    own, most = settings_for(ctx).prices, _percent(threshold)
    other, at = _only(_other_book(file, origin), provider), clock.now()
    # Others' books have list prices: next to discounted ones, each of them would differ, and undo the discount.
    listed = load_own(own, discounts=False) if own is not None and own.exists() else None
    found = compare_books(_in_force(listed), other, at)
    confirmed = frozenset(accept or ())
    waiting = [c for c in found.changes if c.jumps(most) and not accept_jumps and c.name not in confirmed]
    taken = [change for change in found.changes if change not in waiting]
    written = None
    if not dry_run and taken:
        written = _own_file(ctx)
        _append(written, changes_as_toml(taken, source=other.source, on=at.date()))
    if wants_json(ctx):
        show_json(_document(other, found, waiting, written))
    else:
        _print_difference(found, waiting, most)
        print_line(f"Written to {written}: {len(taken)} prices." if written else "Nothing was written.")
    if waiting and not dry_run:
        raise typer.Exit(_LEFT_OUT)


def _in_force(own: list[PriceRow] | None) -> PriceBook:
    """The bundled prices with these of the operator's own."""
    return book().with_own(own or [])


def _other_book(file: Path | None, origin: Origin) -> OtherBook:
    if file is None:
        if origin is Origin.LITELLM:
            raise InvalidInput("invalid_option", "Give LiteLLM's model_prices_and_context_window.json.", field="file")
        return installed_genai()
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InvalidInput("file_unreadable", f"{file} can't be read: {error.strerror}.", field="file") from None
    read = genai_book if origin is Origin.GENAI else litellm_book
    return read(text, source=str(file))


def _only(other: OtherBook, provider: str | None) -> OtherBook:
    if provider is None:
        return other
    key = provider_key(provider)
    offers = [offer for offer in other.offers if offer.provider == key]
    return OtherBook(other.source, offers, {name: models for name, models in other.names.items() if name == key})


def _percent(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal(-1)
    if not found.is_finite() or found < ZERO:
        raise InvalidInput("invalid_option", "The threshold must be a percentage, such as 30.", field="threshold")
    return found


def _own_file(ctx: typer.Context) -> Path:
    if (path := settings_for(ctx).prices) is None:
        told = "Set TOLLKEEPER_PRICES to the file that your own prices are in, or shall be."
        raise InvalidInput("prices_unset", told, field="file")
    return path


def _append(path: Path, addition: str) -> None:
    """Add to the file what leaves it valid, in one step: a reader sees the old file or the new one."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    text = before + addition.lstrip("\n") if not before.strip() else before.rstrip("\n") + "\n" + addition
    own_rows(text, file=str(path))
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise InvalidInput("file_unwritable", f"{path} can't be written: {error.strerror}.", field="file") from None
    finally:
        beside.unlink(missing_ok=True)


def _print_difference(found: PriceDifference, waiting: Sequence[PriceChange], threshold: Decimal) -> None:
    show_table(
        ["", "PROVIDER", "MODEL", "UNIT", "WHEN", "PER", "OURS", "THEIRS", "PERCENT", "FROM"],
        [_cells(change, needs=change in waiting) for change in found.changes],
        empty="Nothing would change.",
    )
    kinds = [sum(change.kind == kind for change in found.changes) for kind in ("new", "changed")]
    print_line(f"New {kinds[0]}, changed {kinds[1]}, the same {found.same}.")
    if waiting:
        print_line(f"{len(waiting)} (!) change by more than {plain(threshold)} %: see --accept and --accept-jumps.")
    if found.kept:
        names = ", ".join(f"{provider} {model}" for provider, model in found.kept)
        print_line(f"Only in our book, and kept: {names}.")


def _cells(change: PriceChange, *, needs: bool) -> tuple[object, ...]:
    offer = change.offer
    ours = None if change.ours is None else multiply(change.ours.amount, offer.per) / change.ours.per
    percent = None if change.percent is None else round_to(change.percent, 1)
    sign = "!" if needs else "+" if change.ours is None else "~"
    when = ", ".join(
        each
        for each in (
            offer.service_tier,
            "batch" if offer.batch else None,
            None if offer.region is None else f"in {offer.region}",
            None if offer.input_above is None else f"prompts above {offer.input_above:,}",
        )
        if each is not None
    )
    who = (sign, offer.provider, change.model, str(offer.unit), when)
    return (*who, offer.per, ours, offer.amount, percent, change.start)


def _document(
    other: OtherBook, found: PriceDifference, waiting: Sequence[PriceChange], written: Path | None
) -> dict[str, Any]:
    return {
        "source": other.source,
        "changes": [
            {
                "kind": change.kind,
                "provider": change.offer.provider,
                "model": change.model,
                "unit": str(change.offer.unit),
                "service_tier": change.offer.service_tier,
                "batch": change.offer.batch,
                "region": change.offer.region,
                "input_above": change.offer.input_above,
                "input_up_to": change.offer.input_up_to,
                "amount": change.offer.amount,
                "per": change.offer.per,
                "from": change.start,
                "ours": None if change.ours is None else row_document(change.ours),
                "percent": None if change.percent is None else round_to(change.percent, 6),
                "waits": change in waiting,
            }
            for change in found.changes
        ],
        "same": found.same,
        "kept": [{"provider": provider, "model": model} for provider, model in found.kept],
        "file": None if written is None else str(written),
    }
