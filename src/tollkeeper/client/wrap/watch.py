"""A provider call that is watched, from before it's sent to its end. Whatever goes wrong here, the call goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tollkeeper import clock
from tollkeeper.client import scope
from tollkeeper.client.recovery import event_of
from tollkeeper.client.wrap.reading import Reading
from tollkeeper.ids import new_id

if TYPE_CHECKING:
    from tollkeeper.client.scope import Payer
    from tollkeeper.client.wrap import Watching

_log = logging.getLogger("tollkeeper")

P = ParamSpec("P")
R = TypeVar("R")

_DEFECT = "[tollkeeper] A provider call couldn't be recorded; the call itself isn't touched."
_BETWEEN_NOTES = timedelta(seconds=1)
_NOT_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "LocalProtocolError"})
"""What the HTTP client raises where nothing got to the provider."""


def unharmed(method: Callable[P, R]) -> Callable[P, R | None]:
    """A defect in the recording must never become the caller's: it's logged instead."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return method(*args, **kwargs)
        except Exception:
            _log.exception(_DEFECT)
            return None

    return call


class Watch:
    """One call. `reading` knows what the provider's objects mean; the operation or the spool takes what comes out."""

    def __init__(self, toll: Watching, payer: Payer, reading: Reading, named: Mapping[str, Any]) -> None:
        self.toll = toll
        self.reading = reading
        self.row = 0
        self.over = False
        self.attached = False
        """Whether a stream reports to it, so that nobody else needs to."""
        self.iterating = False
        """Whether the stream's own code runs now, which closes the response when it's through."""
        self.moved = clock.now()
        """When something was last heard of it."""
        self._named = dict(named)
        self._at = self.moved
        self._noted = self.moved
        self._operation = scope.operation_of(toll)
        self._payer = scope.payer_of(toll).within(payer)
        self._event: dict[str, Any] | None = None

    def __hash__(self) -> int:
        return id(self)

    @property
    def operation_over(self) -> bool:
        """Whether the operation that it's part of waits for nothing but it."""
        return self._operation is not None and not self._operation.open

    @unharmed
    def begin(self) -> None:
        """It's about to be sent."""
        self.toll.watched.add(self)
        if self._operation is not None:
            self.row = self._operation.began(self, self._call())

    def belongs_to(self, project: str | None) -> None:
        """The provider's answer says whose project it's billed to."""
        if project is not None and self._named.get("project") is None:
            self._named["project"] = project

    @unharmed
    def whole(self, answer: Any) -> None:
        """The provider has answered at once."""
        if not self.over:
            self.reading.whole(answer)
            self._billed()

    def chunk(self, item: Any) -> bool:
        """A part of a stream; whether the caller is to see it."""
        if self.over:
            return True
        try:
            return self._chunk(item)
        except Exception:
            _log.exception(_DEFECT)
            return True

    def _chunk(self, item: Any) -> bool:
        reading = self.reading
        reading.chunk(item)
        self.moved = clock.now()
        if not reading.heard or self.moved - self._noted >= _BETWEEN_NOTES:
            reading.heard, self._noted = True, self.moved
            self._progress()
        return not reading.unasked(item)

    @unharmed
    def ended(self) -> None:
        """The stream came to its end."""
        if not self.over:
            self._billed()

    @unharmed
    def abandoned(self) -> None:
        """Nobody reads on. The provider bills it: what isn't known is estimated."""
        if not self.over:
            self._billed()

    def dropped(self) -> None:
        """Nobody has the stream any more, as a finalizer tells: another thread, or the operation's end, takes it up."""
        if not self.over:
            self.toll.courier.drop(self)

    @unharmed
    def failed(self, error: BaseException) -> None:
        """It raised: not billed, or nobody knows; or it had been answered before."""
        if self.over:
            return
        if self.reading.heard:
            self._billed()
            return
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and status < 400:  # an answer that the package couldn't make sense of
            self.reading.whole(getattr(error, "body", None))
            self._billed()
        elif (isinstance(status, int) and status < 500) or _never_sent(error):
            self._unbilled()
        else:
            self._doubt()

    # What comes of it

    def _call(self) -> dict[str, Any]:
        found = self.reading
        named = {name: value for name, value in self._named.items() if value is not None}
        told = {
            "model": found.model or "unknown",
            "response_id": found.response_id,
            "usage": found.usage,
            "service_tier": found.service_tier,
            "at": self._at.isoformat(),
        }
        return named | {name: value for name, value in told.items() if value is not None}

    def _estimated(self) -> dict[str, Any]:
        if self.reading.complete:
            return self._call()
        return self._call() | {"usage": self.reading.estimate(), "estimated": True}

    def _progress(self) -> None:
        if self._operation is not None:
            self._operation.stands(self, "streaming", self._estimated())
        elif (event := self._own_event()) is not None:
            spool, call = self.toll.spool, self._estimated()
            if self.row:
                spool.change_call(self.row, "streaming", call)
            else:
                self.row = spool.note_call(self.toll.target, "streaming", call, event=event)

    def _billed(self) -> None:
        self.over = True
        self.toll.watched.discard(self)
        call = self._estimated()
        if self._operation is not None:
            self._operation.stands(self, "billed", call)
        elif (event := self._own_event()) is not None:
            spool = self.toll.spool
            with spool.together():
                if self.row:
                    spool.write("drop_call", row=self.row)
                spool.put(self.toll.target, *event_of(event, call))
            self.toll.courier.wake()
        else:
            self.toll.nobodys(call)

    def _unbilled(self) -> None:
        self._end()
        if self._operation is not None:
            self._operation.unbilled(self)

    def _doubt(self) -> None:
        self._end()
        if self._operation is not None:
            self._operation.stands(self, "doubt", self._call())
        told = "[tollkeeper] Whether a call to %s (%s) was billed isn't known: reconciliation will tell."
        _log.warning(told, self._named["provider"], self.reading.model)

    def _end(self) -> None:
        self.over = True
        self.toll.watched.discard(self)
        if self.row and self._operation is None:
            self.toll.spool.write("drop_call", row=self.row)

    def _own_event(self) -> dict[str, Any] | None:
        """The event that it is where there's no operation; None if nobody is named for it."""
        payer = self._payer
        if payer.customer is None or payer.meter is None:
            return None
        if self._event is None:
            response_id = self.reading.response_id
            self._event = {
                "id": f"{self._named['provider']}:{response_id}"[:200] if response_id else str(new_id()),
                "customer": payer.customer,
                "meter": payer.meter,
                "quantity": 1,
                "member": payer.member,
                "dimensions": dict(payer.dimensions) or None,
                "time": self._at.isoformat(),
            }
        return self._event


def _never_sent(error: BaseException) -> bool:
    if isinstance(error, TypeError):  # wrong arguments
        return True
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"OpenAIError", "AnthropicError"} and "APIError" not in kinds:  # no credentials, say
        return True
    return type(error.__cause__).__name__ in _NOT_SENT
