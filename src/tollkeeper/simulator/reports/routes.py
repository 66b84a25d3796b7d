"""The routes of the reports: admin keys only, errors by script, numbers exact."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tollkeeper.simulator.errors import error_answer, refused_by
from tollkeeper.simulator.inference import answer_headers
from tollkeeper.simulator.keys import caller_of, require_admin
from tollkeeper.simulator.model import Provider, Refused
from tollkeeper.simulator.reports import anthropic, openai
from tollkeeper.simulator.simulation import Simulation

_encode = msgspec.json.Encoder(decimal_format="number").encode

_Report = Callable[[Simulation, QueryParams], dict[str, Any]]


def _route(path: str, provider: Provider, report: _Report) -> Route:
    async def handle(request: Request) -> Response:
        simulation: Simulation = request.app.state.simulation
        request_id = simulation.new_id("req_")
        headers = answer_headers(provider, request_id)
        try:
            require_admin(caller_of(request.headers, provider), provider)
            if provider is Provider.ANTHROPIC and "anthropic-version" not in request.headers:
                raise Refused(400, "invalid_request_error", "anthropic-version: header is required")
            if (step := simulation.script.take(request.url.path, "", inference=False)) is not None:
                await asyncio.sleep(step.delay_ms / 1000)
                if step.status >= 400:
                    raise refused_by(step, provider)
            found = report(simulation, request.query_params)
        except Refused as refused:
            return error_answer(refused, provider, headers, request_id)
        return Response(_encode(found), media_type="application/json", headers=headers)

    return Route(path, handle, methods=["GET"])


def _usage(name: str) -> _Report:
    return lambda simulation, query: openai.usage(simulation, query, name)


ROUTES = [
    *(_route(f"/v1/organization/usage/{name}", Provider.OPENAI, _usage(name)) for name in openai.REPORTS),
    _route("/v1/organization/costs", Provider.OPENAI, openai.costs),
    _route("/v1/organizations/usage_report/messages", Provider.ANTHROPIC, anthropic.usage),
    _route("/v1/organizations/cost_report", Provider.ANTHROPIC, anthropic.costs),
]
