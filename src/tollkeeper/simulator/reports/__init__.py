"""The organisation's usage and costs reports, as OpenAI and Anthropic give them to admin keys."""

from __future__ import annotations

from tollkeeper.simulator.reports.routes import ROUTES

__all__ = ["ROUTES"]
