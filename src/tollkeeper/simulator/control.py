"""The control API: what a test sets and reads, under /_simulator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tollkeeper.clock import in_utc
from tollkeeper.errors import InvalidInput, TollError
from tollkeeper.money import plain, sum_of
from tollkeeper.simulator.bills import bill_as_json
from tollkeeper.simulator.model import Discrepancy
from tollkeeper.simulator.script import step_of
from tollkeeper.simulator.simulation import Simulation

_Act = Callable[[Simulation, Any], dict[str, Any]]


def _route(path: str, method: str, act: _Act) -> Route:
    async def handle(request: Request) -> JSONResponse:
        try:
            given = json.loads(await request.body() or b"{}", parse_float=Decimal)
            return JSONResponse(act(request.app.state.simulation, given))
        except TollError as error:
            return JSONResponse(error.as_dict(), error.status)
        except (ValueError, TypeError, ArithmeticError) as error:
            return JSONResponse({"code": "malformed_body", "detail": str(error)}, 400)

    handler: Callable[[Request], Awaitable[JSONResponse]] = handle
    return Route(path, handler, methods=[method])


def _bills(simulation: Simulation, _: Any) -> dict[str, Any]:
    bills = simulation.bills
    costs = [bill.cost for bill in bills if bill.cost is not None]
    return {"bills": [bill_as_json(bill) for bill in bills], "total": plain(sum_of(costs))}


def _add_steps(simulation: Simulation, given: Any) -> dict[str, Any]:
    wrapped = given.get("steps", given) if isinstance(given, dict) else given
    simulation.script.add([step_of(each) for each in (wrapped if isinstance(wrapped, list) else [wrapped])])
    return {"waiting": len(simulation.script.steps)}


def _script(simulation: Simulation, _: Any) -> dict[str, Any]:
    return {"waiting": len(simulation.script.steps)}


def _set_clock(simulation: Simulation, given: Any) -> dict[str, Any]:
    at = datetime.fromisoformat(given["at"]) if "at" in given else None
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    offset = timedelta(seconds=int(given["offset_seconds"])) if "offset_seconds" in given else None
    simulation.set_clock(at=at, offset=offset, frozen=bool(given.get("frozen")))
    return {"now": in_utc(simulation.now())}


def _clock(simulation: Simulation, _: Any) -> dict[str, Any]:
    return {"now": in_utc(simulation.now())}


def _set_discrepancy(simulation: Simulation, given: Any) -> dict[str, Any]:
    if unknown := set(given) - {"prices", "unreported", "phantom"}:
        raise InvalidInput("invalid_option", f"A discrepancy has no {', '.join(sorted(unknown))}.", field="discrepancy")
    prices = {model: Decimal(str(factor)) for model, factor in given.get("prices", {}).items()}
    simulation.discrepancy = Discrepancy(prices, int(given.get("unreported", 0)), int(given.get("phantom", 0)))
    return {}


def _release(simulation: Simulation, _: Any) -> dict[str, Any]:
    simulation.release()
    return {}


def _reset(simulation: Simulation, _: Any) -> dict[str, Any]:
    simulation.reset()
    return {}


ROUTES = [
    _route("/_simulator/bills", "GET", _bills),
    _route("/_simulator/script", "GET", _script),
    _route("/_simulator/script", "POST", _add_steps),
    _route("/_simulator/clock", "GET", _clock),
    _route("/_simulator/clock", "POST", _set_clock),
    _route("/_simulator/discrepancy", "POST", _set_discrepancy),
    _route("/_simulator/release", "POST", _release),
    _route("/_simulator/reset", "POST", _reset),
]
