"""Others' price books, compared with ours: what is new, what has changed, what they no longer have."""

from tollkeeper.providers.importing.compare import PriceChange, PriceDifference, compare_books
from tollkeeper.providers.importing.genai import genai_book, installed_genai
from tollkeeper.providers.importing.litellm import litellm_book
from tollkeeper.providers.importing.offers import Offer, OtherBook
from tollkeeper.providers.importing.text import changes_as_toml

__all__ = [
    "Offer",
    "OtherBook",
    "PriceChange",
    "PriceDifference",
    "changes_as_toml",
    "compare_books",
    "genai_book",
    "installed_genai",
    "litellm_book",
]
