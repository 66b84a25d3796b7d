"""`tollkeeper simulate-provider`: a stand-in for OpenAI and Anthropic, to develop against without a key and a bill."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Annotated, NoReturn

import typer
import uvicorn

from tollkeeper.cli.context import wants_json
from tollkeeper.cli.output import print_line, show_json
from tollkeeper.errors import InvalidInput
from tollkeeper.simulator import Discrepancy, SimulatorSettings, config, create_app

app = typer.Typer()


@app.command()
def simulate_provider(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any.", min=0, max=65535)] = 8378,
    seed: Annotated[int | None, typer.Option(help="Replies, ids and random errors follow from it.")] = None,
    delay_ms: Annotated[int, typer.Option(help="How long each answer takes, in milliseconds.", min=0)] = 0,
    error_rate: Annotated[str, typer.Option(help="Share of the calls that fail at random, 0 to 1.")] = "0",
    report_delay: Annotated[int, typer.Option(help="Seconds until usage is in the reports.", min=0)] = 0,
    discrepancy: Annotated[
        list[str] | None,
        typer.Option(help="What the reports get wrong: price:MODEL:FACTOR, unreported:N, phantom:N."),
    ] = None,
) -> None:
    """Answer as OpenAI and Anthropic do, and bill nobody.

    Replies are made up; usage objects, errors, streams and the organisation's reports have the providers' own form.
    """
    settings = SimulatorSettings(
        seed, delay_ms, _share(error_rate), report_delay, Discrepancy.parse(list(discrepancy or []))
    )
    simulator = create_app(settings)
    signal.signal(signal.SIGTERM, _stop)
    with suppress(KeyboardInterrupt), _listening(host, port) as listener:
        _announce(ctx, host, listener.getsockname()[1], simulator.state.simulation.seed)
        uvicorn.Server(config(simulator)).run([listener])


def _stop(*_: object) -> NoReturn:
    raise SystemExit(0)


def _share(text: str) -> Decimal:
    """A share from 0 to 1. Raises InvalidInput `invalid_option`."""
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        raise InvalidInput("invalid_option", "--error-rate must be a number from 0 to 1.", field="error_rate")
    return share


def _listening(host: str, port: int) -> socket.socket:
    """The port. Raises InvalidInput `address_unusable`."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        told = f"Can't listen on {host} port {port}: {why}."
        raise InvalidInput("address_unusable", told, field="port") from None


def _announce(ctx: typer.Context, host: str, port: int, seed: int) -> None:
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    if wants_json(ctx):
        show_json({"url": url, "openai_base_url": f"{url}/v1", "anthropic_base_url": url, "seed": seed})
    else:
        print_line(f"Simulates OpenAI at {url}/v1 and Anthropic at {url} (seed {seed}). To use it:")
        print_line(f"  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=sk-proj-demo-1")
        print_line(f"  export ANTHROPIC_BASE_URL={url} ANTHROPIC_API_KEY=sk-ant-api03-demo-1")
    sys.stdout.flush()
