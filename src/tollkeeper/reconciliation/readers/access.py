"""Whose reports can be read: providers that an admin key is set for."""

from __future__ import annotations

from tollkeeper.reconciliation.readers.model import Access
from tollkeeper.settings import Settings


def access_of(settings: Settings) -> dict[str, Access]:
    """The way to the reports of each provider that has an admin key, by the provider's key."""
    known = {
        "openai": (settings.openai_admin_key, settings.openai_url),
        "anthropic": (settings.anthropic_admin_key, settings.anthropic_url),
    }
    return {provider: Access(key, url) for provider, (key, url) in known.items() if key and key.get_secret_value()}
