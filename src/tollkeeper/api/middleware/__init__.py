"""What surrounds every request. Plain ASGI: each layer costs a function call, not a task."""

from tollkeeper.api.middleware.body_limit import BodyLimit
from tollkeeper.api.middleware.observed import Observed
from tollkeeper.api.middleware.urls import Urls

__all__ = ["BodyLimit", "Observed", "Urls"]
