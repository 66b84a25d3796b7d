"""What a call costs: its usage object in disjoint units, priced by the book."""

from __future__ import annotations

from typing import Any

from tollkeeper.money import plain
from tollkeeper.simulator.model import Bill, Caller, Provider, Reply
from tollkeeper.simulator.pricing import reckon
from tollkeeper.simulator.simulation import Simulation


def bill_for(
    simulation: Simulation, provider: Provider, caller: Caller, reply: Reply, request_id: str, retry: int
) -> None:
    """Put the call on the bill."""
    at = simulation.now()
    reckoned = reckon(provider, reply, at)
    simulation.bills.append(
        Bill(
            provider,
            reply.endpoint,
            request_id,
            reply.response_id,
            reply.model,
            reply.usage,
            reckoned.quantities,
            reckoned.cost,
            caller.project,
            caller.api_key,
            at,
            reply.service_tier,
            retry,
            reply.counted,
            reckoned.asked,
        )
    )


def bill_as_json(bill: Bill) -> dict[str, Any]:
    """The bill as the control API gives it."""
    return {
        "provider": bill.provider,
        "endpoint": bill.endpoint,
        "request_id": bill.request_id,
        "response_id": bill.response_id,
        "model": bill.model,
        "usage": bill.usage,
        "quantities": {unit: plain(quantity) for unit, quantity in bill.quantities.items()},
        "cost": None if bill.cost is None else plain(bill.cost),
        "project": bill.project,
        "api_key": bill.api_key,
        "at": bill.at.isoformat().replace("+00:00", "Z"),
        "service_tier": bill.service_tier,
        "retry": bill.retry,
        "delivered": bill.delivered,
    }
