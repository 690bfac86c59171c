"""Settings of one machine, from the environment, read once. Errors name the variable."""

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tradeloom.accounts.quotas import TierName
from tradeloom.errors import InvalidInput
from tradeloom.network.policy import ALLOW, ROUTES, TRUST, Policy

PREFIX = "TRADELOOM_"
DEFAULT_PORT = 8420


class InvalidSetting(InvalidInput):
    """An environment variable with a value that cannot be used. `field` is its name."""


def default_home() -> Path:
    """`XDG_DATA_HOME/tradeloom`, which is `~/.local/share/tradeloom` where that is not set."""
    base = os.environ.get("XDG_DATA_HOME", "")
    root = Path(base) if base and Path(base).is_absolute() else Path.home() / ".local" / "share"
    return root / "tradeloom"


class Settings(BaseSettings):
    """`TRADELOOM_HOME`, `TRADELOOM_HOST`, `TRADELOOM_PORT`, `TRADELOOM_WORKERS`, `TRADELOOM_KEY_FILE`,
    `TRADELOOM_NETWORK_ALLOW`, `TRADELOOM_NETWORK_ROUTES`, `TRADELOOM_NETWORK_CA`, `TRADELOOM_TIER`,
    `TRADELOOM_METRICS`, `TRADELOOM_LOG_FORM`, `TRADELOOM_LOG_FILES`, `TRADELOOM_DRAIN_S`, `TRADELOOM_AWAKE`,
    `TRADELOOM_KEEP_EXECUTIONS_DAYS`, `TRADELOOM_KEEP_LOGS_DAYS`, `TRADELOOM_KEEP_NOTIFICATIONS_DAYS`,
    `TRADELOOM_KEEP_VERSIONS_DAYS` and `DATABASE_URL`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int | None = Field(default=None, ge=0, le=65_535, description="None: 8420, or any free one if it is taken.")
    workers: int = Field(default=2, ge=1, le=32, description="Worker processes for nodes.")
    network_allow: str = Field(default="", description="What may be reached besides public servers.")
    network_routes: str = Field(default="", description="Requests to one origin that go to another.")
    network_ca: str = Field(default="", description="A PEM file of authorities to trust besides the public ones.")
    metrics: Literal["token", "open", "off"] = Field(
        default="token", description="Who reads /metrics: who has the token, whoever is on this machine, nobody."
    )
    log_form: Literal["text", "json"] = Field(default="text", description="Lines for people, or an object a line.")
    log_files: int = Field(default=5, ge=1, le=100, description="Older files of the log that are kept, 10 MB each.")
    drain_s: float = Field(default=20, ge=0, le=600, description="What tasks under way get when Tradeloom is to stop.")
    awake: bool = Field(default=False, description="Processors do not sleep between tasks: quicker, at more power.")
    keep_executions_days: int = Field(default=365, ge=0, le=36_500, description="Ended executions; 0 keeps them all.")
    keep_logs_days: int = Field(default=180, ge=0, le=36_500, description="What their nodes logged; 0 keeps it all.")
    keep_notifications_days: int = Field(default=365, ge=0, le=36_500, description="Notifications; 0 keeps them all.")
    keep_versions_days: int = Field(default=730, ge=0, le=36_500, description="Versions nothing names; 0 keeps them.")
    key_file: Path | None = Field(default=None, description="Key of the credentials. None: beside the data directory.")
    tier: TierName = Field(default="unlimited", description="How much may be started: what a tier allows, or any.")
    database_url: Annotated[str | None, NoDecode, Field(validation_alias="DATABASE_URL")] = None

    @field_validator("host")
    @classmethod
    def _is_loopback(cls, value: str) -> str:
        try:
            loopback = value == "localhost" or ipaddress.ip_address(value).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise ValueError(f"{value!r} is not this machine's own address; only 127.0.0.1 is served for now")
        return value

    @field_validator("network_allow", "network_routes", "network_ca")
    @classmethod
    def _is_a_policy(cls, value: str, info: ValidationInfo) -> str:
        try:
            Policy.of({f"{PREFIX}{str(info.field_name).upper()}": value})
        except InvalidInput as error:
            raise ValueError(" ".join(filter(None, (error.message, error.hint)))) from error
        return value

    @property
    def network(self) -> dict[str, str]:
        """The variables that say what nodes may reach, for the processes they run in."""
        return {ALLOW: self.network_allow, ROUTES: self.network_routes, TRUST: self.network_ca}

    @field_validator("key_file")
    @classmethod
    def _is_outside(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None:
            return None
        expanded = value.expanduser()
        if not expanded.is_absolute():
            raise ValueError(f"{str(value)!r} is no absolute path")
        home = info.data.get("home")
        if home is not None and expanded.resolve().is_relative_to(home.resolve()):
            raise ValueError(f"{value} lies inside the data directory, where a copy of that would hold the key as well")
        return expanded

    @field_validator("home")
    @classmethod
    def _is_absolute(cls, value: Path) -> Path:
        expanded = value.expanduser()
        if not expanded.is_absolute():
            raise ValueError(f"{str(value)!r} is no absolute path")
        return expanded


def load_settings(**overrides: object) -> Settings:
    """Read the environment; `overrides` that are not None win. Raises `InvalidSetting` naming the variable."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        variable = name if name.isupper() else f"{PREFIX}{name.upper()}"
        message = str(first["msg"]).removeprefix("Value error, ")
        raise InvalidSetting(f"{variable}: {message}", field=variable) from error
