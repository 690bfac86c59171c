"""`tradeloom next`: when a schedule fires, of a workflow that is saved, of a document, or of an expression."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.text import Text

from tradeloom.api.fire_times import read_schedule, upcoming
from tradeloom.cli.documents import read_document
from tradeloom.cli.moments import moment
from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.cli.running import NotRunning, Running
from tradeloom.compiler.validate import validate
from tradeloom.engine.watched_schedule import is_schedule
from tradeloom.errors import InvalidDocument, InvalidInput, NotFound
from tradeloom.workflow.problems import errors

MOST_WORKFLOWS: Final = 200
_CHANGES: Final = {"skipped": "the clocks skip it", "doubled": "comes twice, fires the first time"}


def show(what: str, *, zone: str | None, count: int, after: str | None, home: Path | None, as_json: bool) -> None:
    """`what` is an expression (`*/15 * * * *`, `rate(1 hour)`), a document's file, or a workflow's id or name."""
    if any(mark in what for mark in " (") and not Path(what).exists():
        found = _of_text(what, zone, count, after, home)
    elif zone is not None:
        raise InvalidInput(
            "A time zone goes with an expression; a workflow has its own.",
            field="--zone",
            hint='Write the expression in quotes: tradeloom next "0 9 * * MON-FRI" --zone Europe/London',
        )
    elif Path(what).is_file():
        found = _of_file(Path(what), count, _after(after))
    elif after is not None:
        raise InvalidInput("The fire times of a saved workflow count from its market's time.", field="--after")
    else:
        found = _of_workflow(what, count, home)
    if as_json:
        say_json(found)
    else:
        _print(found)


def _of_text(what: str, zone: str | None, count: int, after: str | None, home: Path | None) -> dict[str, Any]:
    """Of an expression; or of a workflow, whose name may have spaces too."""
    try:
        return _of_config({"expression": what, "time_zone": zone or "UTC"}, count, _after(after))
    except InvalidInput as error:
        if zone is None and after is None:
            with suppress(NotFound, NotRunning):
                return _of_workflow(what, count, home)
            error.hint = error.hint or "An expression, or the id, name or file of a workflow."
        raise


def _of_config(config: Mapping[str, Any], count: int, after: datetime) -> dict[str, Any]:
    return {"now": after.isoformat(), "active": None, "items": [_item("", "", config, count, after)]}


def _item(node: str, name: str, config: Mapping[str, Any], count: int, after: datetime) -> dict[str, Any]:
    schedule, problems = read_schedule(config)
    if schedule is None:
        first = problems[0]
        raise InvalidInput(first.message, field=first.field, node=node or None)
    fires = [fire.model_dump(mode="json") for fire in upcoming(schedule, after, count)]
    known = {"kind": schedule.kind, "expression": schedule.expression, "time_zone": schedule.time_zone}
    return {"node": node, "name": name, **known, "fires": fires}


def _of_file(file: Path, count: int, after: datetime) -> dict[str, Any]:
    document, problems = validate(read_document(file))
    wrong = errors(problems)
    if document is None or wrong:
        raise InvalidDocument(f"{file} is no workflow that can run.", [problem.as_dict() for problem in wrong])
    nodes = [node for node in document.model_dump()["nodes"] if is_schedule(node)]
    items = [_item(node["id"], node["name"] or node["id"], node["config"], count, after) for node in nodes]
    return {"now": after.isoformat(), "active": None, "items": items}


def _of_workflow(which: str, count: int, home: Path | None) -> dict[str, Any]:
    running = Running(home)
    known = running.get("workflows", query={"limit": str(MOST_WORKFLOWS)})["items"]
    found = [each["id"] for each in known if which in (each["id"], each["name"])]
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} workflows are called {which!r}.", hint=f"Use an id: {', '.join(found)}.")
    try:
        told: dict[str, Any] = running.get(
            "workflows", found[0] if found else which, "schedule", query={"count": str(count)}
        )
    except NotFound as error:
        raise NotFound(
            f"There is no workflow {which!r}, and no such file.",
            hint='An expression has spaces and stands in quotes: tradeloom next "*/15 * * * *"',
        ) from error
    return told


def _after(text: str | None) -> datetime:
    return datetime.now(UTC) if text is None else moment(text, "--after")


def _print(found: Mapping[str, Any]) -> None:
    if not found["items"]:
        out.print("[dim]no schedule starts it[/]")
    for item in found["items"]:
        named = f"{item['name']}  " if item["name"] else ""
        out.print(Text.assemble((named, "bold"), f"{item['kind'] or ''} {item['expression']}  {item['time_zone']}"))
        for problem in item.get("problems", ()):
            out.print(Text.assemble(("  ✕ ", "red"), f"{problem['field']}: {problem['message']}"))
        _print_fires(item["fires"])
        _print_failure(item.get("failure"))
    _print_failure(found.get("failure"))
    if found["active"] is False:
        out.print("[yellow]the workflow is not active: none of these fires[/]")


def _print_fires(fires: Sequence[Mapping[str, Any]]) -> None:
    if not fires:
        out.print("  [dim]never again[/]")
        return
    table = plain_table("  UTC", "local", "")
    for fire in fires:
        at = "  –" if fire["at"] is None else f"  {fire['at'][:10]} {fire['at'][11:16]}"
        notes = [_CHANGES[fire["change"]]] if fire["change"] else []
        if fire["until"]:
            notes.append(f"starts before {fire['until'][:10]} {fire['until'][11:16]} UTC")
        table.add_row(
            at, f"{fire['local'][:10]} {fire['local'][11:16]} {fire['local'][19:]}", Text("; ".join(notes), "yellow")
        )
    out.print(table)


def _print_failure(failure: Mapping[str, Any] | None) -> None:
    if failure is None:
        return
    until = failure["until"]
    what = (
        f"set aside until {until[:10]} {until[11:16]} UTC" if until else f"failed {failure['failures']} times in a row"
    )
    out.print(Text.assemble(("  ✕ ", "red"), f"{what}: {failure['reason']}"))
