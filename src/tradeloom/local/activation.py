"""What must hold before triggers may start a workflow that trades: its account has limits, and all of them.

The bridge refuses every order of an account without limits anyway. Asking when the workflow is switched on tells the
person who is there to do something about it, rather than the log of the first execution that wanted to trade.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tradeloom.errors import BrokerUnavailable, LimitsUnset, StorageUnavailable, TradeloomError
from tradeloom.local.halts import trading_nodes
from tradeloom.trading.methods import AccountStatus
from tradeloom.trading.protocol import UnreadableAnswer

_FIELD = "settings.broker_account"


def check_limits(account: str, nodes: Iterable[Mapping[str, Any]], status_of: Callable[[str], AccountStatus]) -> None:
    """Asks the account's bridge, if any node trades that is not disabled. A halted account has its limits, too.

    Raises `LimitsUnset` when they are not there or not whole, naming the limit where one is missing, and
    `BrokerUnavailable` when the bridge cannot tell: what nobody can vouch for is not switched on.
    """
    trades = trading_nodes()
    if not any(node["type"] in trades for node in nodes if not node.get("disabled", False)):
        return
    try:
        status_of(account)
    except (UnreadableAnswer, StorageUnavailable) as error:
        raise LimitsUnset(
            f"The account {account} has no limits to trade under: {error.message}",
            field=_FIELD,
            hint="Set every limit in the bridge's configuration (accounts.limits), and start the bridge anew.",
        ) from error
    except TradeloomError as error:
        raise BrokerUnavailable(
            f"The limits of the account {account} cannot be read, and without them nothing that trades is switched on: "
            f"{error.message}",
            field=_FIELD,
            hint="See that the account's bridge runs, then switch the workflow on again.",
        ) from error
