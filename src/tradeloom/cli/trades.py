"""`tradeloom trades`: the trade ledger as a table, as statistics, as CSV."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path

from rich.table import Table
from rich.text import Text

from tradeloom.api.models.trades import Trade, TradeQuery, TradeSummaryItem
from tradeloom.api.trade_csv import csv_of
from tradeloom.cli.database import Place, on_database
from tradeloom.cli.moments import moment
from tradeloom.cli.output import out, plain_table, say_json
from tradeloom.engine.trades import TradeFilter, summaries
from tradeloom.errors import InvalidInput
from tradeloom.local.storage import TENANT
from tradeloom.local.trades import exported, summary_of, trade_of
from tradeloom.storage.postgres.stores import PostgresStores
from tradeloom.storage.postgres.trades import PostgresTrades
from tradeloom.trading.trade_stats import GroupBy

_GROUPS: dict[str, GroupBy] = {"version": "version", "workflow": "workflow", "account": "account"}
_SHORT = 8
_MOST_WORKFLOWS = 1_000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the command line asks for."""

    workflow: str | None
    version: str | None
    account: str | None
    symbol: str | None
    since: str | None
    until: str | None
    limit: int
    summary: bool
    by: str
    as_csv: bool
    as_json: bool


def show_trades(wanted: Wanted, *, home: Path | None) -> None:
    if wanted.by not in _GROUPS:
        raise InvalidInput(f"{wanted.by!r} is nothing to add up by.", field="--by", hint="version, workflow or account")
    since = None if wanted.since is None else moment(wanted.since, "--since")
    until = None if wanted.until is None else moment(wanted.until, "--until")

    async def work(place: Place) -> None:
        store = PostgresTrades(place.database)
        query = TradeQuery(
            account=wanted.account,
            workflow_id=await _workflow_id(place, wanted.workflow),
            version=await _version(store, wanted.version),
            symbol=wanted.symbol,
            since=since,
            until=until,
        )
        which = TradeFilter(tenant=TENANT, **asdict(query))
        if wanted.as_csv:
            sys.stdout.write(csv_of(await exported(store, TENANT, query)))
        elif wanted.summary:
            items = [summary_of(each) for each in summaries(await store.lines(which), _GROUPS[wanted.by])]
            _say_summary(items, as_json=wanted.as_json)
        else:
            found, total = await store.page(which, limit=wanted.limit, offset=0)
            _say_trades([trade_of(kept) for kept in found], total, as_json=wanted.as_json)

    on_database(home, work)


async def _workflow_id(place: Place, which: str | None) -> str | None:
    """By id or by name; what no workflow bears is taken for the id of one that was deleted."""
    if which is None:
        return None
    workflows, _ = await PostgresStores(place.database).workflows(TENANT, limit=_MOST_WORKFLOWS)
    named = [each.id for each in workflows if each.name == which]
    if len(named) > 1:
        raise InvalidInput(
            f"{len(named)} workflows are called {which!r}.", field="--workflow", hint=f"Use an id: {', '.join(named)}."
        )
    return named[0] if named and which not in {each.id for each in workflows} else which


async def _version(store: PostgresTrades, begins: str | None) -> str | None:
    """The version whose name begins so, among those that traded."""
    if begins is None:
        return None
    versions = {line.group.version or "" for line in await store.lines(TradeFilter(tenant=TENANT))}
    found = sorted(version for version in versions if version.startswith(begins))
    if len(found) > 1 and begins not in found:
        raise InvalidInput(f"{len(found)} versions begin with {begins!r}.", field="--version")
    return begins if begins in found or not found else found[0]


# -- what is shown ----------------------------------------------------------------------------------------------


def _say_trades(trades: Sequence[Trade], total: int, *, as_json: bool) -> None:
    if as_json:
        say_json({"items": [trade.model_dump(mode="json") for trade in trades], "total": total})
        return
    if not trades:
        out.print("[dim]no closed trades[/]")
        return
    several = len({(trade.account, trade.replay) for trade in trades}) > 1
    numbers = ("lots", "in", "out", "held", "net", "R")
    accounts = ("account",) if several else ()
    columns = ("symbol", "side", "lots", "in", "out", "held", "ended by", "net", "R", "workflow")
    table = _right(plain_table("closed (UTC)", *accounts, *columns), *numbers)
    for trade in trades:
        table.add_row(
            f"{trade.closed_at.astimezone(UTC):%Y-%m-%d %H:%M}",
            *([Text(trade.account)] if several else []),
            Text(trade.symbol),
            trade.side.value,
            _lots(trade),
            "?" if trade.price_open is None else f"{trade.price_open:.10g}",
            f"{trade.price_close:.10g}",
            _held(trade.duration_s),
            trade.reason.replace("_", " ") + (f" ({trade.guard.replace('_', ' ')})" if trade.guard else ""),
            _money(trade.net, trade.currency),
            "" if trade.r_multiple is None else f"{trade.r_multiple:+.2f}",
            _owner(trade.workflow_id, trade.workflow_name, trade.version),
        )
    out.print(table)
    if total > len(trades):
        out.print(Text(f"the last {len(trades)} of {total}; --limit shows more, --csv all", "dim"))


def _say_summary(items: Sequence[TradeSummaryItem], *, as_json: bool) -> None:
    if as_json:
        say_json({"items": [item.model_dump(mode="json") for item in items]})
        return
    if not items:
        out.print("[dim]no closed trades[/]")
        return
    numbers = ("trades", "won", "net", "expectancy", "profit factor", "avg R", "drawdown")
    table = _right(plain_table("account", "workflow", *numbers, "last closed (UTC)"), *numbers)
    for item in items:
        last = item.last_closed_at
        table.add_row(
            Text(f"{item.account} · {item.replay[:_SHORT]}" if item.replay else item.account),
            _owner(item.workflow_id, item.workflow_name, item.version),
            str(item.count),
            "" if item.win_rate is None else f"{item.win_rate:.1f} %",
            _money(item.net, item.currency),
            "" if item.expectancy is None else f"{item.expectancy:,.2f}",
            "" if item.profit_factor is None else f"{item.profit_factor:.2f}",
            "" if item.average_r is None else f"{item.average_r:+.2f}",
            f"{item.max_drawdown:,.2f}",
            f"{last.astimezone(UTC):%Y-%m-%d %H:%M}" if last else "",
        )
    out.print(table)


def _right(table: Table, *columns: str) -> Table:
    for column in table.columns:
        if column.header in columns:
            column.justify = "right"
            column.no_wrap = True
    return table


def _owner(workflow_id: str | None, name: str | None, version: str | None) -> Text:
    if workflow_id is None:
        return Text("—", "dim")
    return Text.assemble((name or workflow_id, "cyan"), (f" @{version[:_SHORT]}" if version else "", "dim"))


def _money(amount: float, currency: str) -> Text:
    return Text(f"{amount:+,.2f} {currency}", "green" if amount > 0 else "red" if amount < 0 else "")


def _lots(trade: Trade) -> str:
    """A part shows what it was of."""
    return f"{trade.volume:g} of {trade.held:g}" if trade.left and trade.held else f"{trade.volume:g}"


def _held(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{rest} s"
