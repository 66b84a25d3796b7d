"""What a customer's billing page reads and does, with a portal token: one file per tab or table.

Each answer names its fields by itself, so that nothing the operator alone should know (costs, margins, who did
something) gets in with a field that is added elsewhere.
"""

from fastapi import APIRouter

from tollkeeper.api.routes.portal import (
    activity,
    limits,
    live,
    overview,
    plans,
    prepaid,
    session,
    suggestions,
    top_ups,
    usage,
)

PORTAL_ROUTERS: tuple[APIRouter, ...] = (
    session.router,
    overview.router,
    usage.router,
    activity.router,
    prepaid.router,
    limits.router,
    plans.router,
    suggestions.router,
    top_ups.router,
    live.router,
)
