"""`toll.wrap(client)`: an AI provider's own client, metered. Imports no provider's package: the client brings it along.

The metered client is of a subclass of the given client's class. It overrides `request`, through which all resources go,
and hands the packages a parser of our own, which sees every answer and stream on its way to the caller.
"""

from __future__ import annotations

import copy
import inspect
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from tollkeeper import clock
from tollkeeper.client.courier import Courier
from tollkeeper.client.scope import Payer
from tollkeeper.client.spool import Spool
from tollkeeper.client.wrap import anthropic, openai
from tollkeeper.client.wrap.reading import Reading
from tollkeeper.client.wrap.streams import attach, observe_body
from tollkeeper.client.wrap.watch import Watch, unharmed
from tollkeeper.errors import InvalidInput

_log = logging.getLogger("tollkeeper")

T = TypeVar("T")

_MARK = "_tollkeeper"
_PROJECTS = ("openai-project", "anthropic-workspace-id")
"""Headers of answers: the project or workspace whose bill they are on."""
_IDLE = timedelta(seconds=30)
"""After so long without a word, a stream whose operation has ended counts as abandoned."""


class Watching:
    """The calls that a client watches, and those that nobody was named for."""

    spool: Spool
    target: str
    courier: Courier

    def __init__(self) -> None:
        self.watched: set[Watch] = set()
        self.wraps = False
        """Whether it has wrapped a provider's client, and so sees calls."""
        self.unassigned = 0
        """How many calls were made without an operation, and without a customer and a meter."""
        self._warned = threading.Event()
        self._callless: set[str] = set()

    def saw_no_call(self, operation: str, meter: str) -> None:
        """An operation ends without a provider call; say so once for each meter."""
        if meter not in self._callless:
            self._callless.add(meter)
            told = (
                "[tollkeeper] Operation %s (%s) ends, and no provider call was seen in it. If it made some, wrap() the "
                "client that makes them, and bind() what runs in other threads. This is said once for a meter."
            )
            _log.warning(told, operation, meter)

    def nobodys(self, call: Mapping[str, Any]) -> None:
        """Count a call that nobody was named for; say so once."""
        self.unassigned += 1
        self.spool.write(
            "count_unassigned", target=self.target, provider=call["provider"], model=call.get("model", "?")
        )
        if not self._warned.is_set():
            self._warned.set()
            told = (
                "[tollkeeper] A call to %s (%s) is charged to nobody: it was made outside of an operation, and neither "
                "wrap() nor context() names customer and meter. Such calls are counted (`tollkeeper spool list`), and "
                "reconciliation shows what they cost. This is said once."
            )
            _log.warning(told, call["provider"], call.get("model"))

    def end_abandoned(self) -> None:
        """End streams that nobody reads on, so that the operations that wait for them can be settled."""
        now = clock.now()
        for watch in list(self.watched):
            if watch.operation_over and watch.attached and now - watch.moved >= _IDLE:
                watch.abandoned()

    def end_all(self) -> None:
        """End every stream that is still open: the process ends."""
        self.courier.end_dropped()
        for watch in list(self.watched):
            if watch.attached:
                watch.abandoned()


@dataclass(frozen=True, slots=True)
class Metering:
    """How the calls of one wrapped client are watched."""

    toll: Watching
    payer: Payer
    reading_of: Callable[[str], type[Reading] | None]
    provider: str | None
    project: str | None
    api_key: str | None
    include_usage: bool

    def watch(self, client: Any, options: Any, stream: bool) -> tuple[Watch, Any] | None:
        """The watch of a call that is about to be made, and the options for it; None where nothing is billed."""
        if options.method.lower() != "post" or (kind := self.reading_of(options.url)) is None:
            return None
        named = {
            "provider": self.provider or _provider_of(client),
            "project": self.project or getattr(client, "project", None),
            "api_key": self.api_key,
        }
        body, added = options.json_data, False
        if self.reading_of is openai.reading_of:
            body, added = openai.prepared(
                options.url, body, named["provider"], stream=stream, include_usage=self.include_usage
            )
        watch = Watch(self.toll, self.payer, kind(body, unasked_usage=added), named)
        options = copy.copy(options)
        options.json_data = body
        options.post_parser = _Parser(watch, options.post_parser)
        watch.begin()
        return watch, options


def _provider_of(client: Any) -> str:
    if _package_of(client) == "anthropic":
        return "anthropic"
    return openai.provider_of(client, str(client.base_url))


class _Parser:
    """What the package calls with each answer: it's looked at, then parsed as the caller wants."""

    def __init__(self, watch: Watch, own: Any) -> None:
        self.watch = watch
        self._own = own

    def __call__(self, answer: Any) -> Any:
        _parsed(self.watch, answer)
        return self._own(answer) if callable(self._own) else answer


@unharmed
def _parsed(watch: Watch, answer: Any) -> None:
    if hasattr(answer, "__stream__"):
        attach(answer, watch)
    else:
        watch.whole(answer)


