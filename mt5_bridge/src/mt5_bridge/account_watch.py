"""Keeps the account's day and its highest equity: beside the journal, so that neither a restart nor a kill forgets.

The record moves with the broker's own deals. While balance and credit stand, nothing was booked and no history is read;
when they have moved, the deals since the last look must explain it, and until they do nothing is judged. After
`_PATIENCE_S` the rest counts as the account's result. A day whose beginning nobody saw is reckoned back from the
broker's history: what was open then is valued at the prices of its bars.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from mt5_bridge import constants as mt5
from mt5_bridge import risk_facts
from mt5_bridge.clock import AccountClock
from mt5_bridge.day_start import held_at, value_at_start
from mt5_bridge.journal import Journal
from mt5_bridge.risk_book import Unjudgeable, known, result_of
from mt5_bridge.server_time import ServerZone
from mt5_bridge.terminal import Terminal, read_all
from tradeloom.errors import StorageUnavailable
from tradeloom.trading.account_day import AccountDay
from tradeloom.trading.exact import exact
from tradeloom.trading.risk import AccountState
from tradeloom.trading.risk_limits import RiskLimits

_log = logging.getLogger(__name__)

_DAY_S = 86_400
_SEEN_S = 60.0
"""A look so soon after the day began saw its beginning."""
_PATIENCE_S = 60.0
"""How long (market time) the broker's history may lag behind the balance."""
_SLACK = timedelta(hours=1)
"""A server clock that goes through an hour twice cannot say which one is meant: ask for more."""
_BACK = timedelta(days=2)
"""A clock is set back by less, a night that is repeated included; by more it is, or was, wrong."""
_CENT = Decimal("0.01")
_TRADES = (mt5.DEAL_TYPE_BUY, mt5.DEAL_TYPE_SELL)
_CAPITAL = frozenset({2, 3, 5, 6})
"""`DEAL_TYPE_*` of what is paid in or out: balance, credit, correction, bonus."""
_RULE = "max_daily_loss_pct"


