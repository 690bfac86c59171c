"""How the machine and its accounts are."""

from typing import Literal

from pydantic import AwareDatetime, Field

from tradeloom.api.models.base import Model


class Component(Model):
    name: str = Field(examples=["database"])
    status: Literal["ok", "down"]
    detail: str = ""


class AccountStanding(Model):
    """A broker account and its market clock. `speed` is market seconds per second: 1 live, 0 standing still."""

    name: str
    available: bool
    trade_mode: Literal["paper", "demo", "live"] | None = None
    margin_mode: Literal["netting", "hedging"] | None = None
    state: Literal["active", "reducing", "halted"] | None = None
    currency: str | None = None
    balance: float | None = None
    equity: float | None = None
    market_time: AwareDatetime | None = None
    speed: float | None = None
    detail: str = ""


class Health(Model):
    status: Literal["ok", "degraded"]
    version: str
    started_at: AwareDatetime
    components: list[Component]
    accounts: list[AccountStanding]
    running: int = Field(description="Executions that have not ended.")
