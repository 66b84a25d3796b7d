"""`tollkeeper estimate`: what a planned operation would be charged."""

from __future__ import annotations

import msgspec
import typer

from tollkeeper.cli.asking import CustomerKey
from tollkeeper.cli.books import run_books
from tollkeeper.cli.context import wants_json
from tollkeeper.cli.operation import Amount, Calls, Meter, OfMember, Quantity, json_of, read_as
from tollkeeper.cli.output import print_line, show_json
from tollkeeper.gate import HoldIn
from tollkeeper.money import amount_in_words

app = typer.Typer(add_completion=False)

_decoder = msgspec.json.Decoder(HoldIn)


@app.command()
def estimate(
    ctx: typer.Context,
    customer: CustomerKey,
    meter: Meter,
    quantity: Quantity = None,
    amount: Amount = None,
    calls: Calls = None,
    member: OfMember = None,
) -> None:
    """Price a planned operation, behind all recorded usage and open holds, with the arithmetic. Nothing is reserved."""
    given = {"customer": customer, "meter": meter, "quantity": quantity, "amount": amount, "member": member}
    item = read_as(_decoder, given | {"calls": json_of(calls, "calls")})
    found = run_books(ctx, lambda books: books.estimate(item))
    if wants_json(ctx):
        figures = {"charge": found.charge, "unit": found.unit, "price_id": found.price_id}
        show_json(figures | {"steps": found.steps, "estimated": found.estimated})
        return
    print_line(f"{meter} of {customer}: {amount_in_words(found.charge, found.unit)}")
    for number, step in enumerate(found.steps, 1):
        print_line(f"{number}. {step.text}")
    print_line(f"Price {found.price_id}")
