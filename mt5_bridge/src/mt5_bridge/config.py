"""The bridge's configuration: one TOML or JSON file, with the environment's settings over it. Read once, at start.

Paths in the file are relative to it. Passwords are named, never written: `env:VARIABLE` or `file:path`.
"""

import ipaddress
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from mt5_bridge.environment import override
from mt5_bridge.server_time import ServerZone
from tradeloom.errors import InvalidInput
from tradeloom.trading.risk_limits import RiskLimits

_Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListenConfig(_Section):
    """Where the front listens; port 0 takes a free one. `names` are further host names clients reach it by, put into
    its certificate. More than `max_connections` connections or `max_calls` calls at once are turned away, and more than
    `max_waits` that wait for news of a market, which count apart."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535)
    names: tuple[str, ...] = ()
    max_connections: int = Field(default=64, ge=1, le=1000)
    max_calls: int = Field(default=32, ge=1, le=1000)
    max_waits: int = Field(default=16, ge=1, le=1000)


class AccountConfig(_Section):
    """One account: its terminal, who it must be logged in as, and its limits, all of which must be set.

    `terminal_path` is `terminal64.exe` (run portable, one directory per account), or the paper terminal's directory. A
    terminal that does not answer for `hang_timeout_s` is given up and its worker replaced. `history_horizon_s` is how
    long the broker's history may lag behind before an order that is not in it counts as not sent. `guard_interval_s` is
    how often a live market is looked at while there are guards, `tick_interval_s` how often for new quotes of symbols
    that somebody waits for. The account's day, in which losses are counted, begins
    at midnight by `day_time_zone`; None: by the server's clock.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    terminal: Literal["metatrader5", "paper"]
    terminal_path: Path
    login: int = Field(gt=0)
    server: str | None = None
    password: str | None = Field(default=None, pattern=r"^(env|file):.+$")
    portable: bool = True
    server_time_zone: str
    day_time_zone: str | None = None
    live_trading: bool = False
    limits: RiskLimits
    start_timeout_s: _Seconds = 90.0
    hang_timeout_s: _Seconds = 10.0
    history_horizon_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 60.0
    guard_interval_s: Annotated[float, Field(ge=0.05, le=60, allow_inf_nan=False)] = 0.25
    tick_interval_s: Annotated[float, Field(ge=0.001, le=5, allow_inf_nan=False)] = 0.01
    max_waiting: int = Field(default=16, ge=1, le=1000)

    @field_validator("server_time_zone", "day_time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            ServerZone(value)
        except InvalidInput as error:
            raise ValueError(f"{error.message} ({error.hint})") from error
        return value

    def resolve_password(self) -> SecretStr | None:
        """The password itself. Raises `InvalidInput` when what it refers to does not exist."""
        if self.password is None:
            return None
        kind, _, where = self.password.partition(":")
        try:
            text = os.environ[where] if kind == "env" else Path(where).read_text().strip()
        except (KeyError, OSError) as error:
            raise InvalidInput(
                f"the password of account {self.name} is not at {self.password}", field="password"
            ) from error
        return SecretStr(text)


class CompatConfig(_Section):
    """The door for scripts written for mt5linux 1.0.11: shut unless `enabled`. That client knows neither TLS nor
    tokens, so it opens on this machine's own address only, for one account; one that is armed for real money needs
    `live_trading` here too. `idle_timeout_s` is how long a script may be silent."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=18_812, ge=0, le=65_535)
    account: str = ""
    live_trading: bool = False
    max_connections: int = Field(default=8, ge=1, le=100)
    idle_timeout_s: Annotated[float, Field(gt=0, le=604_800, allow_inf_nan=False)] = 86_400.0

    @field_validator("host")
    @classmethod
    def _loopback(cls, value: str) -> str:
        try:
            loopback = ipaddress.ip_address(value).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise ValueError("scripts connect without any proof of who they are: only 127.0.0.1 or ::1 is allowed")
        return value


class StatusConfig(_Section):
    """The status page on 127.0.0.1, open to whoever may use this machine; port 0 takes a free one."""

    enabled: bool = True
    port: int = Field(default=0, ge=0, le=65_535)


class BridgeConfig(_Section):
    """The whole file. `certificates` defaults to a directory of that name in `data_dir`."""

    data_dir: Path
    certificates: Path | None = None
    listen: ListenConfig = ListenConfig()
    status: StatusConfig = StatusConfig()
    compat: CompatConfig = CompatConfig()
    accounts: tuple[AccountConfig, ...] = Field(min_length=1)
    drain_timeout_s: _Seconds = 10.0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what in ("name", "terminal_path"):
            values = [getattr(account, what) for account in self.accounts]
            if len(set(values)) != len(values):
                raise ValueError(f"two accounts have the same {what}; each needs its own")
        return self

    @model_validator(mode="after")
    def _scripts_have_an_account(self) -> Self:
        if not self.compat.enabled:
            return self
        named = [account for account in self.accounts if account.name == self.compat.account]
        if not named:
            raise ValueError(f"compat.account is {self.compat.account!r}; it names the account scripts may trade")
        if named[0].live_trading and not self.compat.live_trading:
            raise ValueError(
                f"account {named[0].name} is armed for real money: set compat.live_trading if scripts may trade it"
            )
        return self

    @property
    def certificate_dir(self) -> Path:
        return self.certificates or self.data_dir / "certificates"

    @property
    def state_file(self) -> Path:
        """Where a running bridge says how to reach it."""
        return self.data_dir / "bridge.json"

    def account_dir(self, name: str) -> Path:
        return self._of_account(name)

    def journal_path(self, name: str) -> Path:
        return self._of_account(name, "journal.sqlite3")

    def scripts_path(self, name: str) -> Path:
        return self._of_account(name, "scripts.sqlite3")

    def guards_path(self, name: str) -> Path:
        return self._of_account(name, "guards.sqlite3")

    def flattens_path(self, name: str) -> Path:
        return self._of_account(name, "flattens.sqlite3")

    def _of_account(self, *parts: str) -> Path:
        return self.data_dir.joinpath("accounts", *parts)


def load_config(path: Path, environment: Mapping[str, str] | None = None) -> BridgeConfig:
    """The file with the environment's settings over it, see `environment`.

    Raises `InvalidInput` naming the file, or the variable, and the first wrong field (`accounts.0.limits.max_lot`).
    """
    values = _read(path)
    came_from = override(values, os.environ if environment is None else environment)
    try:
        config = BridgeConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "configuration"
        source = came_from.get(first["loc"], path)
        raise InvalidInput(f"{source}: {field}: {first['msg']}", field=field) from error
    return _absolute(config, path.resolve().parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the configuration {path} cannot be read: {error}", field=str(path)) from error
    if not isinstance(values, dict):
        raise InvalidInput(f"the configuration {path} is not an object", field=str(path))
    return values


def _absolute(config: BridgeConfig, base: Path) -> BridgeConfig:
    accounts = tuple(
        account.model_copy(update={"terminal_path": base / account.terminal_path.expanduser()})
        for account in config.accounts
    )
    certificates = None if config.certificates is None else base / config.certificates.expanduser()
    return config.model_copy(
        update={"data_dir": base / config.data_dir.expanduser(), "certificates": certificates, "accounts": accounts}
    )
