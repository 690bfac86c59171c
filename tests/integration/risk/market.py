"""Accounts in USD, EUR and JPY that trade the same sixteen symbols behind a real bridge, one moving at a time."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mt5_bridge.launcher import BridgeProcess
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk_limits import RiskLimits

MONDAY = datetime(2024, 1, 8, tzinfo=UTC)
CURRENCIES = {"USD": 2, "EUR": 2, "JPY": 0}
BALANCES = {"USD": "100000", "EUR": "90000", "JPY": "15000000"}
LOGINS = {currency: 5_001_001 + number for number, currency in enumerate(CURRENCIES)}
STEP_PCT = Decimal("0.1")
"""How far a bar of a symbol's own day moves, in percent: far enough that a stop of 2 % is hit within a day."""


@dataclass(frozen=True)
class Instrument:
    """A symbol as brokers specify it. `price` is where its bid stands all the other days."""

    name: str
    base: str
    profit: str
    digits: int
    price: str
    contract: str = "100000"
    step: str = "0.01"
    spread: int = 12
    mode: str = "forex"
    commission: str = "0"
    most: str = "500"


INSTRUMENTS = (
    Instrument("EURUSD", "EUR", "USD", 5, "1.09512", commission="3.5"),
    Instrument("GBPUSD", "GBP", "USD", 5, "1.27123"),
    Instrument("AUDUSD", "AUD", "USD", 5, "0.66871"),
    Instrument("USDCHF", "USD", "CHF", 5, "0.85234"),
    Instrument("USDCAD", "USD", "CAD", 5, "1.33871"),
    Instrument("USDJPY", "USD", "JPY", 3, "144.512", commission="3"),
    Instrument("EURJPY", "EUR", "JPY", 3, "158.254"),
    Instrument("GBPJPY", "GBP", "JPY", 3, "183.701", step="0.1"),
    Instrument("EURGBP", "EUR", "GBP", 5, "0.86151"),
    Instrument("AUDCAD", "AUD", "CAD", 5, "0.89518"),
    Instrument("XAUUSD", "XAU", "USD", 2, "2045.32", contract="100", spread=30),
    Instrument("XAGUSD", "XAG", "USD", 3, "23.112", contract="5000", spread=25),
    Instrument("DE40", "EUR", "EUR", 1, "16590.4", contract="1", step="0.1", spread=15, mode="cfd_leverage"),
    Instrument("US500", "USD", "USD", 1, "4760.3", contract="10", step="0.1", spread=5, mode="cfd_leverage"),
    Instrument("JP225", "JPY", "JPY", 0, "33377", contract="1", step="1", spread=7, mode="cfd_leverage", most="100000"),
    Instrument("BTCUSD", "BTC", "USD", 2, "46950.11", contract="1", spread=2_000, mode="forex", commission="5"),
)


def falls_on(number: int) -> datetime:
    """The day on which a symbol falls and, on the next, rises; it stands still on all others."""
    return MONDAY + timedelta(days=2 * number)


def write_bars(folder: Path, number: int, instrument: Instrument) -> Path:
    """Hourly bids without gaps: a day of falling, a day of rising past where it began and back, else nothing moves."""
    rows = ["time,open,high,low,close,volume"]
    price = start = Decimal(instrument.price)
    unit = Decimal(1).scaleb(-instrument.digits)
    move = (start * STEP_PCT * 2 / 100).quantize(unit)
    for hour in range(24 * 2 * (len(INSTRUMENTS) + 1)):
        opening = MONDAY + timedelta(hours=hour)
        own = (opening - falls_on(number)) / timedelta(hours=1)
        close = price
        if 1 <= own < 24:
            close = price - move
        elif 24 <= own < 25:
            price = close = start  # overnight it is back, while nothing is held
        elif 25 <= own < 47:
            close = price + move
        elif own == 47:
            price = close = start
        high, low = max(price, close), min(price, close)
        rows.append(f"{opening.isoformat()},{price},{high},{low},{close},100")
        price = close
    path = folder / f"{instrument.name}.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


class RiskMarket:
    """`accounts[currency]` is the broker of an account in that currency; all clocks stand until they are moved."""

    def __init__(self, directory: Path) -> None:
        bars = {each.name: write_bars(directory, number, each) for number, each in enumerate(INSTRUMENTS)}
        for currency in CURRENCIES:
            (directory / currency).mkdir()
            (directory / currency / "paper.json").write_text(json.dumps(_terminal(currency, bars)))
        limits = RiskLimits.for_paper(
            [each.name for each in INSTRUMENTS], max_lot=Decimal(1_000_000), max_price_age_s=43_200
        ).model_dump(mode="json")
        accounts = [
            {
                "name": currency,
                "terminal": "paper",
                "terminal_path": currency,
                "login": LOGINS[currency],
                "server_time_zone": "UTC",
                "limits": limits,
            }
            for currency in CURRENCIES
        ]
        config = directory / "bridge.json"
        config.write_text(json.dumps({"data_dir": "data", "accounts": accounts}))
        self._bridge = BridgeProcess(config)
        self.client = BridgeClient(self._bridge.state_file)

    def __enter__(self) -> Self:
        self._bridge.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._bridge.stop()

    def broker(self, currency: str) -> MT5Broker:
        return self.client.account(currency)


def _terminal(currency: str, bars: dict[str, Path]) -> dict[str, Any]:
    return {
        "accounts": [
            {
                "login": LOGINS[currency],
                "currency": currency,
                "currency_digits": CURRENCIES[currency],
                "balance": BALANCES[currency],
                "leverage": 500,
                "margin_mode": "hedging",
            }
        ],
        "symbols": [_symbol(each, bars[each.name]) for each in INSTRUMENTS],
        "clock": {"start": MONDAY.isoformat(), "speed": 0},
    }


def _symbol(instrument: Instrument, csv: Path) -> dict[str, Any]:
    return {
        "name": instrument.name,
        "digits": instrument.digits,
        "contract_size": instrument.contract,
        "currency_base": instrument.base,
        "currency_profit": instrument.profit,
        "currency_margin": instrument.base,
        "calc_mode": instrument.mode,
        "volume_min": instrument.step,
        "volume_max": instrument.most,
        "volume_step": instrument.step,
        "spread_points": instrument.spread,
        "execution": "market",
        "commission_per_lot": instrument.commission,
        "data": {"path": str(csv), "timeframe": "H1", "price": "bid"},
    }
