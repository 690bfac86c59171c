"""What the lines that are logged are about: a request, an execution, an order. Tasks inherit it from who starts them,
so that a request's id stands in the lines of the execution it started."""

from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

_about: Final[ContextVar[Mapping[str, str]]] = ContextVar("about", default=MappingProxyType({}))


class about:  # noqa: N801  used like a function
    """What the lines logged inside are about; values left out stay as they are outside."""

    __slots__ = ("_token", "_values")

    def __init__(self, **values: str | None) -> None:
        self._values = {name: value for name, value in values.items() if value}

    def __enter__(self) -> None:
        self._token = _about.set({**_about.get(), **self._values})

    def __exit__(self, *_what: object) -> None:
        _about.reset(self._token)


def now_about(**values: str) -> None:
    """What the rest of this task is about, besides."""
    _about.set({**_about.get(), **values})


def current() -> Mapping[str, str]:
    return _about.get()
