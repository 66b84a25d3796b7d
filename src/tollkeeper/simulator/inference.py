"""How a call for inference goes: whose key, which step, error or reply, bill, delay, delivery."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tollkeeper.errors import InvalidInput
from tollkeeper.simulator.bills import bill_for
from tollkeeper.simulator.delivery import Delivery
from tollkeeper.simulator.errors import error_answer, error_body, refused_by
from tollkeeper.simulator.forms import read_form
from tollkeeper.simulator.keys import caller_of, refuse_admin
from tollkeeper.simulator.model import FREE, Asked, Caller, Provider, Refused, Reply
from tollkeeper.simulator.script import HEADER, PLAIN, Step, step_of
from tollkeeper.simulator.simulation import Simulation

Endpoint = Callable[[Simulation, Asked, Caller, Step], Reply]
"""Makes the reply to a request. Raises Refused for what the provider wouldn't take."""

Handler = Callable[[Request], Awaitable[Any]]


def handler(provider: Provider, endpoint: Endpoint) -> Handler:
    """The route's handler."""

    async def handle(request: Request) -> Any:
        simulation: Simulation = request.app.state.simulation
        request_id = simulation.new_id("req_")
        headers = answer_headers(provider, request_id)
        try:
            return await _answer(simulation, provider, endpoint, request, request_id)
        except Refused as refused:
            return error_answer(refused, provider, headers, request_id)

    return handle


def answer_headers(provider: Provider, request_id: str) -> dict[str, str]:
    """The headers that answers and errors have in common."""
    if provider is Provider.ANTHROPIC:
        return {"request-id": request_id, "anthropic-organization-id": "org-simulated"}
    if provider is Provider.AZURE:
        return {"x-request-id": request_id, "apim-request-id": request_id, "x-ms-region": "Simulated"}
    return {"x-request-id": request_id, "openai-organization": "org-simulated", "openai-version": "2020-10-01"}


def _owner(provider: Provider, caller: Caller) -> dict[str, str]:
    """The header that says on whose bill the answer stands."""
    names = {Provider.OPENAI: "openai-project", Provider.ANTHROPIC: "anthropic-workspace-id"}
    name = names.get(provider)
    return {} if name is None or caller.project is None else {name: caller.project}


async def _answer(
    simulation: Simulation, provider: Provider, endpoint: Endpoint, request: Request, request_id: str
) -> Any:
    caller = caller_of(request.headers, provider)
    refuse_admin(caller, provider)
    asked = await read(request, provider)
    step = _step(simulation, request, asked)
    pause = (simulation.settings.delay_ms + step.delay_ms) / 1000
    if step.status >= 400 and not step.charged:
        await asyncio.sleep(pause)
        raise refused_by(step, provider)
    releases = simulation.releases  # before the bill, by which a test sees that the call is here
    reply = endpoint(simulation, asked, caller, step)
    if step.charged and reply.endpoint != FREE:
        retry = int(request.headers.get("x-stainless-retry-count", "0"))
        bill_for(simulation, provider, caller, reply, request_id, retry)
    # Billed before the wait: a client that doesn't wait so long pays all the same.
    await asyncio.sleep(pause)
    if step.until_released:
        await simulation.released(releases)
    if step.status >= 400:
        raise refused_by(step, provider)
    delivery = Delivery(
        reply,
        step,
        answer_headers(provider, request_id) | _owner(provider, caller) | dict(step.headers),
        ending=_ending(step, provider, request_id),
    )
    delivery.when_last = lambda: simulation.delivered(request_id)
    return delivery


def _ending(step: Step, provider: Provider, request_id: str) -> bytes | None:
    """The event that ends a broken stream, if the step has one."""
    if step.error is None:
        return None
    body = error_body(refused_by(Step(status=500, error=step.error), provider), provider, request_id)
    event = "event: error\n" if provider is Provider.ANTHROPIC else ""
    return f"{event}data: {json.dumps(body)}\n\n".encode()


def _step(simulation: Simulation, request: Request, asked: Asked) -> Step:
    """What the request itself dictates, else the script, else chance."""
    if own := request.headers.get(HEADER):
        try:
            return step_of(json.loads(own))
        except (ValueError, InvalidInput) as error:
            raise Refused(400, "invalid_request_error", f"{HEADER}: {error}") from None
    return simulation.script.take(asked.path, asked.model) or simulation.unlucky() or PLAIN


async def read(request: Request, provider: Provider) -> Asked:
    """The request's body: JSON, or a form with a file. Raises Refused 400, and on Azure 404 without `api-version`."""
    path = request.url.path
    if provider is Provider.AZURE and "api-version" not in request.query_params and "/v1/" not in path:
        raise Refused(404, "invalid_request_error", "Resource not found", code="404")
    data = await request.body()
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        body, files = read_form(content_type, data)
        audio = files.get("file", b"")
    else:
        body, audio = _json(data), b""
    if deployment := request.path_params.get("deployment"):
        body["model"] = deployment
    return Asked(path, body, audio)


def _json(data: bytes) -> dict[str, Any]:
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        told = "We could not parse the JSON body of your request. The body must be a JSON object."
        raise Refused(400, "invalid_request_error", told)
    return body


def unknown_path(request: Request) -> Response:
    """The answer to what isn't simulated."""
    provider = Provider.ANTHROPIC if "anthropic-version" in request.headers else Provider.OPENAI
    told = f"Unknown request URL: {request.method} {request.url.path}. The simulator doesn't have it."
    kind = "not_found_error" if provider is Provider.ANTHROPIC else "invalid_request_error"
    refused = Refused(404, kind, told, code="unknown_url")
    return error_answer(refused, provider, answer_headers(provider, "req_none"), "req_none")
