"""Real money trades only once a person has typed that it may.

A live account that no person has decided about is halted at its bridge as soon as its terminal tells that the money is
real, before anything starts on it. From then on only a resume lets it trade, and a resume of a live account takes the
acknowledgement. The bridge's own `live_trading = true` is needed besides.
"""

from typing import Final, Literal, Protocol

from tradeloom.api.models.accounts import live_phrase
from tradeloom.errors import InvalidInput
from tradeloom.trading.broker import Account
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.risk import AccountState

BY: Final = "tradeloom"
REASON: Final = "it trades real money, and nobody has armed it yet"
_BRIDGE: Final = "bridge"
"""Who decided about an account that only its bridge has decided about."""


class AccountReader(Protocol):
    def account(self) -> Account: ...


class LiveMoney:
    """Which accounts trade real money. A terminal that has told once is not asked again: it deals with one login."""

    def __init__(self) -> None:
        self._modes: dict[str, Literal["paper", "demo", "live"]] = {}

    def is_live(self, account: str, broker: AccountReader) -> bool:
        """Blocking. Raises what the broker raises while the terminal does not tell."""
        if account not in self._modes:
            self._modes[account] = broker.account().trade_mode
        return self._modes[account] == "live"

    def known_live(self, account: str) -> bool:
        return self._modes.get(account) == "live"


def undecided(status: AccountStatus) -> bool:
    """Whether an account may trade although no person ever said so."""
    return status.state is AccountState.ACTIVE and status.by == _BRIDGE


def check_acknowledgement(account: str, given: str | None) -> None:
    """Raises `InvalidInput` unless it is, word for word, what a live account's resume takes."""
    wanted = live_phrase(account)
    if given is not None and given.strip() == wanted:
        return
    said = "nothing was typed" if not given else f"{given.strip()!r} was typed"
    raise InvalidInput(
        f"The account {account} trades real money, and {said} in place of the acknowledgement.",
        field="acknowledgement",
        hint=f"Type: {wanted}",
    )
