"""What the SDK asks of the server, apart from doing it: one description serves the blocking and the async client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload
from urllib.parse import quote

from tollkeeper.client.account_results import Page
from tollkeeper.client.reading import read
from tollkeeper.client.transport import Answer, Params, Request, error_of

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """A request, and what its answer means. Every one may be repeated: the same id does nothing twice."""

    request: Request
    read: Callable[[Any], T]

    def result(self, answer: Answer) -> T:
        """What the answer means. Raises the TollError that it tells."""
        if answer.status >= 400:
            raise error_of(answer)
        return self.read(answer.body)


def ask(
    method: str, path: str, read: Callable[[Any], T], *, params: Params | None = None, content: bytes | None = None
) -> Ask[T]:
    """An Ask."""
    return Ask(Request(method, path, params, content), read)


def told_as(kind: type[T]) -> Callable[[Any], T]:
    """Reads an answer as that dataclass."""
    return partial(read, kind)


def segment(text: str) -> str:
    """The text as one part of a path, whatever it contains."""
    return quote(text, safe="")


def page_of(
    item: Callable[[Any], T],
    path: str,
    asked: Mapping[str, str | Sequence[str] | None],
    limit: int,
    cursor: str | None,
) -> Ask[Page[T]]:
    """A page of a list, each item read by the function."""
    params = {**asked, "limit": str(limit), "cursor": cursor}
    return ask(
        "GET",
        path,
        lambda body: Page(tuple(item(one) for one in body["data"]), body["next_cursor"]),
        params={name: value for name, value in params.items() if value is not None},
    )


class Blocking:
    """A client whose methods wait for the answer."""

    def perform(self, asked: Ask[T]) -> T:
        """Ask, and wait."""
        raise NotImplementedError


class Awaiting:
    """A client whose methods are awaited."""

    async def perform(self, asked: Ask[T]) -> T:
        """Ask."""
        raise NotImplementedError


class Method(Generic[P, T]):
    """A method that is written once, as what it asks, and called on both kinds of client."""

    def __init__(self, asks: Callable[Concatenate[Any, P], Ask[T]]) -> None:
        self._asks = asks
        update_wrapper(self, asks)  # type: ignore[arg-type]

    @overload
    def __get__(self, client: None, owner: type) -> Method[P, T]: ...
    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: Awaiting, owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.perform(self._asks(client, *args, **kwargs))

        return update_wrapper(call, self._asks)
