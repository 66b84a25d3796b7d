"""Which calls a report knows of: reporting is late, and differs on purpose where the discrepancy says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tollkeeper.simulator.model import Bill, Provider
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.words import number_of


def seen(simulation: Simulation, provider: Provider, *, costs: bool = False) -> Iterator[Bill]:
    """The provider's calls that are reported by now. Costs come when all of the delay is over, never before usage."""
    discrepancy, now = simulation.discrepancy, simulation.now()
    calls = [bill for bill in simulation.bills if bill.provider == provider]
    reported = calls[discrepancy.unreported :]
    for bill in [*reported, *reported[: discrepancy.phantom]]:
        if bill.at + (_whole(simulation) if costs else _delay(simulation, bill)) <= now:
            yield bill


def _whole(simulation: Simulation) -> timedelta:
    return timedelta(seconds=simulation.settings.report_delay)


def _delay(simulation: Simulation, bill: Bill) -> timedelta:
    """Between half of the delay and all of it, so that the rows of a minute grow."""
    share = 500 + number_of(str(simulation.seed), bill.request_id) % 501
    return _whole(simulation) * share / 1000
