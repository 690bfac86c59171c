"""`tradeloom executions`: the last executions as a table, with what each traded and made."""

from collections.abc import Sequence
from datetime import UTC
from pathlib import Path
from typing import Final, get_args

from rich.text import Text

from tradeloom.api.models.execution_trades import ExecutionTrades, TradeResult
from tradeloom.api.models.executions import ExecutionPage, ExecutionQuery, ExecutionStatus
from tradeloom.cli.database import Place, on_database
from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.errors import InvalidInput
from tradeloom.local.execution_pages import ExecutionPages
from tradeloom.local.named_workflows import workflow_named
from tradeloom.local.storage import TENANT
from tradeloom.storage.postgres.journal import PostgresJournal
from tradeloom.storage.postgres.orders import PostgresOrders
from tradeloom.storage.postgres.stores import PostgresStores
from tradeloom.storage.postgres.trades import PostgresTrades

_STATES: Final[tuple[ExecutionStatus, ...]] = get_args(ExecutionStatus)
_STYLES: Final = {"succeeded": "green", "failed": "bold red", "timed_out": "bold red", "stopped": "yellow"}
_NUMBERS: Final = ("took", "orders", "lots", "trades", "made")


def show_executions(
    workflow: str | None, *, status: str | None, limit: int, offset: int, home: Path | None, as_json: bool
) -> None:
    wanted = _status(status)

    async def work(place: Place) -> None:
        stores = PostgresStores(place.database)
        pages = ExecutionPages(
            PostgresJournal(place.database), stores, PostgresOrders(place.database), PostgresTrades(place.database)
        )
        found = None if workflow is None else (await workflow_named(stores, TENANT, workflow)).id
        query = ExecutionQuery(workflow_id=found, status=wanted)
        _say(await pages.page(TENANT, query, limit=limit, offset=offset), offset, as_json=as_json)

    on_database(home, work)


def _status(text: str | None) -> ExecutionStatus | None:
    for state in _STATES:
        if text == state:
            return state
    if text is not None:
        raise InvalidInput(f"{text!r} is no state of an execution.", field="--status", hint=", ".join(_STATES))
    return None


def _say(page: ExecutionPage, offset: int, *, as_json: bool) -> None:
    if as_json:
        say_json(page.model_dump(mode="json"))
        return
    if not page.items:
        out.print("[dim]no executions[/]")
        return
    table = plain_table("started (UTC)", "workflow", "execution", "status", *_NUMBERS, "positions")
    for column in table.columns:
        if column.header in _NUMBERS:
            column.justify = "right"
            column.no_wrap = True
    for item in page.items:
        table.add_row(
            f"{item.started_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            Text(item.workflow_name or item.workflow_id, "cyan"),
            item.id,
            Text(item.status + (" (test)" if item.test_mode else ""), _STYLES.get(item.status, "")),
            "" if item.duration_ms is None else f"{item.duration_ms:.0f} ms",
            str(item.trades.executed) if item.trades.orders == item.trades.executed else _part(item.trades),
            f"{item.trades.volume:g}" if item.trades.volume else "",
            str(item.trades.trades) if item.trades.trades else "",
            made(item.trades.results),
            "" if item.trades.state == "none" else item.trades.state,
        )
    out.print(table)
    if page.results:
        out.print(Text.assemble("all closed trades of the workflow: ", made(page.results)))
    if page.total > offset + len(page.items):
        out.print(Text(f"{len(page.items)} of {page.total}; --limit and --offset show others", "dim"))


def _part(trades: ExecutionTrades) -> str:
    return f"{trades.executed} of {trades.orders}"


def made(results: Sequence[TradeResult]) -> Text:
    """Net profit or loss by currency."""
    sums: dict[str, float] = {}
    for result in results:
        sums[result.currency] = sums.get(result.currency, 0.0) + result.net
    told = [
        Text(f"{amount:+,.2f} {currency}", "green" if amount > 0 else "red" if amount < 0 else "")
        for currency, amount in sums.items()
    ]
    return Text(", ").join(told)
