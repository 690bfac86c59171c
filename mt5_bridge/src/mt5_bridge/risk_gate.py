"""The risk gate: gathers what the rules need to know of an order, and asks them.

What reduces risk is judged by its own numbers alone: no position, order or history is read for it. What adds risk is
judged by what was sent lately (from the journal, so that a restart forgets nothing), by the account's losses, and by
the account as it would be with every working order filled. What cannot be told refuses.
"""

from datetime import timedelta
from typing import Any

from mt5_bridge import risk_facts
from mt5_bridge.account_watch import AccountWatch
from mt5_bridge.journal import Journal
from mt5_bridge.risk_book import Book, BookReader, Unjudgeable
from tradeloom.trading.exact import exact
from tradeloom.trading.exposure import Exposure, lots_by_symbol
from tradeloom.trading.intents import OrderIntent, Side
from tradeloom.trading.methods import Throttle
from tradeloom.trading.risk import Action
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.trading.risk_rules import (
    RATE_WINDOW_S,
    Activity,
    Losses,
    OrderFacts,
    Projection,
    Refusal,
    activity_refusal,
    exposure_refusal,
    loss_refusal,
    lot_refusal,
    refusal,
)


class RiskGate:
    """Judges orders by the limits and the state in force at that moment."""

    def __init__(self, journal: Journal, reader: BookReader, watch: AccountWatch) -> None:
        self._journal = journal
        self._reader = reader
        self._watch = watch

    def refusal(self, intent: OrderIntent, facts: OrderFacts, account: Any, side: Side) -> Refusal | None:
        """Why the order must not be sent, or None. `account` is the terminal's AccountInfo, `side` that of the order or
        of what it changes. Raises `BrokerError` or `StorageUnavailable` kinds when something cannot be read."""
        state, limits = self._journal.in_force()
        refused = refusal(limits, state, facts)
        if refused is not None or facts.action.reduces:
            return refused
        try:
            return self._of_new_risk(intent, facts, account, side, limits)
        except Unjudgeable as unknown:
            return Refusal(unknown.rule, "risk", unknown.message)

    def not_shown_yet(self, order_id: str, ticket: int) -> None:
        """See `BookReader.not_shown_yet`."""
        self._reader.not_shown_yet(order_id, ticket)

    def _of_new_risk(
        self, intent: OrderIntent, facts: OrderFacts, account: Any, side: Side, limits: RiskLimits
    ) -> Refusal | None:
        opens = facts.action is Action.OPEN
        if opens:
            refused = lot_refusal(limits, intent.workflow_id, facts.volume)
            refused = refused or self._by_activity(intent, facts, side, limits)
            if refused is not None:
                return refused
        book = self._reader.book(account, intent.client_order_id)
        refused = self._by_losses(intent, account, book, limits)
        if refused is not None or not opens:
            return refused
        return exposure_refusal(limits, self._projection(intent, facts, account, side, book))

    def _by_activity(self, intent: OrderIntent, facts: OrderFacts, side: Side, limits: RiskLimits) -> Refusal | None:
        record = self._journal.fact(risk_facts.THROTTLE + intent.workflow_id)
        throttle = risk_facts.standing_throttle(record)
        minute_ago = facts.now - timedelta(seconds=RATE_WINDOW_S)
        window_began = facts.now - timedelta(seconds=limits.repeat_window_s)
        sent = [
            each
            for each in self._journal.openings(min(minute_ago, window_began))
            if each.client_order_id != intent.client_order_id
        ]
        mine = [each for each in sent if each.workflow_id == intent.workflow_id]
        counts_from = risk_facts.counts_from(record, window_began)
        activity = Activity(
            workflow_id=intent.workflow_id,
            orders=sum(each.sent_at > minute_ago for each in sent),
            workflow_orders=sum(each.sent_at > minute_ago for each in mine),
            repeats=sum(
                each.sent_at > counts_from and (each.symbol, each.side) == (facts.symbol, side) for each in mine
            ),
            throttled=throttle.message if throttle else None,
        )
        refused = activity_refusal(limits, activity)
        if refused is not None and refused.rule == "max_repeats":
            self._journal.throttle(
                Throttle(
                    workflow_id=intent.workflow_id,
                    symbol=facts.symbol,
                    side=side,
                    at=facts.now,
                    message=refused.message,
                )
            )
        return refused

    def _by_losses(self, intent: OrderIntent, account: Any, book: Book, limits: RiskLimits) -> Refusal | None:
        standing = self._watch.look(account, limits)
        workflow, floating = intent.workflow_id, book.floating(intent.workflow_id)
        most = limits.of_workflow(workflow).max_daily_loss_pct
        self._watch.keep_workflow_loss(standing.day, workflow, floating, most)
        losses = Losses(
            workflow_id=workflow,
            day_pct=standing.day.loss_pct(standing.equity),
            drawdown_pct=standing.day.drawdown_pct(standing.equity),
            workflow_day_pct=standing.day.workflow_loss_pct(workflow, floating),
        )
        return loss_refusal(limits, losses)

    def _projection(self, intent: OrderIntent, facts: OrderFacts, account: Any, side: Side, book: Book) -> Projection:
        symbol, volume, workflow = facts.symbol, facts.volume, intent.workflow_id
        # A stop-limit opens at its limit, which is the last of its prices; worth is reckoned at the dearest.
        entry = facts.prices[-1] if facts.prices else facts.ask if side is Side.BUY else facts.bid
        exposure = self._reader.exposure(book.holdings, symbol, max((facts.ask, *facts.prices)), netting=book.netting)
        own = Exposure(lots_by_symbol(book.of_workflow(workflow, symbol)), exposure.lot_value, book.netting)
        return Projection(
            workflow_id=workflow,
            symbol=symbol,
            volume=volume,
            notional=exposure.lot_value[symbol] * volume,
            in_symbol=exposure.of_symbol(symbol, side, volume),
            in_all=exposure.of_all(symbol, side, volume),
            of_workflow=own.of_all(symbol, side, volume),
            equity=exact(account.equity),
            margin=self._reader.margin(account, exposure, symbol, side, volume, entry),
        )
