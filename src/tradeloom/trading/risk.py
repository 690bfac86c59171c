"""What an account may do at all, and what an order does to its risk.

The limits are in `risk_limits`, the gate's rules in `risk_rules`.
"""

from enum import StrEnum

from tradeloom.errors import Conflict


class AccountState(StrEnum):
    """ACTIVE trades; REDUCING lets only what reduces risk through; HALTED too, and only a person clears it."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


_SEVERITY = {AccountState.ACTIVE: 0, AccountState.REDUCING: 1, AccountState.HALTED: 2}


class Action(StrEnum):
    """What an intent does to the account's risk.

    OPEN: a market or pending order, new volume. WIDEN: existing volume may lose more than before, or a pending order
    opens elsewhere or later. CLOSE: names the position it closes and cannot exceed it. TIGHTEN: existing volume may
    lose no more than before. CANCEL: a pending order leaves.
    """

    OPEN = "open"
    WIDEN = "widen"
    CLOSE = "close"
    TIGHTEN = "tighten"
    CANCEL = "cancel"

    @property
    def reduces(self) -> bool:
        """Whether it must stay possible in any state of the account."""
        return self not in (Action.OPEN, Action.WIDEN)


def next_state(current: AccountState, wanted: AccountState, *, clear: bool) -> AccountState:
    """The state after a command. Tightening always works; loosening needs `clear`, which only a person gives.

    Raises `Conflict` when something else than a person asks for more freedom.
    """
    if _SEVERITY[wanted] < _SEVERITY[current] and not clear:
        raise Conflict(
            f"the account is {current}; only a person can set it back to {wanted}",
            field="state",
            hint="repeat the command with clear, once you know why it was stopped",
        )
    return wanted
