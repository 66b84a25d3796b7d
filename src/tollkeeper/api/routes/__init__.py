"""One file per resource; `ROUTERS` is the order in which the documentation shows them."""

from fastapi import APIRouter

from tollkeeper.api.routes import catalog, customers, events, health, keys, quarantine, start, usage

ROUTERS: tuple[APIRouter, ...] = (
    events.router,
    usage.router,
    customers.router,
    catalog.router,
    quarantine.router,
    keys.router,
    health.router,
    start.router,
)
