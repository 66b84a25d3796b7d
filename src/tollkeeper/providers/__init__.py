"""AI providers as data: what their usage objects mean, and what their units cost. Pure. See README.md."""

from tollkeeper.providers.extraction import extract
from tollkeeper.providers.facts import facts_of
from tollkeeper.providers.families import Sibling, siblings, smaller_ones
from tollkeeper.providers.importing import (
    OtherBook,
    PriceChange,
    PriceDifference,
    changes_as_toml,
    compare_books,
    genai_book,
    installed_genai,
    litellm_book,
)
from tollkeeper.providers.listing import conditions_in_words, row_document, rows_like
from tollkeeper.providers.model import CallFacts, Conditions, Line, Observed, Priced, PriceRow, Unit
from tollkeeper.providers.observation import observe
from tollkeeper.providers.own import book_of, load_own, own_rows
from tollkeeper.providers.pricebook import PriceBook, book
from tollkeeper.providers.registry import PROVIDERS, model_key, provider_key, undated

__all__ = [
    "PROVIDERS",
    "CallFacts",
    "Conditions",
    "Line",
    "Observed",
    "OtherBook",
    "PriceBook",
    "PriceChange",
    "PriceDifference",
    "PriceRow",
    "Priced",
    "Sibling",
    "Unit",
    "book",
    "book_of",
    "changes_as_toml",
    "compare_books",
    "conditions_in_words",
    "extract",
    "facts_of",
    "genai_book",
    "installed_genai",
    "litellm_book",
    "load_own",
    "model_key",
    "observe",
    "own_rows",
    "provider_key",
    "row_document",
    "rows_like",
    "siblings",
    "smaller_ones",
    "undated",
]
