"""Knowing: what was used and charged, read from the rollups."""

from tollkeeper.analytics.overview import MeterSpend, Overview, Spend, overview
from tollkeeper.analytics.usage import UsageQuery, UsageRow, usage
from tollkeeper.analytics.windows import Window

__all__ = ["MeterSpend", "Overview", "Spend", "UsageQuery", "UsageRow", "Window", "overview", "usage"]
