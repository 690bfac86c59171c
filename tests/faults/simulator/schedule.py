"""What happens in one schedule, drawn from its seed: the account, three intents, who hands them in, and every fault."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from mt5_bridge.config import BridgeConfig
from tests.faults.simulator.broker import ASK, BID, OTHER_SYMBOL, SYMBOL
from tests.faults.simulator.kernel import EPOCH
from tests.faults.simulator.terminal import LATEST_EXECUTION_S, LONGEST_LAG_S, Misbehaviour
from tests.unit.mt5_bridge.fake_terminal import LIMITS, LOGIN
from tradeloom.trading.intents import (
    CancelIntent,
    CloseIntent,
    MarketOrderIntent,
    OrderIntent,
    PendingOrderIntent,
    PendingType,
    Side,
    client_order_id,
)

ACCOUNT = "acc"
CALM_AT_S = 12.0
"""From then on nothing fails any more, and everything has to settle."""
HORIZON_S = 1.0 + LATEST_EXECUTION_S + LONGEST_LAG_S
END_S = 120.0
MAX_LOT = Decimal("0.5")
_HAPPENINGS = (
    "the market moves", "the market moves", "a person cancels",
    "disconnect", "disconnect", "terminal restart", "disk full", "journal damaged", "halt", "reduce", "stale quotes",
)  # fmt: skip


@dataclass(slots=True)
class Wish:
    """One intent and who hands it in when. `make` gives the intent with the numbers of its nth decision; an engine that
    starts again decides anew. `after` is the wish whose position or order it closes or takes away."""

    number: int
    make: Callable[[int, int], OrderIntent]
    engines: list[float]
    after: int | None = None


@dataclass(slots=True)
class Schedule:
    seed: int
    rng: Random
    live: bool
    hedging: bool
    rewrites: bool
    trouble: Misbehaviour
    network: float
    wishes: list[Wish] = field(default_factory=list)
    strikes: list[tuple[int, str]] = field(default_factory=list)
    happenings: list[tuple[float, str, Any]] = field(default_factory=list)

    @property
    def config(self) -> BridgeConfig:
        return _config(self.live)


def draw(seed: int) -> Schedule:
    """The schedule of a seed. Each kind of fault is there or not, so that every mixture of them comes up."""
    rng = Random(seed)
    chance = rng.random
    schedule = Schedule(
        seed=seed,
        rng=rng,
        live=chance() < 0.25,
        hedging=chance() < 0.5,
        rewrites=chance() < 0.3,
        trouble=Misbehaviour(
            send=rng.choice((0.0, 0.3, 0.7)), read=rng.choice((0.0, 0.0, 0.03)), lag=rng.choice((0.0, 0.0, 0.5))
        ),
        network=rng.choice((0.0, 0.0, 0.2, 0.5)),
    )
    for number in range(3):
        schedule.wishes.append(_wish(schedule, number))
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        whom = rng.choice(("engine 0", "engine 1", "engine 2", "front", "worker", "worker", "power"))
        schedule.strikes.append((rng.randrange(2, rng.choice((30, 60, 120))), whom))
    for _ in range(rng.choice((0, 0, 1, 2))):
        schedule.happenings.append((rng.uniform(0.0, CALM_AT_S), *_happening(rng)))
    if chance() < 0.5:
        magic = rng.choice((0, 0, 77, 123456789))
        by_hand = (rng.randrange(2), rng.choice((0.1, 0.2)), magic)
        schedule.happenings.append((rng.uniform(0.0, CALM_AT_S), "a trade by hand", by_hand))
    return schedule


def _happening(rng: Random) -> tuple[str, Any]:
    return rng.choice(_HAPPENINGS), rng.uniform(0.2, rng.choice((6.0, 15.0)))


def _wish(schedule: Schedule, number: int) -> Wish:
    rng = schedule.rng
    starts = rng.choice((0.0, 0.0, rng.uniform(0.0, 1.0), rng.uniform(0.0, 5.0)))
    engines = [0.2 + starts]
    if rng.random() < 0.3:  # two schedulers at once, or an event delivered again
        engines.append(0.2 + starts + rng.choice((0.0, 0.01, rng.uniform(0.0, 3.0))))
    deadline = EPOCH + timedelta(seconds=rng.choice((60, 60, 60, 1.5, 5)))
    kind = rng.choice(("market", "market", "pending", "close", "close") if number else ("market", "market", "pending"))
    after = rng.randrange(number) if kind == "close" else None
    lots = Decimal(rng.choice(("0.1", "0.1", "0.02", "0.01", "0.6" if rng.random() < 0.3 else "0.2")))
    symbol = OTHER_SYMBOL if rng.random() < 0.03 else SYMBOL
    side = rng.choice((Side.BUY, Side.BUY, Side.SELL))
    node = f"node {number}"
    common = {
        "client_order_id": client_order_id(f"execution {schedule.seed}", node),
        "account": ACCOUNT,
        "execution_id": f"execution {schedule.seed}",
        "workflow_id": "workflow",
        "node_id": node,
        "created_at": EPOCH,
        "deadline": deadline,
        "symbol": symbol,
    }
    part = Decimal("0.01") if rng.random() < 0.2 else None

    def make(decision: int, target: int) -> OrderIntent:
        volume = lots if decision % 2 == 0 else lots + Decimal("0.01")
        if kind == "close" and target < 0:
            return CancelIntent(**common | {"symbol": None}, order=-target)
        if kind == "close":
            return CloseIntent(**common | {"symbol": SYMBOL}, position=target, volume=part)
        if kind == "pending":
            away = Decimal("0.001") if side is Side.SELL else Decimal("-0.001")
            price = Decimal(str(BID if side is Side.SELL else ASK)) + away
            return PendingOrderIntent(**common, side=side, type=PendingType.LIMIT, volume=volume, price=price)
        return MarketOrderIntent(**common, side=side, volume=volume)

    return Wish(number, make, engines, after)


@lru_cache(maxsize=2)
def _config(live: bool) -> BridgeConfig:
    return BridgeConfig.model_validate(
        {
            "data_dir": Path("/simulated"),
            "accounts": [
                {
                    "name": ACCOUNT,
                    "terminal": "metatrader5",
                    "terminal_path": Path("/simulated/terminal64.exe"),
                    "login": LOGIN,
                    "server_time_zone": "UTC",
                    "live_trading": live,
                    "limits": LIMITS.model_copy(update={"max_lot": MAX_LOT, "symbols": (SYMBOL,)}),
                    "hang_timeout_s": 2.0,
                    "history_horizon_s": HORIZON_S,
                }
            ],
        }
    )
