"""The trade ledger's records: what the broker's deals and orders say of a closing, and whose it was by the journal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.deal_walk import Closing
from mt5_bridge.journal_store import Entry
from mt5_bridge.ledger import Ledger, reason_of, side_closed_by
from mt5_bridge.terminal import Terminal, failure, read_all
from tradeloom.trading.exact import exact
from tradeloom.trading.guards import GuardReport, PartialClose
from tradeloom.trading.trade_ledger import MOST_TICKETS, ExitReason, GuardName, TradeRecord, r_multiple

_BY_HAND = ("client", "mobile", "web")
_BY_BROKER = ("rollover", "variation_margin", "split")
_GUARDS: Mapping[str, GuardName] = {
    "trailing": "trailing",
    "break_even": "break_even",
    "partial_close": "partial_close",
}

type FindOrders = Callable[[Iterable[int]], Mapping[int, Entry]]
type FindGuards = Callable[[int], Sequence[GuardReport]]


class TradeRecords:
    """`orders` gives our orders by magic number, `guards` those of a position by its ticket, ended ones too."""

    def __init__(
        self, terminal: Terminal, ledger: Ledger, account: str, *, orders: FindOrders, guards: FindGuards
    ) -> None:
        self._terminal = terminal
        self._ledger = ledger
        self._account = account
        self._orders = orders
        self._guards = guards

    def page(
        self,
        since: datetime,
        until: datetime,
        *,
        symbol: str | None,
        workflow_id: str | None,
        after_deal: int,
        limit: int,
    ) -> list[TradeRecord]:
        """The first `limit` closings of the period, both ends included, the earliest first; of those at the very moment
        `since` only the ones behind `after_deal`. Raises `InvalidInput` for a period that is too long."""
        account = self._terminal.account_info()
        if account is None:
            raise failure(self._terminal, "reading the account")
        found = [
            closing
            for closing in self._ledger.closings(since, until, symbol)
            if closing.deal.ticket > after_deal or self._ledger.utc(closing.deal) > since
        ]
        ours = self._orders(
            {deal.magic for closing in found for deal in (closing.deal, *closing.entries) if deal.magic}
        )
        if workflow_id is not None:
            found = [closing for closing in found if _workflow_of(closing, ours) == workflow_id]
        return [self._record(closing, account.currency, ours) for closing in found[:limit]]

    def _record(self, closing: Closing, currency: str, ours: Mapping[int, Entry]) -> TradeRecord:
        deal, opened = closing.deal, closing.opened
        side = side_closed_by(deal)
        first = ours.get(opened.magic) if opened else None
        last = _closer(closing, ours)
        stop = self._first_stop(closing, first)
        price_open = None if closing.price_open is None else float(closing.price_open)
        made = None if price_open is None or stop is None else r_multiple(side, price_open, deal.price, stop)
        return TradeRecord(
            account=self._account,
            currency=currency,
            deal=deal.ticket,
            position=deal.position_id,
            symbol=deal.symbol,
            side=side,
            volume=closing.volume,
            held=closing.held if opened else None,
            left=closing.left if opened else None,
            price_open=price_open,
            price_close=deal.price,
            opened_at=self._ledger.utc(opened) if opened else None,
            closed_at=self._ledger.utc(deal),
            stop_loss=stop,
            r_multiple=made,
            magic=opened.magic if opened else 0,
            comment=deal.comment,
            **_money(closing),
            **self._exit(closing, last),
            **self._tickets(closing),
            **_owners(closing, ours, first, last),
        )

    def _tickets(self, closing: Closing) -> dict[str, Any]:
        entries, deal = closing.entries, closing.deal
        orders = list(dict.fromkeys(entry.order for entry in entries))
        return {
            "entries": len(entries),
            "entry_orders": tuple(orders[:MOST_TICKETS]),
            "entry_deals": tuple(entry.ticket for entry in entries[:MOST_TICKETS]),
            "entry_requested": self._requested(orders[0]) if orders else None,
            "exit_order": deal.order,
            "exit_requested": self._requested(deal.order),
        }

    def _exit(self, closing: Closing, last: Entry | None) -> dict[str, Any]:
        deal = closing.deal
        if deal.entry == mt5.DEAL_ENTRY_OUT_BY:
            return {"reason": "close_by"}
        why = reason_of(deal)
        if why == "stop_loss":
            return {"reason": "stop_loss", "guard": self._mover_of_stop(closing)}
        if last is not None and last.intent.cause in _GUARDS:
            return {"reason": "guard", "guard": _GUARDS[last.intent.cause]}
        if last is not None:
            return {"reason": "flatten" if last.intent.cause == "flatten" else "workflow"}
        return {"reason": _reason(why)}

    def _mover_of_stop(self, closing: Closing) -> GuardName | None:
        """The guard that had moved the stop last, if one had."""
        if closing.opened is None:
            return None
        moved = [
            (report.last_action_at, report.guard.kind.value)
            for report in self._guards(closing.opened.order)
            if report.last_action_at is not None and _has_moved_the_stop(report)
        ]
        return _GUARDS[max(moved)[1]] if moved else None

    def _first_stop(self, closing: Closing, first: Entry | None) -> float | None:
        """The stop loss the position was opened with. A position that several orders made has no one risk to tell."""
        if len({entry.order for entry in closing.entries}) != 1:
            return None
        order = self._past_order(closing.entries[0].order)
        if order is not None and order.sl:
            return float(order.sl)
        sent = first.request.get("sl") if first is not None and first.request else None
        return float(sent) if sent else None

    def _requested(self, ticket: int) -> Decimal | None:
        order = self._past_order(ticket)
        return None if order is None else exact(order.volume_initial)

    def _past_order(self, ticket: int) -> Any | None:
        """None for one the history does not have, or that still works: what is left of a pending order."""
        if not ticket:
            return None
        for function in ("history_orders_get", "orders_get"):
            found = read_all(self._terminal, function, ticket=ticket)
            if found:
                return found[0]
        return None


def _money(closing: Closing) -> dict[str, Decimal]:
    gross, swap = exact(closing.deal.profit), exact(closing.deal.swap)
    fee = closing.opening.fee + closing.closing.fee
    opening, end = closing.opening.commission, closing.closing.commission
    return {
        "gross": gross,
        "swap": swap,
        "commission_open": opening,
        "commission_close": end,
        "fee": fee,
        "net": gross + swap + opening + end + fee,
    }


def _owners(
    closing: Closing, ours: Mapping[int, Entry], first: Entry | None, last: Entry | None
) -> dict[str, str | bool | tuple[str, ...] | None]:
    magics = list(dict.fromkeys(entry.magic for entry in closing.entries))
    ids = [ours[magic].intent.client_order_id for magic in magics if magic in ours]
    workflows = {ours[magic].intent.workflow_id if magic in ours else None for magic in magics}
    owners: dict[str, str | bool | tuple[str, ...] | None] = {
        "entry_client_order_ids": tuple(ids[:MOST_TICKETS]),
        "mixed": len(workflows) > 1,
    }
    if first is not None:
        owners |= {
            "workflow_id": first.intent.workflow_id,
            "workflow_version": first.intent.workflow_version,
            "execution_id": first.intent.execution_id,
            "entry_node": first.intent.node_id,
        }
    if last is not None:
        owners |= {
            "exit_client_order_id": last.intent.client_order_id,
            "exit_workflow_id": last.intent.workflow_id,
            "exit_workflow_version": last.intent.workflow_version,
            "exit_execution_id": last.intent.execution_id,
            "exit_node": last.intent.node_id,
        }
    return owners


def _closer(closing: Closing, ours: Mapping[int, Entry]) -> Entry | None:
    """The order of ours that closed. What the broker or a person closes may bear the magic number of what opened."""
    deal = closing.deal
    if reason_of(deal) != "expert" or deal.entry == mt5.DEAL_ENTRY_OUT_BY:
        return None
    return None if any(entry.magic == deal.magic for entry in closing.entries) else ours.get(deal.magic)


def _has_moved_the_stop(report: GuardReport) -> bool:
    rule = report.guard.rule
    if isinstance(rule, PartialClose):
        return rule.break_even_offset is not None and report.moves > 1
    return report.moves > 0


def _workflow_of(closing: Closing, ours: Mapping[int, Entry]) -> str | None:
    opener = ours.get(closing.opened.magic) if closing.opened else None
    return None if opener is None else opener.intent.workflow_id


def _reason(why: str) -> ExitReason:
    if why in _BY_HAND:
        return "manual"
    if why in _BY_BROKER:
        return "broker"
    match why:
        case "take_profit":
            return "take_profit"
        case "stop_out":
            return "stop_out"
        case "expert":
            return "program"
    return "other"
