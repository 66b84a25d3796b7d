"""What the next answers are to be: steps that a test sets, taken in order by the calls that they fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tollkeeper.errors import InvalidInput

HEADER = "x-simulator"
"""A request's own step, as JSON; it goes before the script."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one call is answered; what isn't said is as always."""

    path: str | None = None
    """Only calls whose path begins so. Without it: any call for inference, never a report."""
    model: str | None = None
    """Only calls that ask for this model."""
    times: int = 1
    """So many calls."""
    status: int = 200
    """400 and above: an error with the provider's own body."""
    error: Mapping[str, Any] | None = None
    """In the error's body: type, message, code, param. In a stream that is broken off: the event that ends it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers of the answer, such as retry-after."""
    delay_ms: int = 0
    """Waited before the answer, on top of the setting."""
    chunk_delay_ms: int = 0
    """Waited between the pieces of a stream."""
    abort_after_chunks: int | None = None
    """The connection breaks after so many pieces of the stream; 0 breaks it after the headers, streamed or not."""
    until_released: bool = False
    """The answer waits until the test says so: all that a test does at once is then under way at once."""
    timeout: bool = False
    """No answer comes until the client gives up."""
    billed: bool | None = None
    """Unsaid: answers are billed, cut off and timed out ones too; errors aren't."""
    usage: Mapping[str, Any] | None = None
    """The usage object, as it goes over the wire and onto the bill."""
    tells_usage: bool = True
    """Whether OpenAI's chats and responses say their usage; what they don't say is billed all the same."""
    content: str | None = None
    """The reply's text."""
    response_id: str | None = None
    response_model: str | None = None
    """The model that the answer names."""
    service_tier: str | None = None

    @property
    def charged(self) -> bool:
        """Whether the call is billed."""
        return self.status < 400 if self.billed is None else self.billed

    def fits(self, path: str, model: str, *, inference: bool) -> bool:
        """Whether the step is for this call."""
        right_path = inference if self.path is None else path.startswith(self.path)
        return right_path and self.model in (None, model)


PLAIN = Step()
_FIELDS = {each.name: str(each.type) for each in fields(Step)}


def step_of(given: Any) -> Step:
    """A step from JSON. Raises InvalidInput `invalid_step` for a field that there isn't."""
    if not isinstance(given, Mapping):
        raise InvalidInput("invalid_step", "A step is an object.")
    if unknown := sorted(set(given) - set(_FIELDS)):
        told = f"A step has no {', '.join(unknown)}; it has {', '.join(_FIELDS)}."
        raise InvalidInput("invalid_step", told, field=unknown[0])
    for name, value in given.items():
        if value is not None and not isinstance(value, _TYPES[_FIELDS[name].removesuffix(" | None")]):
            raise InvalidInput("invalid_step", f"{name} must be {_FIELDS[name]}.", field=name)
    return Step(**given)


_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool, "Mapping[str, Any]": dict, "Mapping[str, str]": dict}


class Script:
    """The steps that are yet to come."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, steps: list[Step]) -> None:
        """Put steps behind those that wait."""
        self.steps += steps

    def take(self, path: str, model: str, *, inference: bool = True) -> Step | None:
        """The first step that fits the call; it is used up, or one of its times."""
        for i, step in enumerate(self.steps):
            if step.fits(path, model, inference=inference):
                self.steps[i : i + 1] = [replace(step, times=step.times - 1)] if step.times > 1 else []
                return step
        return None
