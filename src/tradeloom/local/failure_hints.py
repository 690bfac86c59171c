"""What a trader can do about an error, by its name."""

from collections.abc import Mapping
from typing import Final

_HINTS: Final[Mapping[str, str]] = {
    "AccountHalted": "Find out why the account was halted, then resume it.",
    "BrokerTimeout": "Look whether the terminal and its broker answer; the bridge's status page tells.",
    "BrokerUnavailable": "Look whether the bridge and the terminal run; nothing was sent.",
    "CredentialProblem": "Look at the credential the node names: it may be missing, of another kind, or renewed.",
    "ExpressionError": "Look at the node's expression and at what it was given.",
    "MarketClosed": "Let the workflow run in the symbol's trading hours, or ask a session node first.",
    "MissingInput": "A value was not there: look whether the node before it ran, or test for it with has().",
    "NotEnoughBars": "Ask for more bars, or for a longer timeframe's history at the broker.",
    "NotEnoughMargin": "Reduce the volume, or close something.",
    "NotFound": "Look at the name in the node's settings, such as its symbol or account: it is not known there.",
    "OrderNotSent": "Nothing reached the broker. Look whether the bridge and the terminal run.",
    "OrderRejected": "The broker refused the order; its own words say why.",
    "OrderUnknown": "The order left and nobody knows its fate yet: look at it under Orders before anything is sent.",
    "RiskRejected": "The risk gate refused the order: the limit it names is reached.",
    "RiskTooSmall": "Risk more per trade, or set the stop nearer.",
    "Runtime.ExitError": "The node's process ended, perhaps for lack of memory; its log has the last words.",
    "Sandbox.Timedout": "Give the node less to do, or more time.",
    "StalePrice": "Look whether the terminal is connected and the symbol's market open.",
    "States.DataLimitExceeded": "A node handed over more than fits; keep less, or ask for less.",
    "States.Timeout": "Give the node or the workflow more time (timeout_s), or find what it waited for.",
    "StorageUnavailable": "Look at the database and its disk: `tradeloom doctor`.",
    "SubWorkflowFailed": "Look at the execution of the workflow that was called.",
}


def hint_for(error: str) -> str:
    """Empty where nothing more is known than the error's own sentence."""
    return _HINTS.get(error, "")
