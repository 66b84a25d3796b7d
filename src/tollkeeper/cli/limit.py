"""`tollkeeper limit`: what a customer may use, and how far it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import typer

from tollkeeper import clock
from tollkeeper.books import Books
from tollkeeper.catalog import Limit, LimitBy, LimitMode, LimitPeriod
from tollkeeper.cli.asking import CustomerKey
from tollkeeper.cli.books import read_up_to_date, run_books, standing_of, whoever
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import Amount, print_line, show_json, show_table
from tollkeeper.clock import Interval
from tollkeeper.customers import Customer
from tollkeeper.db import Tx
from tollkeeper.errors import InvalidInput, NotFound
from tollkeeper.limits import LimitState, read_states, window_at
from tollkeeper.money import amount_in_words, grouped, plain

app = typer.Typer(help="List, set, switch and drop a customer's limits.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The limit's key.")]
Text = str | None
Change = Callable[[Mapping[str, Any], Limit | None], dict[str, Any]]
"""Makes the customer's new terms of its own ones, and of the limit in force."""

_COUNTED = ("meter", "group", "spend")
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Shown:
    """A limit in force; how far it's used isn't known where it's each member's own and no member was asked for."""

    limit: Limit
    state: LimitState | None
    window: Interval
    own: bool
    """Whether the customer has something of its own here."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force for a customer."""

    customer: Customer
    as_of: datetime
    limits: list[Shown]
    own: Mapping[str, Mapping[str, Any]]
    """The customer's own terms by name, also of limits that nothing is left of to count."""


@app.command("list")
def list_all(
    ctx: typer.Context,
    customer: CustomerKey,
    member: Annotated[str | None, typer.Option(help="Also what this member has used of limits by member.")] = None,
) -> None:
    """List the limits in force for a customer, with what is used and held of each."""
    found = run_books(ctx, lambda books: limits_of(books, customer, member))
    _show(ctx, found, found.limits)


@app.command("set")
def set_limit(
    ctx: typer.Context,
    customer: CustomerKey,
    name: Name,
    cap: Annotated[Text, typer.Option(help="The most that may be used.")] = None,
    mode: Annotated[LimitMode | None, typer.Option(help="Whether it refuses, or only warns.")] = None,
    warn_at: Annotated[
        list[str] | None, typer.Option(help="Percents to warn at; repeated or separated by commas, or none.")
    ] = None,
    member_cap: Annotated[
        list[str] | None, typer.Option(help="One member's cap, as member=cap, or member=none; may be repeated.")
    ] = None,
    meter: Annotated[Text, typer.Option(help="The meter whose quantity it counts, or for --spend the charges.")] = None,
    group: Annotated[Text, typer.Option(help="The meter group that it counts, instead.")] = None,
    spend: Annotated[Text, typer.Option(help="The unit of value whose charges it counts.")] = None,
    per: Annotated[LimitPeriod | None, typer.Option(help="The window that it counts in.")] = None,
    by: Annotated[LimitBy | None, typer.Option(help="Whose usage it counts together.")] = None,
    called: Annotated[Text, typer.Option(help="What people read instead of words from its key.")] = None,
) -> None:
    """Change a limit for this customer alone, or with --meter, --group or --spend give it one of its own."""
    given: dict[str, Any] = {"meter": meter, "group": group, "spend": spend, "per": per, "by": by, "mode": mode}
    given |= {"cap": cap, "warn_at": _percents(warn_at), "name": called}
    given = {key: value if isinstance(value, list) else str(value) for key, value in given.items() if value is not None}
    caps = [_member_cap(text) for text in member_cap or []]
    if not given and not caps:
        raise InvalidInput("invalid_option", "Say what is to be set, such as --cap 1000.", field="cap")

    def change(own: Mapping[str, Any], limit: Limit | None) -> dict[str, Any]:
        counts_anew = any(key in given for key in _COUNTED)
        terms = {**({} if counts_anew else own), **given}
        if by is LimitBy.CUSTOMER:
            terms.pop("member_caps", None)
        if caps:
            # Beside those of the other members: a table of caps stands instead of the plan's, not beside it.
            present = limit.as_terms().get("member_caps", {}) if limit is not None and not counts_anew else {}
            terms["member_caps"] = {key: most for key, most in {**present, **dict(caps)}.items() if most is not None}
        return terms

    _change(ctx, customer, name, change)


@app.command()
def off(ctx: typer.Context, customer: CustomerKey, name: Name) -> None:
    """Switch a limit off for this customer, without losing it: it refuses nothing, and goes on counting."""
    _change(ctx, customer, name, lambda own, _: {**own, "enabled": False})


@app.command()
def on(ctx: typer.Context, customer: CustomerKey, name: Name) -> None:
    """Switch a limit on again."""
    _change(ctx, customer, name, lambda own, _: {**own, "enabled": True})


