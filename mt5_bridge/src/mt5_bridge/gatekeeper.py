"""From intent to a request that may be sent: the account is the right one, the gate says yes, the broker's check too.

Runs before every transmission, so a halt, a passed deadline or a moved price stops the second attempt as it would the
first.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from mt5_bridge import constants as mt5
from mt5_bridge.changes import Change, Target, find_target, unlisted
from mt5_bridge.clock import AccountClock
from mt5_bridge.pending import build_pending_request
from mt5_bridge.preparation import (
    Leg,
    Quote,
    SymbolRules,
    Unsendable,
    build_request,
    closing_leg,
    opening_leg,
)
from mt5_bridge.records import BrokerRecords, Fills
from mt5_bridge.refusals import broker_refusal, rejected
from mt5_bridge.retcodes import NOTHING_TO_DO, Verdict, verdict_of_retcode
from mt5_bridge.risk_gate import RiskGate
from mt5_bridge.server_time import ServerZone
from mt5_bridge.tally import Tally
from mt5_bridge.terminal import PipeBroken, Terminal, connected_account, failure, symbol_facts
from tradeloom.trading.exact import exact
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    MarketOrderIntent,
    ModifyIntent,
    OrderIntent,
    OrderOutcome,
    OutcomeStatus,
    PendingOrderIntent,
    Side,
)
from tradeloom.trading.risk import Action
from tradeloom.trading.risk_rules import OrderFacts

_CHECK_REFUSES = frozenset({Verdict.FINAL_REJECT, Verdict.FINAL_BAD_REQUEST, Verdict.DEFER_TO_SESSION})


@dataclass(frozen=True, slots=True)
class Order:
    """A request ready to be transmitted, and the quote it is based on; changes have neither quote nor filling mode.
    `adds_risk` is what it does to the account's."""

    request: dict[str, Any]
    adds_risk: bool
    quote: Quote | None = None
    filling: int | None = None


