"""utility.merge: the outputs of several branches as one value."""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from tradeloom.errors import AmbiguousInput, MissingInput, NodeConfigError
from tradeloom.nodes.base import Example, Node, NodeConfig, NodeContext, NodeOutput, Source, Tier, setting
from tradeloom.nodes.values import shown

MAX_ROWS = 10_000

Row = Mapping[str, Any]


class MergeConfig(NodeConfig):
    mode: Literal["object", "list", "by_key"] = setting(
        "object",
        title="Mode",
        help="object: one field a source, named by its id. list: one entry a source. by_key: lists of objects joined.",
        widget="select",
    )
    key: str | None = setting(
        None,
        title="Key",
        help="The field whose value says which objects belong together.",
        widget="text",
        show_if={"mode": ["by_key"]},
        examples=["symbol"],
        min_length=1,
        max_length=100,
    )
    keep: Literal["inner", "outer"] = setting(
        "inner",
        title="Keep",
        help="inner: only what every list has. outer: all, with fields missing where a list had no match.",
        widget="select",
        show_if={"mode": ["by_key"]},
    )
    list_field: str | None = setting(
        None,
        title="List field",
        help="The field of each output that holds its list. Left unset, the only field that holds one.",
        widget="text",
        show_if={"mode": ["by_key"]},
        examples=["positions"],
        min_length=1,
        max_length=100,
    )

    @model_validator(mode="after")
    def _key_where_needed(self) -> Self:
        if self.mode == "by_key" and self.key is None:
            raise ValueError("by_key needs the key field's name")
        return self


class MergeOutput(NodeOutput):
    merged: dict[str, Any] | list[Any] = Field(description="An object by source id, or a list; the mode says which.")
    count: int = Field(description="How many fields, entries or joined rows there are.")


class Merge(Node):
    type = "utility.merge"
    title = "Merge"
    description = "Brings the outputs of several branches together as an object, a list, or joined by a key."
    help = (
        "Only branches that were taken count; what to wait for is the node's *join*: any branch, all of them, or "
        "simply until every one has settled. Sources are taken in the order of their ids.\n\n"
        "- **object**: `merged.<id>` is that source's output.\n"
        "- **list**: the outputs one after another.\n"
        "- **by key**: each source gives a list of objects (a table's rows, say, or positions); objects with the same "
        "value in the key field become one. Where two have a field of the same name the later source's wins; where a "
        "key stands several times in both lists, every pair is made. *inner* keeps what all lists have, *outer* "
        "everything."
    )
    icon = "merge"
    tier = Tier.BASIC
    errors = (MissingInput, AmbiguousInput, NodeConfigError)
    example = Example(
        title="Two indicators side by side",
        config={"mode": "object"},
        inputs={
            "indicator.rsi": {"value": 28.4, "previous": 31.2, "signal": "oversold"},
            "indicator.ma": {"value": 1.0812, "previous": 1.0809, "trend": "up"},
        },
    )
    Config = MergeConfig
    Output = MergeOutput

    def run(self, config: MergeConfig, context: NodeContext) -> MergeOutput:
        if not context.sources:
            raise MissingInput("Nothing is connected, so there is nothing to merge.")
        live = sorted((source for source in context.sources if source.live), key=lambda each: (each.node, each.port))
        merged: dict[str, Any] | list[Any]
        match config.mode:
            case "object":
                merged = {source.node: source.output for source in live}
            case "list":
                merged = [source.output for source in live]
            case "by_key":
                merged = _joined(live, config)
        return MergeOutput(merged=merged, count=len(merged))


def _joined(live: list[Source], config: MergeConfig) -> list[Any]:
    key = config.key or ""
    tables = [_by_key(source, _rows(source, config.list_field), key) for source in live]
    if not tables:
        return []
    joined = tables[0]
    for table in tables[1:]:
        joined = _join(joined, table, outer=config.keep == "outer")
    return [row for rows in joined.values() for row in rows]


def _join(left: dict[Any, list[Row]], right: dict[Any, list[Row]], *, outer: bool) -> dict[Any, list[Row]]:
    """Rows by key, in the order of `left`, then what only `right` has."""
    joined: dict[Any, list[Row]] = {}
    total = 0
    for key, rows in left.items():
        if key not in right and not outer:
            continue
        matches = right.get(key, [{}])
        total += len(rows) * len(matches)
        _check_size(total)
        joined[key] = [{**row, **match} for row in rows for match in matches]
    if outer:
        joined |= {key: rows for key, rows in right.items() if key not in left}
        _check_size(sum(map(len, joined.values())))
    return joined


def _check_size(rows: int) -> None:
    if rows > MAX_ROWS:
        raise NodeConfigError(f"The merge makes more than {MAX_ROWS:,} rows.", hint="Filter the lists before.")


def _rows(source: Source, list_field: str | None) -> list[Any]:
    output = source.output
    if isinstance(output, list):
        return output
    fields = output if isinstance(output, Mapping) else {}
    if list_field is not None:
        if not isinstance(fields.get(list_field), list):
            raise MissingInput(f"{source.node!r} gives no list {list_field!r}.", field="config.list_field")
        return list(fields[list_field])
    lists = [name for name, value in fields.items() if isinstance(value, list)]
    if not lists:
        raise MissingInput(f"{source.node!r} gives no list to merge.")
    if len(lists) > 1:
        message = f"{source.node!r} gives several lists: {', '.join(sorted(lists))}."
        raise AmbiguousInput(message, field="config.list_field", hint="Name one in List field.")
    return list(fields[lists[0]])


def _by_key(source: Source, rows: list[Any], key: str) -> dict[Any, list[Row]]:
    _check_size(len(rows))
    found: dict[Any, list[Row]] = {}
    for position, row in enumerate(rows):
        if not isinstance(row, Mapping) or row.get(key) is None:
            raise MissingInput(f"Entry {position} of {source.node!r} has no {key!r}.", field="config.key")
        value = row[key]
        if isinstance(value, dict | list):
            message = f"{key!r} of entry {position} of {source.node!r} is {shown(value)}; a key is a plain value."
            raise NodeConfigError(message, field="config.key")
        # In Python True == 1; in a table they are different keys.
        found.setdefault((isinstance(value, bool), value), []).append(row)
    return found
