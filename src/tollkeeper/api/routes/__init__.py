"""One file per resource; `ROUTERS` is the order in which the documentation shows them."""

from fastapi import APIRouter

from tollkeeper.api.routes import (
    alerts,
    balance,
    calls,
    catalog,
    customers,
    events,
    grants,
    health,
    holds,
    keys,
    limits,
    margins,
    plans,
    portal_live,
    portal_sessions,
    prices,
    quarantine,
    reconciliations,
    start,
    usage,
)

ROUTERS: tuple[APIRouter, ...] = (
    events.router,
    holds.router,
    usage.router,
    calls.router,
    margins.router,
    balance.router,
    grants.router,
    limits.router,
    plans.router,
    alerts.router,
    customers.router,
    reconciliations.router,
    catalog.router,
    prices.router,
    quarantine.router,
    keys.router,
    portal_sessions.router,
    portal_live.router,
    health.router,
    start.router,
)
