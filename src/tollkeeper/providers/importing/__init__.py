"""Others' price books, compared with ours: what is new, what has changed, what they no longer have."""

from tollkeeper.providers.importing.compare import Change, ChangeKind, Difference, compare
from tollkeeper.providers.importing.genai import genai_book, installed_genai
from tollkeeper.providers.importing.litellm import litellm_book
from tollkeeper.providers.importing.offers import Offer, OtherBook, read_json
from tollkeeper.providers.importing.text import as_toml

__all__ = [
    "Change",
    "ChangeKind",
    "Difference",
    "Offer",
    "OtherBook",
    "as_toml",
    "compare",
    "genai_book",
    "installed_genai",
    "litellm_book",
    "read_json",
]
