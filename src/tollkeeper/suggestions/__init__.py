"""Advising: what would have cost less, each with its arithmetic."""

from tollkeeper.suggestions.case import Case
from tollkeeper.suggestions.model import Kind, Saving, Suggestion, Whom, Worth
from tollkeeper.suggestions.suggest import suggest

__all__ = ["Case", "Kind", "Saving", "Suggestion", "Whom", "Worth", "suggest"]
