"""The simulator as an ASGI application: every route, and which file answers it."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tollkeeper.simulator import control, reports
from tollkeeper.simulator.audio import speak, transcribe
from tollkeeper.simulator.chat import chat
from tollkeeper.simulator.errors import error_answer
from tollkeeper.simulator.images import draw
from tollkeeper.simulator.inference import Endpoint, answer_headers, handler, unknown_path
from tollkeeper.simulator.keys import caller_of, refuse_admin
from tollkeeper.simulator.messages import count, message
from tollkeeper.simulator.model import Provider, Refused, SimulatorSettings
from tollkeeper.simulator.models import LISTED, answering
from tollkeeper.simulator.responses import respond
from tollkeeper.simulator.simulation import Simulation
from tollkeeper.simulator.vectors import embed, moderate

_OPENAI: dict[str, Endpoint] = {
    "/chat/completions": chat,
    "/responses": respond,
    "/embeddings": embed,
    "/moderations": moderate,
    "/audio/transcriptions": transcribe,
    "/audio/speech": speak,
    "/images/generations": draw,
}
_ANTHROPIC: dict[str, Endpoint] = {"/v1/messages": message, "/v1/messages/count_tokens": count}


def create_app(settings: SimulatorSettings | None = None) -> Starlette:
    """The application; its state, `app.state.simulation`, is in memory and of this application alone."""
    app = Starlette(
        routes=[
            *_inference(),
            *_models(),
            *reports.ROUTES,
            *control.ROUTES,
            Route("/{path:path}", _unknown, methods=_ALL),
        ]
    )
    app.state.simulation = Simulation(settings or SimulatorSettings())
    return app


_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _inference() -> list[Route]:
    routes = []
    for path, endpoint in _OPENAI.items():
        azure = handler(Provider.AZURE, endpoint)
        routes.append(Route(f"/v1{path}", handler(Provider.OPENAI, endpoint), methods=["POST"]))
        routes += [
            Route(f"/openai{at}{path}", azure, methods=["POST"]) for at in ("/deployments/{deployment}", "/v1", "")
        ]
    routes += [Route(path, handler(Provider.ANTHROPIC, each), methods=["POST"]) for path, each in _ANTHROPIC.items()]
    return routes


def _models() -> list[Route]:
    return [
        Route("/v1/responses/{id}", _stored, methods=["GET", "DELETE"]),
        Route("/v1/models", _list_models, methods=["GET"]),
        Route("/v1/models/{id:path}", _one_model, methods=["GET"]),
    ]


def _asks_anthropic(request: Request) -> Provider:
    return Provider.ANTHROPIC if "anthropic-version" in request.headers else Provider.OPENAI


def _told(request: Request, found: Any) -> JSONResponse:
    """What `found` makes of the request's simulation, for a key that does inference."""
    provider = _asks_anthropic(request)
    request_id = request.app.state.simulation.new_id("req_")
    headers = answer_headers(provider, request_id)
    try:
        refuse_admin(caller_of(request.headers, provider), provider)
        return JSONResponse(found(request.app.state.simulation, provider), headers=headers)
    except Refused as refused:
        return error_answer(refused, provider, headers, request_id)


async def _list_models(request: Request) -> JSONResponse:
    def found(_: Simulation, provider: Provider) -> dict[str, Any]:
        ours = [name for name in LISTED if name.startswith("claude-") == (provider is Provider.ANTHROPIC)]
        data = [_model(name, provider) for name in ours]
        if provider is Provider.ANTHROPIC:
            return {"data": data, "has_more": False, "first_id": ours[0], "last_id": ours[-1]}
        return {"object": "list", "data": data}

    return _told(request, found)


async def _one_model(request: Request) -> JSONResponse:
    name = request.path_params["id"]
    return _told(request, lambda _, provider: answering(name, provider) and _model(name, provider))


def _model(name: str, provider: Provider) -> dict[str, Any]:
    if provider is Provider.ANTHROPIC:
        return {"type": "model", "id": name, "display_name": name, "created_at": "2025-01-01T00:00:00Z"}
    return {"id": name, "object": "model", "created": 1735689600, "owned_by": "system"}


async def _stored(request: Request) -> JSONResponse:
    name = request.path_params["id"]

    def found(simulation: Simulation, _: Provider) -> dict[str, Any]:
        stored = simulation.stored(name)["response"]
        if request.method == "GET":
            return stored
        del simulation.responses[name]
        return {"id": name, "object": "response", "deleted": True}

    return _told(request, found)


async def _unknown(request: Request) -> Any:
    return unknown_path(request)
