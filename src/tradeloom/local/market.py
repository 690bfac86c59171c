"""The paper market of one machine: terminals, the bridge in front of them, the test account beside the real one."""

import json
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from mt5_bridge.launcher import BridgeProcess
from mt5_bridge.paper.bars import BarSeries, load_bars
from mt5_bridge.paper.config import CONFIG_FILE
from mt5_bridge.paper.sample import write_sample_terminal
from mt5_bridge.paper.server_time import to_datetime
from tradeloom.errors import InvalidInput
from tradeloom.local.home import Home
from tradeloom.local.places import bundled_bars
from tradeloom.trading.mt5_client import BridgeClient
from tradeloom.trading.risk_limits import RiskLimits
from tradeloom.trading.timeframes import Timeframe

ACCOUNT = "paper"
TEST_ACCOUNT = "paper-test"
"""Where test mode trades: the same symbols and prices, money of its own."""

_LOGINS = {ACCOUNT: 5_001_001, TEST_ACCOUNT: 5_001_002}
_SESSION = "session"
MAX_LOT = Decimal(10)
MAX_PRICE_AGE_S = 300.0
WARM_UP_SHARE = 2 / 3
"""A new market stands where two thirds of its bars lie behind it, so that every indicator has its warm-up."""


@dataclass(frozen=True)
class MarketData:
    """Bars to replay. `start` is where a new market stands; None: two thirds into the data."""

    csv: Path
    symbol: str = "EURUSD"
    timeframe: str = "H1"
    start: datetime | None = None

    def series(self) -> BarSeries:
        """The bars. Raises `DataFileError`, or `InvalidInput` for the timeframe."""
        try:
            frame = Timeframe(self.timeframe)
        except ValueError as error:
            known = ", ".join(Timeframe)
            raise InvalidInput(
                f"{self.timeframe!r} is no timeframe.", field="timeframe", hint=f"Known are {known}."
            ) from error
        return load_bars(self.csv, frame)

    def standing(self) -> "MarketData":
        """The same data with a start."""
        if self.start is not None:
            return self
        series = self.series()
        at = int(len(series.open_time) * WARM_UP_SHARE)
        return replace(self, start=to_datetime(int(series.open_time[at]) * 1_000))


def bundled_data() -> MarketData:
    return MarketData(bundled_bars())


class PaperMarket:
    """Terminals and bridge. Blocking: call it from a thread where a loop runs."""

    def __init__(self, home: Home, data: MarketData | None = None, *, fresh: bool = False) -> None:
        """`data` is for terminals that do not exist yet; `fresh` throws away those that do."""
        self._home = home
        self._data = data or bundled_data()
        self._fresh = fresh
        self._process: BridgeProcess | None = None
        self.client: BridgeClient | None = None

    @property
    def accounts(self) -> Sequence[str]:
        return tuple(_LOGINS)

    @property
    def state_file(self) -> Path:
        return self._home.bridge / "bridge.json"

    def start(self) -> BridgeClient:
        """Raises `DataFileError`, `InvalidInput`, or `BrokerUnavailable` with the bridge's own reason."""
        if self._fresh and self._home.bridge.exists():
            shutil.rmtree(self._home.bridge)
        self._write_terminals()
        self._process = BridgeProcess(self._write_config())
        self._process.start()
        self.client = BridgeClient(self._process.state_file)
        return self.client

    def alive(self) -> bool:
        return self._process is not None and self._process.alive()

    def revive(self) -> None:
        """Start the bridge again after it died; who was connected finds it. Raises as `start` does."""
        if self._process is not None:
            self._process.stop(timeout_s=1)
            self._process.start()

    def stop(self) -> None:
        if self.client is not None:
            self.client.close()
            self.client = None
        if self._process is not None:
            self._process.stop()
            self._process = None

    def _write_terminals(self) -> None:
        missing = [name for name in _LOGINS if self._fresh or not (self._terminal(name) / CONFIG_FILE).exists()]
        if not missing:
            return
        data = self._data.standing()
        assert data.start is not None
        for name in missing:
            write_sample_terminal(
                self._terminal(name),
                start=data.start,
                csv=data.csv,
                symbol=data.symbol,
                timeframe=data.timeframe,
                login=_LOGINS[name],
                fresh=self._fresh,
            )
            (self._terminal(name) / _SESSION).write_text(secrets.token_hex(8), encoding="ascii")

    def session(self, name: str) -> str:
        """Names this replay: a new terminal's times come again, and are other times."""
        return (self._terminal(name) / _SESSION).read_text(encoding="ascii")

    def _terminal(self, name: str) -> Path:
        return self._home.terminals / name

    def _symbols(self, name: str) -> tuple[str, ...]:
        document = json.loads((self._terminal(name) / CONFIG_FILE).read_text(encoding="utf-8"))
        return tuple(symbol["name"] for symbol in document["symbols"])

    def _write_config(self) -> Path:
        accounts = []
        for name, login in _LOGINS.items():
            limits = RiskLimits.for_paper(self._symbols(name), max_lot=MAX_LOT, max_price_age_s=MAX_PRICE_AGE_S)
            accounts.append(
                {
                    "name": name,
                    "terminal": "paper",
                    "terminal_path": str(self._terminal(name).absolute()),
                    "login": login,
                    "server_time_zone": "UTC",
                    "limits": limits.model_dump(mode="json"),
                }
            )
        config = self._home.bridge / "config.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        document = {"data_dir": str(self._home.bridge.absolute()), "accounts": accounts}
        config.write_text(json.dumps(document, indent=2), encoding="utf-8")
        return config