@unharmed
def _returned(watch: Watch, result: Any) -> None:
    """What the package gives to the caller, if it isn't parsed yet: raw responses, read or not."""
    if watch.over or watch.attached:
        return
    response = getattr(result, "http_response", None) or (result if hasattr(result, "iter_bytes") else None)
    if response is None:
        watch.whole(result)
    else:
        observe_body(response, watch)


def wrap(toll: Watching, client: T, payer: Payer, **given: Any) -> T:
    """The metered client. Raises InvalidInput `already_wrapped`, `unknown_client`."""
    reading_of = {"openai": openai.reading_of, "anthropic": anthropic.reading_of}.get(_package_of(client) or "")
    if reading_of is None or not hasattr(client, "request") or not hasattr(client, "_client"):
        told = f"wrap() takes a client of the package openai or anthropic, not {type(client).__name__}."
        raise InvalidInput("unknown_client", told, field="client")
    metering = Metering(toll, payer, reading_of, **given)
    if (present := getattr(client, _MARK, None)) is not None:
        if present == metering:
            return client
        told = "The client is wrapped already, and its calls would be counted twice. Wrap the provider's own client."
        raise InvalidInput("already_wrapped", told, field="client")
    return _metered(client, type(client), metering)


def _package_of(client: Any) -> str | None:
    names = [kind.__module__.partition(".")[0] for kind in type(client).__mro__]
    return next((name for name in names if name in ("openai", "anthropic")), None)


def _metered(client: Any, base: type[Any], metering: Metering) -> Any:
    """A copy of the client, of the metered subclass of its class; it shares everything but its resources."""
    made = object.__new__(_class_of(base))
    own = {name: value for name, value in vars(client).items() if not _is_cached(base, name)}
    vars(made).update(own, **{_MARK: metering})
    if hasattr(made, "_middleware_chain"):
        made._middleware_chain = made._build_middleware_chain()  # it refers to its client
    return made


def _plain(client: Any, base: type[Any]) -> Any:
    """The wrapped client as it would be without us, for the package's own code to copy."""
    made = object.__new__(base)
    vars(made).update({name: value for name, value in vars(client).items() if not _is_cached(base, name)})
    del vars(made)[_MARK]
    return made


def _is_cached(base: type[Any], name: str) -> bool:
    """Whether an attribute is a resource, which refers to its client."""
    return type(inspect.getattr_static(base, name, None)).__name__ == "cached_property"


_classes: dict[type[Any], type[Any]] = {}


def _class_of(base: type[Any]) -> type[Any]:
    if base not in _classes:
        own = _awaited(base) if inspect.iscoroutinefunction(base.request) else _blocking(base)
        shared = {"__module__": base.__module__, "__qualname__": base.__qualname__, "__doc__": base.__doc__}
        copies = {"copy": _copied(base), "with_options": _copied(base)}
        _classes[base] = type(base.__name__, (base,), shared | own | _processed(base) | copies)
    return _classes[base]


def _copied(base: type[Any]) -> Callable[..., Any]:
    def copied(self: Any, *args: Any, **kwargs: Any) -> Any:
        return _metered(base.copy(_plain(self, base), *args, **kwargs), base, getattr(self, _MARK))

    return copied


def _begun(client: Any, options: Any, kwargs: Mapping[str, Any]) -> tuple[Watch, Any] | None:
    return _watched(getattr(client, _MARK), client, options, bool(kwargs.get("stream")))


_watched = unharmed(Metering.watch)


def _processed(base: type[Any]) -> dict[str, Any]:
    """Where the package has the answer's headers in its hands, which say whose project it was."""

    def process(self: Any, **kwargs: Any) -> Any:
        _told_by(kwargs.get("options"), kwargs.get("response"))
        return base._process_response(self, **kwargs)

    return {"_process_response": process} if hasattr(base, "_process_response") else {}


@unharmed
def _told_by(options: Any, response: Any) -> None:
    if isinstance(parser := getattr(options, "post_parser", None), _Parser):
        parser.watch.belongs_to(next((found for name in _PROJECTS if (found := response.headers.get(name))), None))


def _blocking(base: type[Any]) -> dict[str, Any]:
    def request(self: Any, cast_to: Any, options: Any, **kwargs: Any) -> Any:
        if (begun := _begun(self, options, kwargs)) is None:
            return base.request(self, cast_to, options, **kwargs)
        watch, options = begun
        try:
            result = base.request(self, cast_to, options, **kwargs)
        except BaseException as error:
            watch.failed(error)
            raise
        _returned(watch, result)
        return result

    return {"request": request}


def _awaited(base: type[Any]) -> dict[str, Any]:
    async def request(self: Any, cast_to: Any, options: Any, **kwargs: Any) -> Any:
        if (begun := _begun(self, options, kwargs)) is None:
            return await base.request(self, cast_to, options, **kwargs)
        watch, options = begun
        try:
            result = await base.request(self, cast_to, options, **kwargs)
        except BaseException as error:
            watch.failed(error)
            raise
        _returned(watch, result)
        return result

    return {"request": request}
