"""Commands on what ran and traded: each imports what it needs when it is called."""

from enum import StrEnum
from typing import Annotated

import typer

from tradeloom.cli.options import Home, Json
from tradeloom.cli.output import told


@told
def retry(
    execution: Annotated[str, typer.Argument(help="Id of an execution that failed.", show_default=False)],
    even_if_old: Annotated[bool, typer.Option(help="Also when it trades on what is older than 15 minutes.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Let a failed execution go on from its failure; nothing that was done is done again."""
    from tradeloom.cli.reruns import retry as go_on

    go_on(execution, even_if_old=even_if_old, home=home, as_json=as_json)


class Version(StrEnum):
    OLD = "old"
    CURRENT = "current"


@told
def rerun(
    execution: Annotated[str, typer.Argument(help="Id of an execution.", show_default=False)],
    from_node: Annotated[
        str | None, typer.Option("--from", help="Run from this node on; what it does not concern is taken as recorded.")
    ] = None,
    version: Annotated[Version, typer.Option(help="The version it ran, or the last one saved.")] = Version.OLD,
    arm: Annotated[bool, typer.Option("--arm", help="Trade for real again, instead of in test mode.")] = False,
    even_if_old: Annotated[bool, typer.Option(help="With --arm: also on what is older than 15 minutes.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Run an old execution again as a new one, in test mode, with its payload and its time."""
    from tradeloom.cli.reruns import rerun as run_again

    wanted = {
        "from_node": from_node, "version": version.value, "test_mode": not arm, "arm": arm, "even_if_old": even_if_old,
    }  # fmt: skip
    run_again(execution, wanted, home=home, as_json=as_json)


@told
def executions(
    workflow: Annotated[
        str | None, typer.Argument(help="Only of this workflow: its id or name.", show_default=False)
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only those in this state, such as failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many to list, the newest first.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="How many of the newest to leave out.")] = 0,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List executions, with what each traded and made."""
    from tradeloom.cli.executions import show_executions

    show_executions(workflow, status=status, limit=limit, offset=offset, home=home, as_json=as_json)


class Level(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@told
def logs_(
    execution: Annotated[
        str | None, typer.Option(help="All about this execution: its orders and nodes, at the bridge too.")
    ] = None,
    request: Annotated[str | None, typer.Option(help="All about this request: the correlation id of an error.")] = None,
    order: Annotated[str | None, typer.Option(help="All about this order.")] = None,
    level: Annotated[Level, typer.Option(help="This severe, or more.")] = Level.DEBUG,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the last ones.")] = 200,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what the machine, its bridge and the nodes logged."""
    from tradeloom.cli.logs import Wanted, show_logs

    wanted = Wanted(execution=execution, request=request, order=order, level=level.value, limit=limit)
    show_logs(wanted, home=home, as_json=as_json)


@told
def trades(
    workflow: Annotated[str | None, typer.Option(help="Only what this workflow opened: its id or name.")] = None,
    version: Annotated[
        str | None, typer.Option("--version", help="Only of this version; its beginning is enough.")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only in this instrument.")] = None,
    since: Annotated[str | None, typer.Option(help="Closed at or after, such as 2026-11-01T12:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Closed at or before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to list, the last closed first.")] = 20,
    summary: Annotated[bool, typer.Option("--summary", help="Statistics instead of the trades.")] = False,
    by: Annotated[str, typer.Option(help="Add up by version, workflow or account.")] = "version",
    as_csv: Annotated[bool, typer.Option("--csv", help="All that match as CSV, the first closed first.")] = False,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """List closed trades, or what they add up to."""
    from tradeloom.cli.trades import Wanted, show_trades

    wanted = Wanted(
        workflow=workflow, version=version, account=account, symbol=symbol, since=since, until=until,
        limit=limit, summary=summary, by=by, as_csv=as_csv, as_json=as_json,
    )  # fmt: skip
    show_trades(wanted, home=home)
