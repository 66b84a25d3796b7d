"""AI providers as data: what their usage objects mean, and what their units cost. Pure."""

from tollkeeper.providers.extraction import extract
from tollkeeper.providers.facts import facts_of
from tollkeeper.providers.model import CallFacts, Conditions, Line, Observed, Priced, PriceRow, Unit
from tollkeeper.providers.observation import observe
from tollkeeper.providers.own import book_of, load_own
from tollkeeper.providers.pricebook import PriceBook, book
from tollkeeper.providers.registry import PROVIDERS, provider_key

__all__ = [
    "PROVIDERS",
    "CallFacts",
    "Conditions",
    "Line",
    "Observed",
    "PriceBook",
    "PriceRow",
    "Priced",
    "Unit",
    "book",
    "book_of",
    "extract",
    "facts_of",
    "load_own",
    "observe",
    "provider_key",
]
