"""`paper.json`: the accounts, symbols and clock of a paper terminal, validated.

Numbers that decide money are read as decimals, never through binary floats. Volumes are in lots, prices in points
(the last digit) where a name says so, levels in percent.
"""

import json
from datetime import UTC, tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AwareDatetime,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from mt5_bridge.paper.conditions import NotNegative, Points, Positive, RolloverSpread, Section, Share, Slippage
from mt5_bridge.paper.errors import TerminalConfigError
from mt5_bridge.paper.faults import Fault, RandomFaults
from tradeloom.trading.timeframes import Timeframe

CONFIG_FILE = "paper.json"

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3,8}$")]
Text = Annotated[str, Field(max_length=128)]
SwapMode = Literal[
    "points", "currency_base", "currency_margin", "currency_deposit", "interest_current", "interest_open"
]
_HOUR_S = 3_600
WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
Weekday = Literal["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]


class AccountConfig(Section):
    """`balance` is the first deposit. Below `margin_call_level` the account is in margin call, at `stop_out_level` the
    broker begins to close positions (both percent of equity over margin). A `password`, if set, is asked for."""

    login: int = Field(gt=0, lt=2**63)
    name: Text = "Paper account"
    server: Text = "Tradeloom-Paper"
    company: Text = "Tradeloom"
    currency: Currency = "USD"
    currency_digits: int = Field(default=2, ge=0, le=8)
    balance: NotNegative = Decimal(10_000)
    leverage: int = Field(default=100, ge=1, le=10_000)
    margin_mode: Literal["netting", "hedging"] = "hedging"
    margin_call_level: NotNegative = Decimal(100)
    stop_out_level: NotNegative = Decimal(50)
    limit_orders: int = Field(default=200, ge=1)
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stop_out_level > self.margin_call_level:
            raise ValueError("stop_out_level must not be above margin_call_level")
        if self.balance != self.balance.quantize(Decimal(1).scaleb(-self.currency_digits)):
            raise ValueError(f"balance has more than currency_digits ({self.currency_digits}) decimals")
        return self


class DataConfig(Section):
    """Bars to replay. A relative path starts at the terminal's directory; `price` says which side the file quotes.
    `counter_path` is a file of the same bars on the other side: then the spread is the real one."""

    path: Path
    timeframe: Timeframe
    price: Literal["ask", "bid"]
    counter_path: Path | None = None

    def within(self, directory: Path) -> Self:
        """With paths that start at `directory`."""
        counter = None if self.counter_path is None else directory / self.counter_path
        return self.model_copy(update={"path": directory / self.path, "counter_path": counter})


class SymbolConfig(Section):
    """A symbol's specification. Commissions are charged on each deal, on its way in and on its way out, in the
    account's currency. Swaps are what a lot earns a night: points, an amount of a currency, or percent a year of the
    position's value now or at its opening, as `swap_mode` says; `margin_hedged` is the contract size that counts for a
    lot bought and a lot sold together.

    Off unless set: `slippage` (else the terminal's), `rollover_spread`, `liquidity_lots` (the most one quote fills of
    an order), and under instant execution the probabilities of a requote (10004) and of no price (10021)."""

    name: str = Field(min_length=1, max_length=29)
    description: Text = ""
    digits: int = Field(ge=0, le=8)
    contract_size: Positive = Decimal(100_000)
    currency_base: Currency
    currency_profit: Currency
    currency_margin: Currency
    calc_mode: Literal["forex", "cfd", "cfd_leverage"] = "forex"
    volume_min: Positive = Decimal("0.01")
    volume_max: Positive = Decimal(100)
    volume_step: Positive = Decimal("0.01")
    tick_size: Positive | None = None
    spread_points: Points
    stops_level: Points = 0
    freeze_level: Points = 0
    rollover_spread: RolloverSpread | None = None
    slippage: Slippage | None = None
    liquidity_lots: Positive | None = None
    requote_probability: Share = 0.0
    price_off_probability: Share = 0.0
    execution: Literal["instant", "market", "exchange"] = "instant"
    trade_mode: Literal["disabled", "long_only", "short_only", "close_only", "full"] = "full"
    filling_modes: frozenset[Literal["fok", "ioc", "boc"]] = frozenset({"fok", "ioc"})
    commission_per_lot: NotNegative = Decimal(0)
    commission_per_deal: NotNegative = Decimal(0)
    swap_mode: SwapMode = "points"
    swap_long: Decimal = Field(default=Decimal(0), allow_inf_nan=False)
    swap_short: Decimal = Field(default=Decimal(0), allow_inf_nan=False)
    swap_triple_day: Weekday = "wednesday"
    margin_hedged: NotNegative | None = None
    data: DataConfig

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.volume_min > self.volume_max:
            raise ValueError("volume_min must not be above volume_max")
        if self.volume_min % self.volume_step:
            raise ValueError("volume_min must be a multiple of volume_step")
        if self.tick_size is not None and self.tick_size % self.point:
            raise ValueError(f"tick_size must be a multiple of the point ({self.point})")
        if self.liquidity_lots is not None and self.liquidity_lots % self.volume_step:
            raise ValueError("liquidity_lots must be a multiple of volume_step")
        if self.requote_probability + self.price_off_probability > 1:
            raise ValueError("requote_probability and price_off_probability must not exceed 1 together")
        return self

    @model_validator(mode="after")
    def _one_spread(self) -> Self:
        if self.rollover_spread is None:
            return self
        if self.data.counter_path is not None:
            raise ValueError(
                "rollover_spread and data.counter_path exclude each other: real series are as wide as they are"
            )
        if self.data.timeframe.seconds > _HOUR_S:
            raise ValueError("rollover_spread needs bars of H1 or finer")
        return self

    @property
    def point(self) -> Decimal:
        """The smallest quoted unit of the price."""
        return Decimal(1).scaleb(-self.digits)

    @property
    def tick_points(self) -> int:
        """The smallest price step, in points."""
        return 1 if self.tick_size is None else int(self.tick_size / self.point)

    @property
    def hedged_ratio(self) -> Decimal:
        """Margin of a bought and a sold lot together, as a share of one lot's (one leg, unless configured)."""
        return Decimal(1) if self.margin_hedged is None else self.margin_hedged / self.contract_size

    def price(self, points: Decimal | int) -> Decimal:
        """A price in points as a price."""
        return Decimal(points) * self.point


class ClockConfig(Section):
    """Where the market clock first stands, and market seconds a wall-clock second (0: it stands until advanced)."""

    start: AwareDatetime
    speed: float = Field(default=0.0, ge=0.0, le=1e6, allow_inf_nan=False)


class TerminalConfig(Section):
    """`accounts[0]` is the one logged in at the start. `slippage_points` bounds the seeded adverse slippage of market
    and stop orders. `server_time_zone` is the zone of the broker's clock, and of data files that name none."""

    accounts: tuple[AccountConfig, ...] = Field(min_length=1)
    symbols: tuple[SymbolConfig, ...] = Field(min_length=1)
    clock: ClockConfig
    seed: int = 0
    slippage_points: Points = 0
    server_time_zone: str = "UTC"
    faults: tuple[Fault, ...] = ()
    random_faults: RandomFaults | None = None

    @field_validator("server_time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"unknown time zone {value!r}") from error
        return value

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for what, values in (
            ("login", [account.login for account in self.accounts]),
            ("symbol", [symbol.name for symbol in self.symbols]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"a {what} is given twice")
        return self

    @property
    def zone(self) -> tzinfo:
        return UTC if self.server_time_zone == "UTC" else ZoneInfo(self.server_time_zone)


def parse_config(text: str) -> TerminalConfig:
    """The configuration in a JSON text; `TerminalConfigError` names the first wrong field (`symbols.0.digits`)."""
    try:
        document = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise TerminalConfigError(f"{CONFIG_FILE} is not JSON: {error}", field=CONFIG_FILE) from error
    try:
        return TerminalConfig.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or CONFIG_FILE
        raise TerminalConfigError(f"{CONFIG_FILE}: {field}: {first['msg']}", field=field) from error


def load_config(directory: Path) -> TerminalConfig:
    """Reads `paper.json` of a terminal directory and makes its data paths absolute. Raises `TerminalConfigError`."""
    file = directory / CONFIG_FILE
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise TerminalConfigError(f"cannot read {file}: {error}", field=CONFIG_FILE) from error
    config = parse_config(text)
    symbols = tuple(symbol.model_copy(update={"data": symbol.data.within(directory)}) for symbol in config.symbols)
    return config.model_copy(update={"symbols": symbols})
