"""The account's money as risk is judged by: finite, or an error."""

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from tradeloom.errors import NotANumber
from tradeloom.trading.exact import exact

if TYPE_CHECKING:
    from tradeloom.trading.broker import Account


def finite(amount: float, name: str) -> Decimal:
    """The amount exactly. Raises `NotANumber`: what is not known must never pass as harmless."""
    if not math.isfinite(amount):
        raise NotANumber(f"the account's {name} is {amount}, which is no number", hint="look at the terminal")
    return exact(amount)


def floating(account: "Account") -> Decimal:
    """What open positions have won or lost so far, swap included. Equity also holds the broker's credit."""
    own = finite(account.equity, "equity") - finite(account.credit, "credit")
    return own - finite(account.balance, "balance")
