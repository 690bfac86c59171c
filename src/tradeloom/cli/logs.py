"""`tradeloom logs`: the lines about one execution, request or order, from the machine, its bridge and the nodes."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from tradeloom.cli.database import Place, on_database
from tradeloom.cli.output import err, out, say_json
from tradeloom.errors import StorageUnavailable
from tradeloom.local.home import Home
from tradeloom.local.settings import load_settings
from tradeloom.local.storage import TENANT

_LINE: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) ([A-Z]+) (\S+) (.*)")
_PAIR: Final = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[A-Za-z0-9_.:-]+)')
_LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_COLOURS: Final = {"warning": "yellow", "error": "red", "critical": "bold red", "debug": "dim"}


@dataclass
class Line:
    """`about` holds ids by their names; `more` the lines of a traceback."""

    time: str
    level: str
    source: str
    logger: str
    message: str
    about: dict[str, str] = field(default_factory=dict)
    more: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("time", "level", "source", "logger", "message")}
        return told | self.about | ({"trace": "\n".join(self.more)} if self.more else {})


@dataclass(frozen=True)
class Wanted:
    """Unset parts match all. `limit` is how many of the last to show."""

    execution: str | None = None
    request: str | None = None
    order: str | None = None
    level: str = "debug"
    limit: int = 200


def show_logs(wanted: Wanted, *, home: Path | None, as_json: bool) -> None:
    place = Home(load_settings(home=home).home)
    place.must_exist()
    lines = list(_all_lines(place))
    if wanted.execution is not None:
        try:
            orders, said = on_database(home, lambda on: _of_execution(on, wanted.execution or ""))
        except StorageUnavailable as error:
            orders, said = [], []
            err.print(Text.assemble(("! ", "yellow"), f"without the database: {error.message}"))
        lines = _related(lines, {"execution": {wanted.execution}, "order": set(orders)}) + said
    elif wanted.order is not None:
        lines = _related(lines, {"order": {wanted.order}})
    elif wanted.request is not None:
        lines = _related(lines, {"request": {wanted.request}})
    least = _LEVELS.index(wanted.level)
    chosen = [line for line in lines if _LEVELS.index(line.level) >= least]
    chosen = sorted(chosen, key=lambda line: line.time)[-wanted.limit :]
    if as_json:
        say_json({"items": [line.as_dict() for line in chosen]})
        return
    for line in chosen:
        out.print(_text(line), soft_wrap=True)
        for more in line.more:
            out.print(Text(f"  {more}", "dim"), soft_wrap=True)
    if not chosen:
        out.print("[dim]no line[/]")


def _related(lines: list[Line], ids: dict[str, set[str]]) -> list[Line]:
    """Those that name one of the ids, then those of the requests, at the machine and the bridge, that did so."""
    named = [line for line in lines if _names(line, ids)]
    requests = {line.about["request"] for line in named if "request" in line.about}
    return [line for line in lines if _names(line, ids) or line.about.get("request") in requests]


def _names(line: Line, ids: dict[str, set[str]]) -> bool:
    found = any(line.about.get(name) in values for name, values in ids.items())
    return found or any(value in line.message for values in ids.values() for value in values)


def _text(line: Line) -> Text:
    about = " ".join(f"{name}={value}" for name, value in line.about.items())
    return Text.assemble(
        (f"{line.time} ", "dim"),
        (f"{line.level:<7} ", _COLOURS.get(line.level, "")),
        (f"{line.source} ", "cyan"),
        line.message,
        (f"  {about}" if about else "", "dim"),
    )


def _all_lines(home: Home) -> Iterator[Line]:
    yield from _read(home.log, "machine")
    yield from _read(home.bridge / "logs" / "bridge.log", "bridge")
    for folder in sorted((home.bridge / "accounts").glob("*")):
        yield from _read(folder / "worker.log", f"bridge/{folder.name}")


def _read(file: Path, source: str) -> Iterator[Line]:
    """The file and those it was rotated into, oldest first."""
    older = [path for path in file.parent.glob(f"{file.name}.*") if path.suffix[1:].isdigit()]
    for path in [*sorted(older, key=lambda path: -int(path.suffix[1:])), file]:
        try:
            text = path.read_text("utf-8", "replace")
        except FileNotFoundError:
            continue  # rotated away meanwhile, or there is none yet
        last: Line | None = None
        for raw in text.splitlines():
            line = _parsed(raw, source)
            if line is not None:
                if last is not None:
                    yield last
                last = line
            elif last is not None:
                last.more.append(raw)
        if last is not None:
            yield last


def _parsed(raw: str, source: str) -> Line | None:
    """None for a line that belongs to the one before it."""
    if raw.startswith("{"):
        try:
            told = json.loads(raw)
            parts = [str(told.pop(name)) for name in ("time", "level", "logger", "message")]
        except (ValueError, KeyError, AttributeError):
            return None
        trace = told.pop("trace", None)
        about = {name: str(value) for name, value in told.items()}
        return Line(parts[0], _level(parts[1]), source, parts[2], parts[3], about, trace.split("\n") if trace else [])
    match = _LINE.fullmatch(raw)
    if match is None:
        return None
    message, about = _apart(match[4])
    return Line(match[1], _level(match[2]), source, match[3], message, about)


def _apart(text: str) -> tuple[str, dict[str, str]]:
    """A message and the pairs at its end."""
    about: dict[str, str] = {}
    at = len(text)
    for pair in reversed(list(_PAIR.finditer(text))):
        if pair.end() != at:
            break
        value = pair[2]
        try:
            about[pair[1]] = json.loads(value) if value.startswith('"') else value
        except ValueError:
            break
        at = pair.start()
    return text[:at], dict(reversed(about.items()))


def _level(name: str) -> str:
    lower = name.lower()
    return lower if lower in _LEVELS else "info"


async def _of_execution(on: Place, execution: str) -> tuple[list[str], list[Line]]:
    """Its orders' ids, and what its nodes logged."""
    orders = await on.database.all(
        "SELECT client_order_id FROM orders WHERE tenant = %s AND execution_id = %s", [TENANT, execution]
    )
    rows = await on.database.all(
        "SELECT l.time, l.level, l.node, l.message FROM logs l JOIN executions e ON e.id = l.execution_id"
        " WHERE l.execution_id = %s AND e.tenant = %s ORDER BY l.seq",
        [execution, TENANT],
    )
    said = [
        Line(
            time=f"{row['time']:%Y-%m-%dT%H:%M:%S}.{row['time'].microsecond // 1000:03d}Z",
            level=_level(row["level"]),
            source="node",
            logger=str(row["node"] or ""),
            message=row["message"],
            about={"execution": execution, "node": str(row["node"] or "")},
        )
        for row in rows
    ]
    return [row["client_order_id"] for row in orders], said
