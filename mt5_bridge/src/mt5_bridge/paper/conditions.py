"""Trading conditions of a symbol beyond the ideal: how its price slips, and how its spread widens around the rollover.

Everything here is off unless `paper.json` names it. Nothing draws from a running generator: what is random is drawn
from the terminal's seed and the order's own numbers, so that it comes out the same however often, and in whatever
process.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Points = Annotated[int, Field(ge=0, le=1_000_000)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
"""A share of one, or a probability."""


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FixedSlippage(Section):
    """Always so many points worse."""

    model: Literal["fixed"]
    points: Points


class RandomSlippage(Section):
    """From 0 to so many points worse, each as likely."""

    model: Literal["random"]
    points: Points


class RangeSlippage(Section):
    """Worse by a share of the last completed bar's range: what moves more slips more."""

    model: Literal["range"]
    share: Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)]


Slippage = Annotated[FixedSlippage | RandomSlippage | RangeSlippage, Field(discriminator="model")]


class RolloverSpread(Section):
    """The spread is `factor` times as wide for so many minutes before and after the server's midnight."""

    minutes: int = Field(ge=1, le=720)
    factor: Annotated[Decimal, Field(ge=1, le=1_000, allow_inf_nan=False)]
