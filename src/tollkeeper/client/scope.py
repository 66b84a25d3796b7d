"""Whose a provider call is: the innermost operation or context around it, in this thread or task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tollkeeper.client.operation import Operation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Payer:
    """Who a call without an operation is charged to, and as what. What is None is left to an outer one."""

    customer: str | None = None
    meter: str | None = None
    member: str | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def within(self, outer: Payer) -> Payer:
        """This one, with what it leaves open taken from the outer."""
        return Payer(
            self.customer or outer.customer,
            self.meter or outer.meter,
            self.member or outer.member,
            {**outer.dimensions, **self.dimensions},
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """An operation or a context that surrounds the code, and the one around that."""

    toll: object
    """The client that it belongs to."""
    inside: Operation | Payer
    outer: Scope | None


_current: ContextVar[Scope | None] = ContextVar("tollkeeper", default=None)


def enter(toll: object, inside: Operation | Payer) -> Token[Scope | None]:
    """Surround what follows in this thread or task, until `leave`."""
    return _current.set(Scope(toll, inside, _current.get()))


def leave(token: Token[Scope | None]) -> None:
    """Undo `enter`. Where a generator is closed in another context than it ran in, there's nothing to undo."""
    with suppress(ValueError):
        _current.reset(token)


def operation_of(toll: object) -> Operation | None:
    """The innermost operation of this client that hasn't ended."""
    scope = _current.get()
    while scope is not None:
        if scope.toll is toll and not isinstance(scope.inside, Payer) and scope.inside.open:
            return scope.inside
        scope = scope.outer
    return None


def payer_of(toll: object) -> Payer:
    """What the contexts of this client say, the innermost first."""
    found, scope = Payer(), _current.get()
    while scope is not None:
        if scope.toll is toll and isinstance(scope.inside, Payer):
            found = found.within(scope.inside)
        scope = scope.outer
    return found


def bound(function: Callable[..., T]) -> Callable[..., T]:
    """The function, to be called in another thread as if it were called here."""
    here = _current.get()

    def call(*args: Any, **kwargs: Any) -> T:
        token = _current.set(here)
        try:
            return function(*args, **kwargs)
        finally:
            _current.reset(token)

    return call
