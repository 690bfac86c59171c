"""Replays: the whole system run through a paper account's market, and what came of it."""

from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field

from tradeloom.api.models.base import Model

MarketReplayState = Literal["running", "paused", "finished", "stopped", "failed"]


class StartMarketReplay(Model):
    """Until when, and how fast."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"to": "2017-07-01T00:00:00Z"}]})

    to: AwareDatetime = Field(description="The market time it ends at.")
    speed: float = Field(
        default=0.0,
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="Market seconds per second; 0: as fast as what follows from each moment allows.",
    )


class ResumeMarketReplay(Model):
    """Goes on, perhaps at another speed."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"speed": 3600}]})

    speed: float | None = Field(
        default=None, ge=0, le=1e6, allow_inf_nan=False, description="As when it was started; null: as before."
    )


class MarketReplaySummary(Model):
    """What a replay that has ended came to. Money is in the account's currency."""

    until: AwareDatetime = Field(description="The market time it ended at.")
    moments: int = Field(description="How often the market was moved on.")
    executions: dict[str, int] = Field(description="Executions that ended, by status.")
    trades: int = Field(description="Trades that were closed.")
    won: int = Field(description="How many of them at a profit.")
    net_profit: float = Field(description="Of the closed trades, with commission and swap.")
    open_positions: int
    equity_change: float = Field(description="Open positions included.")
    currency: str


class MarketReplay(Model):
    """A replay, as it stands."""

    account: str
    state: MarketReplayState
    began_at: AwareDatetime = Field(description="The market time it began at.")
    to: AwareDatetime
    now: AwareDatetime = Field(description="Where the market stands.")
    speed: float = Field(description="Market seconds per second; 0: as fast as it goes.")
    done: float = Field(description="The share of the way gone, 0 to 1.")
    executions: int = Field(description="Executions that have ended since it began.")
    trouble: str | None = Field(default=None, description="Why it failed.")
    summary: MarketReplaySummary | None = Field(default=None, description="Once it has ended.")