class Gatekeeper:
    """Makes orders of intents, or the outcome that refuses them. Sends nothing.

    `login` is the account this worker was set up for; `live_trading` arms a real-money account.
    """

    def __init__(
        self,
        terminal: Terminal,
        risk: RiskGate,
        records: BrokerRecords,
        clock: AccountClock,
        zone: ServerZone,
        *,
        login: int,
        live_trading: bool,
        tally: Tally | None = None,
    ) -> None:
        self._terminal = terminal
        self._risk = risk
        self._records = records
        self._clock = clock
        self._zone = zone
        self._login = login
        self._live_trading = live_trading
        self._tally = tally or Tally()

    def admit(self, intent: OrderIntent, first: Quote | None, fillings_refused: frozenset[int]) -> Order | OrderOutcome:
        """`first` is the quote of the first attempt, None for it; `fillings_refused` were answered with 10030.

        Raises `BrokerError` or one of its kinds while nothing can be decided; nothing has been sent then.
        """
        account = connected_account(self._terminal, self._login)
        if isinstance(intent, ModifyIntent | CancelIntent):
            return self._admit_change(intent, account)
        info = symbol_facts(self._terminal, intent.symbol)
        try:
            drafted = self._draft_order(intent, info, account, first, fillings_refused)
        except (Unsendable, ArithmeticError) as error:
            return _unsendable(intent, error)
        return drafted if isinstance(drafted, OrderOutcome) else self._check(intent, drafted)

    def not_shown_yet(self, order_id: str, ticket: int) -> None:
        """The order was carried out, and the terminal does not list it yet: it counts all the same."""
        self._risk.not_shown_yet(order_id, ticket)

    def already_closed(self, intent: CloseIntent) -> OrderOutcome:
        """The outcome of a close that finds nothing left to close, with the price and profit it went out at."""
        return closed_already(intent, self._records.last_close(intent.position))

    def _draft_order(
        self,
        intent: MarketOrderIntent | CloseIntent | PendingOrderIntent,
        info: Any,
        account: Any,
        first: Quote | None,
        fillings_refused: frozenset[int],
    ) -> Order | OrderOutcome:
        rules = SymbolRules.of(info)
        leg = self._leg(intent, rules)
        if isinstance(leg, OrderOutcome):
            return leg
        action = Action.CLOSE if isinstance(intent, CloseIntent) else Action.OPEN
        tick = self._terminal.symbol_info_tick(intent.symbol)
        prices: tuple[float, ...] = ()
        deviation = 0.0
        if isinstance(intent, PendingOrderIntent):
            prices = tuple(float(price) for price in (intent.price, intent.limit_price) if price is not None)
        else:
            deviation = float(intent.deviation * rules.point)
        facts = self._facts(intent, action, intent.symbol, leg.volume, tick, prices, deviation)
        refused = self._gate(intent, facts, account, leg.side)
        if refused is not None:
            return refused
        quote = Quote(exact(tick.bid), exact(tick.ask))
        order = self._order(intent, leg, rules, quote, fillings_refused)
        if first is not None and not isinstance(intent, PendingOrderIntent):
            moved = abs(quote.entry(leg.side) - first.entry(leg.side))
            if moved > intent.deviation * rules.point:
                points = moved / rules.point
                message = f"the price moved {points:.0f} points while trying, more than the {intent.deviation} allowed"
                return rejected(intent, "broker", message)
        return order

    def _admit_change(self, intent: ModifyIntent | CancelIntent, account: Any) -> Order | OrderOutcome:
        """`order_check` is not asked: it judges margin, which a change does not touch."""
        try:
            target = find_target(self._records, intent)
        except Unsendable as error:
            return _unsendable(intent, error)
        if not isinstance(target, Target):
            return target
        info = symbol_facts(self._terminal, target.record.symbol)
        try:
            return self._draft_change(intent, target, info, account)
        except (Unsendable, ArithmeticError) as error:
            return _unsendable(intent, error)

    def _draft_change(
        self, intent: ModifyIntent | CancelIntent, target: Target, info: Any, account: Any
    ) -> Order | OrderOutcome:
        rules = SymbolRules.of(info)
        change = Change.of(intent, target, rules, self._zone, self._clock.now())
        if isinstance(change, OrderOutcome):
            return change
        tick = self._terminal.symbol_info_tick(info.name)
        facts = self._facts(intent, change.action, info.name, target.volume, tick, change.new_prices())
        refused = self._gate(intent, facts, account, target.side)
        if refused is not None:
            return refused
        quote = None if tick is None else Quote(exact(tick.bid), exact(tick.ask))
        return Order(change.request(rules, quote), not change.action.reduces)

    def _leg(
        self, intent: MarketOrderIntent | CloseIntent | PendingOrderIntent, rules: SymbolRules
    ) -> Leg | OrderOutcome:
        if not isinstance(intent, CloseIntent):
            return opening_leg(intent, rules)
        position = self._records.open_position(intent.position)
        if position is not None:
            return closing_leg(intent, position, rules)
        if not self._records.knows_position(intent.position):
            raise Unsendable(f"the account has no position {intent.position} and never had one")
        if self._records.is_only_unlisted(intent.position):
            raise unlisted(intent.position)
        return self.already_closed(intent)

    def _facts(
        self,
        intent: OrderIntent,
        action: Action,
        symbol: str,
        volume: Decimal,
        tick: Any,
        prices: tuple[float, ...],
        deviation: float = 0.0,
    ) -> OrderFacts:
        return OrderFacts(
            action=action,
            symbol=symbol,
            volume=volume,
            bid=0.0 if tick is None else tick.bid,
            ask=0.0 if tick is None else tick.ask,
            price_time=None if tick is None else _moment(self._zone.to_utc(tick.time_msc / 1000)),
            now=self._clock.now(),
            deadline=intent.deadline,
            prices=prices,
            deviation=deviation,
        )

    def _gate(self, intent: OrderIntent, facts: OrderFacts, account: Any, side: Side) -> OrderOutcome | None:
        if account.trade_mode == mt5.ACCOUNT_TRADE_MODE_REAL and not self._live_trading:
            self._tally.refused("live_trading")
            message = "this is a real-money account and live trading is not armed"
            return rejected(intent, "risk", message, rule="live_trading")
        refused = self._risk.refusal(intent, facts, account, side)
        if refused is None:
            return None
        self._tally.refused(refused.rule)
        return rejected(intent, refused.reason, refused.message, rule=refused.rule)

    def _order(
        self,
        intent: MarketOrderIntent | CloseIntent | PendingOrderIntent,
        leg: Leg,
        rules: SymbolRules,
        quote: Quote,
        fillings_refused: frozenset[int],
    ) -> Order:
        modes = rules.filling_modes(
            pending=isinstance(intent, PendingOrderIntent), closing=isinstance(intent, CloseIntent)
        )
        allowed = [mode for mode in modes if mode not in fillings_refused]
        if not allowed:
            raise Unsendable(f"{intent.symbol} accepts none of the filling modes")
        if isinstance(intent, PendingOrderIntent):
            request = build_pending_request(intent, leg, rules, quote, allowed[0], self._zone)
        else:
            request = build_request(intent, leg, rules, quote, allowed[0])
        return Order(request, not isinstance(intent, CloseIntent), quote, allowed[0])

    def _check(self, intent: OrderIntent, order: Order) -> Order | OrderOutcome:
        """The terminal's own check, which knows margin and stops. Only its firm refusals count."""
        checked = self._terminal.order_check(order.request)
        if checked is None:
            error = failure(self._terminal, "checking the order")
            if isinstance(error, PipeBroken):
                raise error
            return rejected(intent, "invalid", error.message)
        if checked.retcode == 0:
            return order
        verdict = verdict_of_retcode(checked.retcode)
        if isinstance(intent, CloseIntent) and verdict in NOTHING_TO_DO:
            return self.already_closed(intent)
        if verdict in _CHECK_REFUSES:
            return broker_refusal(intent, checked.retcode, checked.comment)
        return order


def closed_already(intent: CloseIntent, fills: Fills | None) -> OrderOutcome:
    """`fills` are what took the position out of the market, None where that is not known."""
    return OrderOutcome(
        client_order_id=intent.client_order_id,
        status=OutcomeStatus.DONE,
        position=intent.position,
        price=fills.price if fills else None,
        profit=fills.profit if fills else None,
        reason="already_closed",
        message=f"position {intent.position} was already closed",
    )


def _unsendable(intent: OrderIntent, error: Exception) -> OrderOutcome:
    return rejected(intent, "invalid", str(error) or "the symbol has no usable specification")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=UTC)
