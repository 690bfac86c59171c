"""What can be told of an account: by its bridge's front, its worker and its terminal, each as far as it answers."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from tradeloom.api.models.accounts import AccountDetail, Day, Flatten, UndeliveredKill, live_phrase
from tradeloom.errors import BrokerTimeout, TradeloomError
from tradeloom.trading.account_day import DayFigures
from tradeloom.trading.exact import exact
from tradeloom.trading.flattening import FlattenReport
from tradeloom.trading.mt5_broker import MT5Broker

TERMINAL_S: Final = 2.0
"""How long a terminal that hangs may keep an account from being told of."""


async def detail_of(account: str, broker: MT5Broker, undelivered: UndeliveredKill | None) -> AccountDetail:
    parts = await asyncio.gather(
        asyncio.to_thread(_front, broker),
        asyncio.to_thread(_worker, broker),
        _soon(asyncio.to_thread(_terminal, broker)),
        return_exceptions=True,
    )
    found: dict[str, Any] = {"name": account, "available": True, "undelivered": undelivered}
    troubles: list[str] = []
    for part in parts:
        if isinstance(part, TradeloomError):
            found["available"] = False
            troubles.append(part.message)
        elif isinstance(part, BaseException):
            raise part
        else:
            found |= part
    if found.get("trade_mode") == "live":
        found["acknowledgement"] = live_phrase(account)
    found["day"] = _day(found.get("day"), found.get("equity"))
    return AccountDetail(**found, detail=" ".join(dict.fromkeys(troubles)))


def _front(broker: MT5Broker) -> dict[str, Any]:
    """What the bridge's front tells, also while the worker hangs."""
    status, flatten = broker.state(), broker.flattened()
    return {
        "state": status.state.value,
        "state_reason": status.reason,
        "state_by": status.by,
        "state_since": status.changed_at,
        "limits": status.limits.model_dump(mode="json"),
        "throttled": [each.model_dump(mode="json") for each in status.throttled],
        "day": status.day,
        "flatten": None if flatten is None else _flatten(flatten),
    }


def _worker(broker: MT5Broker) -> dict[str, Any]:
    health = broker.health()
    return {"worker": health.get("status"), "unsettled": health.get("unsettled"), "guards": health.get("guards")}


def _terminal(broker: MT5Broker) -> dict[str, Any]:
    account = broker.account()
    return {
        "trade_mode": account.trade_mode,
        "currency": account.currency,
        "balance": account.balance,
        "equity": account.equity,
        "positions": len(broker.positions()),
        "orders": len(broker.orders()),
    }


def _day(figures: DayFigures | None, equity: float | None) -> Day | None:
    if figures is None:
        return None
    losses: dict[str, Any] = {}
    if equity is not None:
        now = exact(equity)
        losses = {name: getattr(figures, name)(now) for name in ("loss", "loss_pct", "drawdown", "drawdown_pct")}
    return Day(began=figures.began, baseline=figures.baseline, peak=figures.peak, **losses)


async def _soon(told: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    try:
        async with asyncio.timeout(TERMINAL_S):
            return await told
    except TimeoutError as error:
        raise BrokerTimeout("The account's terminal does not answer at the moment.") from error


def _flatten(report: FlattenReport) -> Flatten:
    told = report.model_dump(mode="json")
    return Flatten(id=told.pop("flatten_id"), **told)
