"""A paper terminal for one symbol from one file of bars: what `tradeloom run --data` and `tradeloom up` trade on."""

import json
import os
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from mt5_bridge.paper.bars import BarSeries, count_decimals, load_bars
from mt5_bridge.paper.config import CONFIG_FILE, parse_config
from mt5_bridge.paper.server_time import to_datetime, to_msc
from mt5_bridge.paper.store import STATE_FILE
from tradeloom.errors import Conflict, InvalidInput
from tradeloom.trading.timeframes import Timeframe

_CURRENCIES = "AUD CAD CHF CNH CZK DKK EUR GBP HKD HUF ILS JPY MXN NOK NZD PLN RUB SEK SGD THB TRY USD ZAR"
_MONEY = frozenset(_CURRENCIES.split())
_METAL_CONTRACTS = {"XAU": 100, "XAG": 5_000, "XPT": 100, "XPD": 100}
_COIN_CONTRACTS = dict.fromkeys(("BTC", "ETH", "LTC", "XRP", "SOL", "BNB"), 1)
_FOREX_CONTRACT = 100_000
_PAIR = re.compile(r"([A-Z]{3})([A-Z]{3})")
_FRACTIONAL_PIP_DIGITS = (3, 5)
_SPREAD_SHARE = 1.5e-4
"""Spread of what is not a currency pair, as a share of its price: about what retail brokers ask for gold."""

_NO_CENTS = frozenset({"JPY", "HUF"})
_DEPOSIT = 10_000


def write_sample_terminal(
    directory: Path,
    *,
    start: datetime,
    csv: Path,
    speed: float = 0.0,
    symbol: str = "EURUSD",
    timeframe: str = "H1",
    price: Literal["ask", "bid"] | None = None,
    spread_points: int | None = None,
    currency: str | None = None,
    balance: Decimal | None = None,
    leverage: int = 100,
    margin_mode: Literal["netting", "hedging"] = "hedging",
    login: int = 5_001_001,
    seed: int = 1,
    slippage_points: int = 0,
    fresh: bool = False,
) -> Path:
    """Writes `paper.json` for one account and one symbol, and returns its path.

    What is not given is derived: digits from the file's decimals; contract and currencies from the symbol's name (six
    letters of two currencies, metals and coins known, anything else a USD contract for difference); a spread of one
    pip; the side quoted from a file name that ends in `_ask`, else bid; the account's currency USD if the symbol has it
    on a side, else the one it is quoted in, so that no other symbol is needed to convert. No commission, no swap.

    Raises `Conflict` if the directory has a terminal already (`fresh=True` discards it with its books), `DataFileError`
    for a bad file, `InvalidInput` naming `symbol`, `timeframe` or `start` (which must lie within the data).
    """
    try:
        frame = Timeframe(timeframe)
    except ValueError as error:
        raise InvalidInput(f"unknown timeframe {timeframe!r}", field="timeframe") from error
    series = load_bars(csv, frame)
    _check_start(series, start)
    digits = min(8, count_decimals(csv))
    terms = _terms(symbol, digits, float(series.open[0]))
    account_currency = currency or terms.pop("account_currency")
    terms.pop("account_currency", None)
    whole_units = account_currency in _NO_CENTS
    deposit = balance if balance is not None else Decimal(_DEPOSIT * (100 if whole_units else 1))
    if spread_points is not None:
        terms["spread_points"] = spread_points
    side = price or ("ask" if csv.name.partition(".")[0].endswith("_ask") else "bid")
    document = {
        "accounts": [
            {
                "login": login,
                "currency": account_currency,
                "currency_digits": 0 if whole_units else 2,
                "balance": str(deposit),
                "leverage": leverage,
                "margin_mode": margin_mode,
            }
        ],
        "symbols": [
            {
                "name": symbol,
                "digits": digits,
                **terms,
                "data": {"path": str(csv.absolute()), "timeframe": frame.value, "price": side},
            }
        ],
        "clock": {"start": start.isoformat(), "speed": speed},
        "seed": seed,
        "slippage_points": slippage_points,
    }
    text = json.dumps(document, indent=2)
    parse_config(text)
    return _write(directory, text, fresh=fresh)


def _terms(symbol: str, digits: int, first_price: float) -> dict[str, Any]:
    """The symbol's terms, with the account currency that suits it under `account_currency`."""
    pair = _PAIR.match(symbol)
    base, quoted = pair.groups() if pair else ("", "")
    contract = _METAL_CONTRACTS.get(base) or _COIN_CONTRACTS.get(base) or (_FOREX_CONTRACT if base in _MONEY else 0)
    is_forex = base in _MONEY
    if not contract or quoted not in _MONEY:
        return {
            "contract_size": 1,
            "currency_base": "USD",
            "currency_profit": "USD",
            "currency_margin": "USD",
            "calc_mode": "cfd_leverage",
            "spread_points": _spread(first_price, digits),
            "account_currency": "USD",
        }
    pip = 10 if digits in _FRACTIONAL_PIP_DIGITS else 1
    return {
        "contract_size": contract,
        "currency_base": base,
        "currency_profit": quoted,
        "currency_margin": base,
        "spread_points": pip if is_forex else _spread(first_price, digits),
        "account_currency": "USD" if "USD" in (base, quoted) else quoted,
    }


def _spread(price: float, digits: int) -> int:
    return max(1, round(price * _SPREAD_SHARE * 10.0**digits))


def _check_start(series: BarSeries, start: datetime) -> None:
    if start.tzinfo is None:
        raise InvalidInput("the start needs an offset, such as Z", field="start")
    first, last = int(series.open_time[0]) * 1_000, int(series.end_time[-1]) * 1_000
    if not first <= to_msc(start) < last:
        raise InvalidInput(
            f"{start.isoformat()} lies outside the data",
            field="start",
            hint=f"{series.path.name} has bars from {to_datetime(first)} to {to_datetime(last)}.",
        )


def _write(directory: Path, text: str, *, fresh: bool) -> Path:
    file = directory / CONFIG_FILE
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if file.exists() and not fresh:
            raise Conflict(
                f"{directory} already holds a paper terminal", hint="Open it, or discard it with fresh=True."
            )
        for suffix in ("", "-wal", "-shm"):
            (directory / f"{STATE_FILE}{suffix}").unlink(missing_ok=True)
        draft = file.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, file)
    except OSError as error:
        raise InvalidInput(f"cannot write {file}: {error}", field="directory") from error
    return file
