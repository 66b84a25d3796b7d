"""Knowing: what was used and charged, read from the rollups."""

from tollkeeper.analytics.cells import csv_cell
from tollkeeper.analytics.facets import Facets, facets
from tollkeeper.analytics.filters import parse_filter
from tollkeeper.analytics.listing import EventQuery, search_events
from tollkeeper.analytics.margins import MarginQuery, MarginRow, Order, margins, percent_of_cost, sums_by_unit
from tollkeeper.analytics.models import ModelUse, Tokens, ask_tokens, events_with_calls, models
from tollkeeper.analytics.overview import (
    MeterSpend,
    Overview,
    Spend,
    accounts_at,
    ask_overview,
    overview,
)
from tollkeeper.analytics.ranges import recent_range, whole_range
from tollkeeper.analytics.statement import StatementLine, statement
from tollkeeper.analytics.usage import UsageQuery, UsageRow, UsageTotal, aggregated, totals, usage
from tollkeeper.analytics.windows import Window

__all__ = [
    "EventQuery",
    "Facets",
    "MarginQuery",
    "MarginRow",
    "MeterSpend",
    "ModelUse",
    "Order",
    "Overview",
    "Spend",
    "StatementLine",
    "Tokens",
    "UsageQuery",
    "UsageRow",
    "UsageTotal",
    "Window",
    "accounts_at",
    "aggregated",
    "ask_overview",
    "ask_tokens",
    "csv_cell",
    "events_with_calls",
    "facets",
    "margins",
    "models",
    "overview",
    "parse_filter",
    "percent_of_cost",
    "recent_range",
    "search_events",
    "statement",
    "sums_by_unit",
    "totals",
    "usage",
    "whole_range",
]