@app.command()
def drop(ctx: typer.Context, customer: CustomerKey, name: Name) -> None:
    """Take away what the customer has of its own for a limit: what its plan or the catalog says holds again."""

    async def work(books: Books) -> Limits:
        await books.set_limit(customer, name, None, by=whoever())
        return await limits_of(books, customer, None)

    found = run_books(ctx, work)
    left = [one for one in found.limits if one.limit.key == name]
    if wants_json(ctx) or left:
        _show(ctx, found, left)
    else:
        print_line(f"{customer} has no limit {name!r} any more.")


def _change(ctx: typer.Context, customer: str, name: str, change: Change) -> None:

    async def work(books: Books) -> Limits:
        present = await limits_of(books, customer, None)
        limit = next((one.limit for one in present.limits if one.limit.key == name), None)
        terms = change(present.own.get(name, {}), limit)
        if limit is None and not any(key in terms for key in _COUNTED):
            told = f"The customer has no limit {name!r}; to make one, say what it counts: --meter, --group or --spend."
            raise NotFound("unknown_limit", told, field="name")
        await books.set_limit(customer, name, terms, by=whoever())
        return await limits_of(books, customer, None)

    found = run_books(ctx, work)
    _show(ctx, found, [one for one in found.limits if one.limit.key == name])


async def limits_of(books: Books, key: str, member: str | None) -> Limits:
    """The limits in force for a customer. Raises NotFound `unknown_customer`."""
    return await read_up_to_date(books, key, lambda tx: read_limits(books, tx, key, member, clock.now()))


async def read_limits(books: Books, tx: Tx, key: str, member: str | None, now: datetime) -> Limits:
    """The limits in force for a customer, and how far they are used; those by member for `member`, if there is one."""
    standing, agreement = await standing_of(books, tx, key, now)
    customer, limits = standing.customer, standing.limits
    states = {state.limit.key: state for state in await read_states(tx, customer, limits, member=member, now=now)}
    shown = [
        Shown(one, states.get(one.key), window_at(one.per, now, customer.zone), one.key in agreement.limits)
        for one in limits
    ]
    return Limits(customer, now, shown, agreement.limits)


def _percents(given: Sequence[str] | None) -> list[str] | None:
    """The thresholds that were given; none at all where it's said so."""
    if given is None:
        return None
    found = [part.strip() for text in given for part in text.split(",")]
    return [] if found == [_NONE] else found


def _member_cap(text: str) -> tuple[str, str | None]:
    """A member and its cap, None meaning that it has none of its own. Raises InvalidInput `invalid_option`."""
    member, sign, most = text.rpartition("=")
    if not sign or not member or not most:
        raise InvalidInput("invalid_option", f"{text!r} isn't member=cap, such as ann=50000.", field="member_cap")
    return member, None if most == _NONE else most


def _show(ctx: typer.Context, found: Limits, limits: Sequence[Shown]) -> None:
    if wants_json(ctx):
        shown = [public(one) for one in limits]
        show_json({"customer": found.customer.key, "as_of": found.as_of, "data": shown})
    else:
        show_limits(limits)


def show_limits(limits: Sequence[Shown]) -> None:
    """Print limits as a table."""
    show_table(
        ["LIMIT", "PER", "COUNTS", "MEMBER", "USED", "HELD", "CAP", "REMAINING", "UNTIL", "MODE", "OWN"],
        [
            (
                one.limit.key,
                one.limit.per.value.replace("_", " "),
                _counted(one.limit),
                (one.state and one.state.member) or ("each" if one.limit.by is LimitBy.MEMBER else None),
                *(Amount(one.state and getattr(one.state, name), one.limit.unit) for name in ("used", "held")),
                Amount(one.state.cap if one.state else one.limit.cap, one.limit.unit),
                Amount(one.state and one.state.remaining, one.limit.unit),
                None if one.limit.per is LimitPeriod.ROLLING_HOUR else one.window.end,
                one.limit.mode.value if one.limit.enabled else "off",
                "own" if one.own else None,
            )
            for one in limits
        ],
        empty="No limits.",
    )
    for one in limits:
        for member, most in sorted(one.limit.member_caps.items()):
            cap = amount_in_words(most, one.limit.unit) if one.limit.unit else grouped(most)
            print_line(f"{one.limit.key}: the cap of {member} is {cap}.")


def _counted(limit: Limit) -> str:
    """ "tokens", "USD", "USD of interview"."""
    meters = limit.group or ", ".join(limit.meters)
    if limit.unit is None:
        return meters
    return f"{limit.unit} of {meters}" if meters else limit.unit


def public(one: Shown) -> dict[str, Any]:
    """The limit as the API shows it."""
    limit, state, terms = one.limit, one.state, one.limit.as_terms()
    return {
        "limit": limit.key,
        "name": limit.name,
        **{key: terms.get(key) for key in _COUNTED},
        "per": limit.per,
        "by": limit.by,
        "mode": limit.mode,
        "enabled": limit.enabled,
        "warn_at": terms["warn_at"],
        "own": one.own,
        "member": state and state.member,
        "cap": plain(state.cap if state else limit.cap),
        "member_caps": terms.get("member_caps", {}),
        **{name: state and getattr(state, name) for name in ("used", "held", "remaining")},
        "window": one.window,
    }
