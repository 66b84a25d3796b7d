"""Tollkeeper: the billing engine for AI products."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tollkeeper.client import AsyncTollkeeper, Tollkeeper

__version__ = "0.1.0"

__all__ = ["AsyncTollkeeper", "Tollkeeper", "__version__"]


def __getattr__(name: str) -> Any:
    """The SDK's clients, imported when they are asked for: the engine itself doesn't need them."""
    if name in ("AsyncTollkeeper", "Tollkeeper"):
        return getattr(import_module("tollkeeper.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
