"""link: the operator's own checkout takes the money, and its backend tells when it has come."""

from __future__ import annotations

import re
from urllib.parse import quote

from tollkeeper.errors import InvalidInput
from tollkeeper.payments.model import TopUp
from tollkeeper.payments.processors.model import Checkout
from tollkeeper.settings import Settings

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class LinkToCheckout:
    """Sends customers to `checkout_url`, in which `{id}` and `{customer}` stand for the top-up and the customer."""

    name = "link"

    def __init__(self, settings: Settings) -> None:
        url = settings.checkout_url
        if url is None:
            raise InvalidInput("invalid_settings", "With payments `link`, TOLLKEEPER_CHECKOUT_URL must be set.")
        unknown = [one for one in _PLACEHOLDER.findall(url) if one not in ("id", "customer")]
        if unknown or "{id}" not in url or not url.startswith(("https://", "http://")):
            told = "must be a whole link with `{id}`, such as https://app.example/pay?top_up={id}&customer={customer}"
            raise InvalidInput("invalid_settings", f"TOLLKEEPER_CHECKOUT_URL {told}.")
        self._url = url

    async def begin(self, top_up: TopUp) -> Checkout:
        """The link. What it says isn't to be trusted there: the checkout asks for the top-up with an API key."""
        url = self._url.replace("{id}", str(top_up.top_up_id))
        return Checkout(url.replace("{customer}", quote(top_up.customer, safe="")))