def day_start(zone: ServerZone, moment: datetime) -> datetime:
    """When the day a moment lies in began by a zone's clock, in UTC."""
    midnight = zone.from_utc(moment.timestamp()) // _DAY_S * _DAY_S
    return datetime.fromtimestamp(zone.to_utc(midnight), tz=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """The account's day, and the equity it is held against."""

    day: AccountDay
    equity: Decimal


class AccountWatch:
    """`zone` is the server's clock, `day_zone` the one whose midnight begins the account's day."""

    def __init__(
        self, terminal: Terminal, journal: Journal, clock: AccountClock, zone: ServerZone, day_zone: ServerZone
    ) -> None:
        self._terminal = terminal
        self._journal = journal
        self._clock = clock
        self._zone = zone
        self._day_zone = day_zone
        self._unexplained: datetime | None = None
        self._known: tuple[Any, AccountDay] | None = None  # as it was read last

    def look(self, account: Any, limits: RiskLimits) -> Standing:
        """How the account stands now, kept. A drawdown that has reached its limit halts the account.

        Raises `Unjudgeable` when it cannot be told, `BrokerError` or `StorageUnavailable` kinds when it cannot be read.
        """
        equity = known(account.equity, _RULE, "equity")
        money = known(account.balance, _RULE, "the balance") + known(account.credit, _RULE, "credit")
        facts = self._journal.facts(risk_facts.RISK)
        before = self._read(facts.get(risk_facts.DAY))
        if before is not None and risk_facts.REBASE in facts and before.seen - self._clock.now() > _BACK:
            before = None  # a wrong clock had led it into the future, and a person has looked at it
        day = self._brought_up(before, equity, money)
        if facts.get(risk_facts.REBASE) and day.drawdown_pct(equity) >= exact(limits.max_drawdown_pct):
            day = day.model_copy(update={"peak": equity})  # a person has looked at it and let the account go on
        day = day.kept(equity, limits.max_daily_loss_pct)
        if day != before or risk_facts.REBASE in facts:
            heard = {risk_facts.REBASE: None} if risk_facts.REBASE in facts else {}  # one said since is for the next
            self._keep(day, heard)
        self._halt_if_due(day, equity, limits)
        return Standing(day, equity)

    def keep_workflow_loss(self, day: AccountDay, workflow_id: str, floating: Decimal, limit_pct: float) -> None:
        """A workflow whose day is over stays so."""
        kept = day.workflow_kept(workflow_id, floating, limit_pct)
        if kept != day:
            self._keep(kept, {})

    def _keep(self, day: AccountDay, heard: dict[str, None]) -> None:
        record = day.model_dump(mode="json")
        self._journal.keep({risk_facts.DAY: record, **heard})
        self._known = record, day

    def _read(self, record: Any) -> AccountDay | None:
        if record is None:
            return None
        if self._known is None or self._known[0] != record:
            try:
                self._known = record, AccountDay.model_validate(record)
            except ValidationError as error:
                raise StorageUnavailable("the account's day beside the journal cannot be read") from error
        return self._known[1]

    def _halt_if_due(self, day: AccountDay, equity: Decimal, limits: RiskLimits) -> None:
        fallen = day.drawdown_pct(equity)
        if fallen < exact(limits.max_drawdown_pct) or self._journal.in_force()[0] is AccountState.HALTED:
            return
        if self._journal.fact(risk_facts.REBASE) is not None:
            return  # a person has cleared the halt while this look was under way
        reason = (
            f"equity {equity:.2f} is {fallen:.2f} % below its highest of {day.peak:.2f}; the limit is "
            f"{limits.max_drawdown_pct:g} %"
        )
        self._journal.set_state(AccountState.HALTED, reason=reason, by="risk gate", clear=False)
        _log.error("the account is halted: %s", reason)

    def _brought_up(self, before: AccountDay | None, equity: Decimal, money: Decimal) -> AccountDay:
        now = self._clock.now()
        began = day_start(self._day_zone, now)
        if before is None or began > before.began:
            return self._new_day(before, began, now, equity, money)
        if before.began - began > _BACK:
            raise Unjudgeable(
                _RULE,
                f"the market's clock is at {now:%Y-%m-%d %H:%M} UTC, before the account's day, which began "
                f"{before.began:%Y-%m-%d %H:%M}; once the clock is right, halt the account and clear it to count anew",
            )
        if money == before.money:
            self._unexplained = None
            return before
        deals = self._deals(before.seen, now, before.last_deal)
        self._explain(before, money, deals, now)
        paid_in = sum((_amount(deal) for deal in deals if deal.type in _CAPITAL), Decimal(0))
        return before.moved(equity, money, now, _last(deals), paid_in, self._booked(deals))

    def _new_day(
        self, before: AccountDay | None, began: datetime, now: datetime, equity: Decimal, money: Decimal
    ) -> AccountDay:
        if before is None and equity <= 0:
            # A terminal that has only just connected may show this; a day may not be measured from it.
            raise Unjudgeable(
                _RULE, f"the account shows an equity of {equity:.2f}: there is nothing to begin its day with"
            )
        since = began if before is None else min(began, before.seen)
        deals = self._deals(since, now, -1)
        fresh = deals if before is None else [deal for deal in deals if deal.ticket > before.last_deal]
        if before is not None:
            self._explain(before, money, fresh, now)
        today = [deal for deal in deals if self._utc(deal) >= began]
        positions = read_all(self._terminal, "positions_get")
        if (now - began).total_seconds() <= _SEEN_S:
            baseline, paid_in, booked = equity, Decimal(0), dict[str, Decimal]()
            start = self._by_workflow((each.magic, result_of(each)) for each in positions)
        else:
            paid_in = sum((_amount(deal) for deal in today if deal.type in _CAPITAL), Decimal(0))
            booked = self._booked(today)
            worth = self._worth_at(began, positions, today)
            start = self._by_workflow(worth)
            baseline = money - sum((_amount(deal) for deal in today), Decimal(0)) + sum(each for _, each in worth)
            baseline += paid_in
        peak = max(equity, baseline)
        if before is not None:
            peak = max(peak, before.peak + sum((_amount(d) for d in fresh if d.type in _CAPITAL), Decimal(0)))
        results = {
            name: booked.get(name, Decimal(0)) - start.get(name, Decimal(0)) for name in sorted({*booked, *start})
        }
        last = max(_last(deals), 0 if before is None else before.last_deal)
        return AccountDay(
            began=began, baseline=baseline, peak=peak, money=money, last_deal=last, seen=now, results=results
        )

    def _worth_at(self, began: datetime, positions: tuple[Any, ...], today: Iterable[Any]) -> list[tuple[int, Decimal]]:
        """Magic number and result so far, at the day's start, of every position that was open then."""
        worth = []
        for position_id, lots in held_at(positions, today).items():
            deals = read_all(self._terminal, "history_deals_get", position=position_id)
            before = [deal for deal in deals if self._utc(deal) < began]
            if before:
                value = value_at_start(self._terminal, before, lots, int(self._zone.from_utc(began.timestamp())))
                worth.append((before[0].magic, value))
        return worth

    def _explain(self, before: AccountDay, money: Decimal, deals: Iterable[Any], now: datetime) -> None:
        """Raises `Unjudgeable` while the deals known do not explain how balance and credit moved."""
        booked = sum((_amount(deal) for deal in deals), Decimal(0))
        rest = money - before.money - booked
        if abs(rest) <= _CENT:
            self._unexplained = None
            return
        self._unexplained = self._unexplained or now
        if (now - self._unexplained).total_seconds() < _PATIENCE_S:
            raise Unjudgeable(_RULE, f"the balance moved by {rest:.2f} that the broker's history does not explain yet")
        _log.warning("the balance moved by %.2f that no deal explains: it counts as the account's result", rest)
        self._unexplained = None

    def _booked(self, deals: Iterable[Any]) -> dict[str, Decimal]:
        """By workflow, what trades booked. A closing deal belongs to whoever opened the position."""
        return self._by_workflow((self._opener(deal), _amount(deal)) for deal in deals if deal.type in _TRADES)

    def _opener(self, deal: Any) -> int:
        if deal.entry == mt5.DEAL_ENTRY_IN:
            return int(deal.magic)
        first = read_all(self._terminal, "history_deals_get", position=deal.position_id)
        return int(first[0].magic if first else deal.magic)

    def _by_workflow(self, amounts: Iterable[tuple[int, Decimal]]) -> dict[str, Decimal]:
        told = list(amounts)
        workflows = self._journal.workflows({magic for magic, _ in told}) if told else {}
        found: defaultdict[str, Decimal] = defaultdict(Decimal)
        for magic, amount in told:
            if magic in workflows:
                found[workflows[magic]] += amount
        return dict(found)

    def _deals(self, since: datetime, until: datetime, after: int) -> list[Any]:
        """The account's deals of a period, numbered above `after`, the earliest first."""
        first = int(self._zone.from_utc((since - _SLACK).timestamp()))
        last = int(self._zone.from_utc((until + _SLACK).timestamp()))
        found = read_all(self._terminal, "history_deals_get", first, last)
        return sorted((deal for deal in found if deal.ticket > after), key=lambda deal: (deal.time_msc, deal.ticket))

    def _utc(self, deal: Any) -> datetime:
        return datetime.fromtimestamp(self._zone.to_utc(deal.time_msc / 1000), tz=UTC)


def _amount(deal: Any) -> Decimal:
    """What a deal moved balance or credit by."""
    parts = (deal.profit, deal.commission, deal.swap, deal.fee)
    return sum((known(part, _RULE, f"an amount of deal {deal.ticket}") for part in parts), Decimal(0))


def _last(deals: Iterable[Any]) -> int:
    return max((deal.ticket for deal in deals), default=0)
