"""How long a pending order rests, as configured and as the broker takes it."""

from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import AwareDatetime, model_validator

from tradeloom.errors import NodeConfigError
from tradeloom.nodes.base import NodeConfig, setting
from tradeloom.trading.intents import Expiry

Until = Literal["gtc", "day", "after", "at"]
_HELP = (
    "Until it is cancelled, to the end of the broker's trading day, for some time from now, or until a moment. The "
    "broker ends it by itself, whatever happens to Tradeloom."
)
_YEAR_S = 31_622_400


def expiry_setting(default: str, **options: Any) -> Any:
    return setting(default, title="Expires", help=_HELP, widget="select", **options)


def expires_after_setting() -> Any:
    return setting(
        None,
        title="Expires after",
        help="How long it rests, by the market's clock.",
        unit="s",
        widget="duration",
        show_if={"expiry": ["after"]},
        examples=[14_400],
        ge=60,
        le=_YEAR_S,
    )


def expires_at_setting() -> Any:
    return setting(
        None,
        title="Expires at",
        help="The moment it leaves, with its offset; whole seconds.",
        widget="expression",
        show_if={"expiry": ["at"]},
        examples=["2026-01-05T17:00:00Z", '= now() + duration("4h")'],
    )


class ExpiryConfig(NodeConfig):
    expiry: Until = expiry_setting("gtc")
    expires_after_s: float | None = expires_after_setting()
    expires_at: AwareDatetime | None = expires_at_setting()

    @model_validator(mode="after")
    def _expires_one_way(self) -> Self:
        check_expiry(self.expiry, self.expires_after_s, self.expires_at)
        return self


def check_expiry(expiry: str, after_s: float | None, at: datetime | None) -> None:
    """Raises `ValueError` where the choice and its times contradict each other."""
    for choice, name, value in (("after", "how long it rests", after_s), ("at", "when it expires", at)):
        if expiry == choice and value is None:
            raise ValueError(f"the order is to expire, but {name} is not given")
        if expiry != choice and value is not None:
            raise ValueError(f"{name} is given, but the order is to expire another way: choose one")


def resolved_expiry(
    expiry: Until, after_s: float | None, at: datetime | None, now: datetime
) -> tuple[Expiry, datetime | None]:
    """As an intent says it. Raises `NodeConfigError` for a moment that has passed, or is more than a year away."""
    if expiry == "after" and after_s is not None:
        return Expiry.SPECIFIED, now + timedelta(seconds=after_s)
    if expiry == "at" and at is not None:
        left_s = (at - now).total_seconds()
        if not 1 <= left_s <= _YEAR_S:
            told = "has passed" if left_s < 1 else "is more than a year away"
            raise NodeConfigError(
                f"the order would expire at {at.isoformat()}, which {told}: it is {now.isoformat()} now",
                field="config.expires_at",
            )
        return Expiry.SPECIFIED, at
    return Expiry(expiry), None
