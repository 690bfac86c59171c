"""Real money trades only once a person has typed that it may.

A live account that no person has decided about is halted at its bridge as soon as its terminal tells that the money is
real, before anything starts on it. From then on only a resume lets it trade, and a resume of a live account takes the
acknowledgement. The bridge's own `live_trading = true` is needed besides.
"""

from typing import Final, Literal, Protocol

from tradeloom.api.models.accounts import live_phrase
from tradeloom.errors import InvalidInput, TradeloomError
from tradeloom.trading.broker import Account
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.mt5_broker import MT5Broker
from tradeloom.trading.risk import AccountState

_BY: Final = "tradeloom"
_REASON: Final = "it trades real money, and nobody has armed it yet"
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

    def decided(self, account: str, broker: MT5Broker) -> AccountStatus:
        """Blocking. How the account stands; one with real money that no person decided about is halted by this."""
        status = broker.state()
        if status.state is not AccountState.ACTIVE or status.by != _BRIDGE:
            return status
        try:
            live = self.is_live(account, broker)
        except TradeloomError:  # such a terminal carries nothing out either; it is asked again at the next look
            return status
        return broker.set_state(AccountState.HALTED, reason=_REASON, by=_BY) if live else status

    def check(self, account: str, broker: MT5Broker, given: str | None) -> None:
        """Blocking. Raises `InvalidInput` where real money is to trade without the acknowledgement, and what the
        broker raises while the terminal does not tell whether it is real."""
        if self.is_live(account, broker):
            _check_acknowledgement(account, given)

    def check_if_told(self, account: str, broker: MT5Broker, given: str | None) -> None:
        """Blocking. The same, before a kill is withdrawn; a terminal that does not tell keeps nobody from that."""
        try:
            self.is_live(account, broker)
        except TradeloomError:
            return
        self.check_known(account, given)

    def check_known(self, account: str, given: str | None) -> None:
        """The same of what a terminal has told already; asks none."""
        if self._modes.get(account) == "live":
            _check_acknowledgement(account, given)


def _check_acknowledgement(account: str, given: str | None) -> None:
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
