"""Static types, and what may stand where.

Every type describes JSON values but `TIMESTAMP` and `DURATION`, which exist inside an expression only and leave it as
texts. `DYN` is the unknown: anything may be done with it, and the evaluation decides.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Type:
    pass


@dataclass(frozen=True, slots=True)
class Primitive(Type):
    name: str

    def __str__(self) -> str:
        return self.name


NUMBER = Primitive("number")
BOOL = Primitive("bool")
NULL = Primitive("null")
TIMESTAMP = Primitive("timestamp")
DURATION = Primitive("duration")
DYN = Primitive("anything")


@dataclass(frozen=True, slots=True)
class StringType(Type):
    """Text. `values` are the only ones it can take, sorted, or empty when any text is possible."""

    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.values:
            return "string"
        shown = [f'"{value}"' for value in self.values[:6]]
        return "string (" + ", ".join(shown) + (", …)" if len(self.values) > 6 else ")")


STRING = StringType()


@dataclass(frozen=True, slots=True)
class ListType(Type):
    element: Type

    def __str__(self) -> str:
        return "list"


@dataclass(frozen=True, slots=True)
class MapType(Type):
    """String keys that are not known beforehand, to values of one type."""

    value: Type

    def __str__(self) -> str:
        return "map"


@dataclass(frozen=True, slots=True)
class ObjectType(Type):
    """Known fields. Those in `optional` may be missing; `extra` is the type of any other field, if there are."""

    fields: Mapping[str, Type]
    optional: frozenset[str] = field(default=frozenset())
    extra: Type | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "optional", frozenset(self.optional))

    def __hash__(self) -> int:
        return hash((frozenset(self.fields), self.optional))

    def __str__(self) -> str:
        return "object"


@dataclass(frozen=True, slots=True)
class UnionType(Type):
    """One of several; `union` makes the smallest one. Unions among the members dissolve. No members: no values."""

    members: tuple[Type, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", tuple(_flat(self.members)))

    def __str__(self) -> str:
        names = list(dict.fromkeys(str(member) for member in self.members))
        return " or ".join(names) or "nothing"


def members_of(type_: Type) -> tuple[Type, ...]:
    return type_.members if isinstance(type_, UnionType) else (type_,)


def union(types: Iterable[Type]) -> Type:
    """The smallest type that holds them all. `DYN` swallows the others; closed sets of strings are joined."""
    distinct: list[Type] = []
    texts: list[StringType] = []
    for member in _flat(types):
        if member == DYN:
            return DYN
        if isinstance(member, StringType):
            texts.append(member)
        elif not any(member is other or member == other for other in distinct):
            distinct.append(member)
    if texts:
        any_text = any(not text.values for text in texts)
        values = () if any_text else tuple(sorted({value for text in texts for value in text.values}))
        distinct.append(StringType(values))
    return distinct[0] if len(distinct) == 1 else UnionType(tuple(distinct))


def _flat(types: Iterable[Type]) -> Iterator[Type]:
    for type_ in types:
        yield from members_of(type_)


NEVER = UnionType(())
"""The type without values: what an empty list holds."""


def without_null(type_: Type) -> Type:
    return union(member for member in members_of(type_) if member != NULL)


def field_of(type_: Type, name: str) -> Type | None:
    """The type of a field, or None where it cannot be taken. A union gives it only if every member does."""
    match type_:
        case UnionType(members=members):
            found = [field_of(member, name) for member in members]
            known = [part for part in found if part is not None]
            return union(known) if len(known) == len(found) else None
        case ObjectType(fields=fields, extra=extra):
            return fields.get(name, extra)
        case MapType(value=value):
            return value
        case _:
            return DYN if type_ == DYN else None


def weight(type_: Type, limit: int) -> int:
    """How many parts the type has, counting until the limit: shared parts count each time they are reached."""
    total, pending = 0, [type_]
    while pending and total <= limit:
        total += 1
        match pending.pop():
            case ListType(element=part) | MapType(value=part):
                pending.append(part)
            case UnionType(members=parts):
                pending.extend(parts)
            case ObjectType(fields=fields, extra=extra):
                pending.extend(fields.values())
                pending.extend([extra] if extra else [])
    return total


def accepts(target: Type, source: Type, *, leaving: bool = False) -> bool:
    """Whether every value of `source` may stand where `target` is asked for; either being `DYN` is a yes.

    `leaving` is the border of an expression, where timestamps and durations turn into texts.
    """
    if DYN in (target, source) or target is source:
        return True
    match source, target:
        case UnionType(members=members), _:
            return all(accepts(target, member, leaving=leaving) for member in members)
        case _, UnionType(members=members):
            return any(accepts(member, source, leaving=leaving) for member in members)
        case StringType(values=given), StringType(values=wanted):
            # An unrestricted text may turn out to be one of those wanted: only its value can tell.
            return not (given and wanted) or set(given) <= set(wanted)
        case Primitive(), StringType():
            return leaving and source in (TIMESTAMP, DURATION)
        case ListType(element=given), ListType(element=wanted):
            return accepts(wanted, given, leaving=leaving)
        case ((MapType() | ObjectType()), (MapType() | ObjectType())):
            return _accepts_fields(target, source, leaving)
        case _:
            return source == target


def _accepts_fields(target: Type, source: Type, leaving: bool) -> bool:
    match source, target:
        case MapType(value=given), MapType(value=wanted):
            return accepts(wanted, given, leaving=leaving)
        case ObjectType(fields=fields, extra=extra), MapType(value=wanted):
            parts = [*fields.values(), *([extra] if extra else [])]
            return all(accepts(wanted, part, leaving=leaving) for part in parts)
        case MapType(value=given), ObjectType(fields=fields, optional=optional):
            return not set(fields) - optional and all(accepts(f, given, leaving=leaving) for f in fields.values())
        case ObjectType(fields=given_fields, extra=extra), ObjectType(fields=fields, optional=optional):
            missing = (set(fields) - optional) - (set(given_fields) - source.optional)
            pairs = [(field, given_fields.get(name, extra)) for name, field in fields.items()]
            return not missing and all(part is None or accepts(f, part, leaving=leaving) for f, part in pairs)
    return False


def assignable(source: Type, target: Type) -> bool:
    """Whether an expression's result of type `source` fits a place of type `target`.

    Texts fit a closed set of texts unless they are known to be outside it, and numbers fit numbers whatever the bounds:
    those are for the value to show. Timestamps and durations fit texts, which they become.
    """
    return accepts(target, source, leaving=True)
