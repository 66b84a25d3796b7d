"""What AI providers report about an organisation: usage and costs, read over HTTP, in our words and units."""

from __future__ import annotations

from tollkeeper.reconciliation.readers import anthropic, openai
from tollkeeper.reconciliation.readers.access import access_of
from tollkeeper.reconciliation.readers.model import Access, CostRow, Report, UsageRow, Width

READERS = {"openai": openai.read, "anthropic": anthropic.read}
"""By the provider's key: `read(access, start, end, width=…, usage=…, costs=…)`, a Report."""

__all__ = ["READERS", "Access", "CostRow", "Report", "UsageRow", "Width", "access_of"]
