"""What is lent to a client: values that only exist to be looked at.

A struct, the dict made of one, a walk over either, an array of records, and the handful of names a classic client looks
up when it connects. Each says which methods it has; there is no attribute of a real object to reach behind them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from operator import length_hint
from typing import Any

from mt5_bridge.compat.arrays import records_for_client

_COMPARISONS = frozenset({"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"})


class Lent(ABC):
    """`kind` is the class name the client is told; `weight` about how many bytes it keeps in use."""

    kind: str
    weight = 2_000
    methods: Mapping[str, Callable[..., Any]]

    def attribute(self, name: str) -> Any:
        """Raises `AttributeError`."""
        if name in self.methods:
            return Function(self.methods[name])
        raise AttributeError(f"{self.kind} has no attribute {name!r}")

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Raises `AttributeError`, and what the method raises."""
        return self.methods[name](*arguments, **options) if name in self.methods else self._no_method(name)

    def names(self) -> tuple[str, ...]:
        return tuple(self.methods)

    def received(self) -> None:  # noqa: B027  most things need not know
        """The client has it: it asked what it is."""

    @abstractmethod
    def plain(self) -> Any:
        """As a value to compare and to hash."""

    def compare(self, other: Any, operator: str) -> Any:
        if operator not in _COMPARISONS:
            raise AttributeError(f"{operator!r} is no comparison")
        own, others = self.plain(), other.plain() if isinstance(other, Lent) else other
        return getattr(own, operator)(others)

    def __repr__(self) -> str:
        return f"<{self.kind}>"

    def _no_method(self, name: str) -> Any:
        raise AttributeError(f"{self.kind} has no method {name!r}")


class Function(Lent):
    """Something to be called."""

    kind = "builtins.method"
    methods: Mapping[str, Callable[..., Any]] = {}

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def plain(self) -> int:
        return id(self)


class Root(Lent):
    """What a client meets first. `names` of functions are looked up one by one; a value stands for itself."""

    kind = "tradeloom.Scripts"
    methods: Mapping[str, Callable[..., Any]] = {}

    def __init__(self, offered: Mapping[str, Any]) -> None:
        self._offered = offered

    def attribute(self, name: str) -> Any:
        if name not in self._offered:
            raise AttributeError(f"this bridge offers no {name!r}")
        return self._offered[name]

    def plain(self) -> int:
        return id(self)


class Struct(Lent):
    """One of the package's structs: a tuple with named fields. `on_received` is called once the client has it."""

    def __init__(
        self,
        name: str,
        fields: Sequence[str],
        values: Sequence[Any],
        on_received: Callable[[], None] | None = None,
    ) -> None:
        self.kind = f"builtins.{name}"
        self.name = name
        self.fields = tuple(fields)
        self.values = tuple(values)
        self.weight = 500 + 40 * len(self.values)
        self._on_received = on_received

    @property
    def methods(self) -> Mapping[str, Callable[..., Any]]:  # type: ignore[override]
        """Made when asked for: there may be many structs."""
        return {
            "__len__": self.values.__len__,
            "__getitem__": self.values.__getitem__,
            "__contains__": self.values.__contains__,
            "__iter__": lambda: Walk(self.values),
            "count": self.values.count,
            "index": self.values.index,
            "_asdict": lambda: Dict(self.as_dict()),
        }

    def __getitem__(self, field: str) -> Any:
        return self.values[self.fields.index(field)]

    def as_dict(self) -> dict[str, Any]:
        return dict(zip(self.fields, self.values, strict=True))

    def replaced(self, **changes: Any) -> "Struct":
        return Struct(self.name, self.fields, [changes.get(f, v) for f, v in self.as_dict().items()])

    def attribute(self, name: str) -> Any:
        return self[name] if name in self.fields else super().attribute(name)

    def names(self) -> tuple[str, ...]:
        return (*self.fields, *self.methods)

    def received(self) -> None:
        if self._on_received is not None:
            self._on_received()

    def plain(self) -> tuple[Any, ...]:
        return tuple(value.plain() if isinstance(value, Lent) else value for value in self.values)

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={value!r}" for field, value in self.as_dict().items())
        return f"{self.name}({shown})"


class Dict(Lent):
    """What `_asdict` makes of a struct. Its keys, values and items are plain tuples."""

    kind = "builtins.dict"

    def __init__(self, content: dict[str, Any]) -> None:
        self._content = content
        self.methods = {
            "__len__": content.__len__,
            "__getitem__": content.__getitem__,
            "__contains__": content.__contains__,
            "__iter__": lambda: Walk(tuple(content)),
            "keys": lambda: tuple(content),
            "values": lambda: tuple(content.values()),
            "items": lambda: tuple(content.items()),
            "get": content.get,
            "copy": lambda: Dict(dict(content)),
        }

    def plain(self) -> tuple[Any, ...]:
        return tuple((key, value.plain() if isinstance(value, Lent) else value) for key, value in self._content.items())

    def __repr__(self) -> str:
        return repr(self._content)


class Walk(Lent):
    """An iterator."""

    kind = "builtins.tuple_iterator"

    def __init__(self, values: tuple[Any, ...]) -> None:
        self._values = iter(values)
        self.methods = {
            "__iter__": lambda: self,
            "__next__": self._values.__next__,
            "__length_hint__": lambda: length_hint(self._values),
        }

    def plain(self) -> int:
        return id(self)


class Records(Lent):
    """An array of rates or ticks, to be taken whole."""

    kind = "numpy.ndarray"

    def __init__(self, data: bytes, fields: Sequence[tuple[str, str]], count: int) -> None:
        self._data, self._fields = data, tuple(fields)
        self.weight = len(data) + Lent.weight
        self.methods = {"__len__": lambda: count}

    def pickled(self) -> bytes:
        return records_for_client(self._data, self._fields)

    def plain(self) -> int:
        return id(self)
