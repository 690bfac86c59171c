"""Every error Tradeloom raises on purpose, as one tree.

The class name is the error's name everywhere: in the state machine's Retry and Catch, in the journal, in
the API's answers. The class says whether trying again can help::

    TradeloomError
    ├── InvalidInput                what a person or a peer sent is wrong; says which field
    │   ├── InvalidDocument         a workflow document; carries all its problems
    │   ├── ExpressionError         an expression's text, types or evaluation
    │   ├── NodeConfigError         a node's configuration once its expressions have values
    │   ├── ModelRefused            a model's file, or a use it is not made for
    │   ├── QueryRefused            SQL that may not be asked
    │   └── DataFileError           a market-data file
    ├── NotFound, Conflict, Unauthorized
    │   ├── LimitsUnset             (a Conflict) an account's risk limits are not there, or not whole
    │   └── RetryRefused            (a Conflict) an execution that may not go on, or not be replayed that way
    ├── NodeError                   a node could not give its value
    │   ├── MissingInput, AmbiguousInput, NotANumber, NotEnoughBars
    │   ├── StalePrice
    │   ├── SubWorkflowFailed, SubWorkflowUnfinished
    │   ├── ModelFailed             a model gave no forecast
    │   ├── QueryFailed, QueryTimeout, ResultTooLarge   a query of the tenant's own tables
    │   ├── RowRefused              an object that its table does not take
    │   ├── CredentialProblem       a credential that is not named, of the wrong kind, or cannot be read
    │   └── RiskTooSmall, NotEnoughMargin   no order small enough: never rounded up
    ├── BrokerError                 the broker or its bridge
    │   ├── BrokerUnavailable       (retryable: nothing was sent)
    │   ├── BrokerTimeout           (for reads, retryable)
    │   ├── OrderRejected, RiskRejected, MarketClosed
    │   ├── OrderFilled, TargetGone   a change came too late: what it names was filled, or has left
    │   ├── OrderNotSent            certainly not sent, and this intent never will be
    │   └── OrderUnknown            sent, outcome not known yet: never resent blindly
    ├── NetworkError                a server on the internet, or the way to it
    │   ├── NetworkRefused          an address, port or redirect that may not be reached
    │   ├── NetworkFailed, NetworkTimeout, ServerBusy   (retryable)
    │   ├── ReplyLost               sent, no answer: whether it took effect is not known
    │   ├── UntrustedServer         its certificate does not prove who it is
    │   ├── RequestTooLarge, ResponseTooLarge
    │   └── BadResponse, UnexpectedStatus, MessageRefused
    ├── ExecutionStopped            somebody asked it to stop
    │   ├── AccountHalted           its account takes nothing that opens: a person or the risk gate said so
    │   └── DebuggingAbandoned      a debugged execution that nobody went on with
    ├── QuotaExceeded               one start too many for the tenant's tier
    └── StorageUnavailable          (retryable)
"""

from datetime import datetime
from typing import Any, ClassVar


class TradeloomError(Exception):
    """Base of all. `message` is a sentence for a person; `field` and `node` say where; `hint` what to do."""

    retryable: ClassVar[bool] = False
    http_status: ClassVar[int] = 500

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        node: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.node = node
        self.hint = hint

    @property
    def name(self) -> str:
        """The name state machines, journals and clients know this error by."""
        return type(self).__name__

    def as_dict(self) -> dict[str, Any]:
        """`{name, message, field?, node?, hint?}`; unset parts are left out."""
        parts = {"field": self.field, "node": self.node, "hint": self.hint}
        return {"name": self.name, "message": self.message} | {k: v for k, v in parts.items() if v is not None}


class InvalidInput(TradeloomError):
    """What was given cannot be used; the field says which part."""

    http_status = 422


class InvalidDocument(InvalidInput):
    """A workflow document that cannot be saved or run. `problems` holds them all, each as a plain dict."""

    def __init__(self, message: str, problems: list[dict[str, Any]], **where: Any) -> None:
        super().__init__(message, **where)
        self.problems = problems

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {"problems": self.problems}


class ExpressionError(InvalidInput):
    """An expression's text, types or evaluation. `position` is the offset in the source, if known."""

    def __init__(self, message: str, *, position: int | None = None, **where: Any) -> None:
        super().__init__(message, **where)
        self.position = position


class NodeConfigError(InvalidInput):
    """A setting does not fit once its expressions have values; the field says which."""


class DataFileError(InvalidInput):
    """A market-data file cannot be read."""


class ModelRefused(InvalidInput):
    """A model's file is not one that is run here, or the model is not made for what it is asked."""


class QueryRefused(InvalidInput):
    """SQL that may not be asked: it would write, look outside the tenant's own tables, or cost too much."""


class NotFound(TradeloomError):
    """What was named does not exist here."""

    http_status = 404


class Conflict(TradeloomError):
    """Somebody else changed it meanwhile, or what was asked for contradicts what is there."""

    http_status = 409


class LimitsUnset(Conflict):
    """An account has no risk limits, or not all of them: nothing that trades may be switched on for it."""


class RetryRefused(Conflict):
    """An execution that may not go on as it is, or cannot be replayed that way; the message says why."""


class Unauthorized(TradeloomError):
    """Nobody who may do this is speaking."""

    http_status = 401


class NodeError(TradeloomError):
    """A node could not give its value."""

    http_status = 422


class MissingInput(NodeError):
    """A value that is needed is not there: a node that did not run, or null."""


class AmbiguousInput(NodeError):
    """Several inputs are live, so which one is meant cannot be told."""


class NotANumber(NodeError):
    """A number was needed, and the value is none, or not a finite one."""


class NotEnoughBars(NodeError):
    """There is less history than the calculation needs."""


class StalePrice(NodeError):
    """The latest quote is older than allowed."""


class SubWorkflowFailed(NodeError):
    """The workflow that was called came to a bad end."""


class SubWorkflowUnfinished(NodeError):
    """The workflow that was called runs longer than was waited for."""


class ModelFailed(NodeError):
    """A model could not be run, took too long, or answered something that is no forecast."""


class QueryFailed(NodeError):
    """A query that may be asked and cannot be answered: an unknown column, a division by zero."""


class QueryTimeout(NodeError):
    """A query of the tenant's own tables took longer than it may."""

    http_status = 504


class ResultTooLarge(NodeError):
    """A query's result, or what is needed on the way to it, is larger than it may be."""


class RowRefused(NodeError):
    """An object that its table does not take: a value of another type than its column's, or more than a limit."""


class RiskTooSmall(NodeError):
    """The money that may be lost does not pay for the smallest order the broker takes."""


class NotEnoughMargin(NodeError):
    """The free margin does not carry the smallest order the broker takes."""


class CredentialProblem(NodeError):
    """A credential is missing where one is needed, is of another kind, or cannot be decrypted."""


class BrokerError(TradeloomError):
    """The broker or its bridge failed."""

    http_status = 502


class BrokerUnavailable(BrokerError):
    """The bridge or terminal could not be reached; nothing was sent, so trying again is safe."""

    retryable = True
    http_status = 503


class BrokerTimeout(BrokerError):
    """A read took too long. (An order that takes too long is `OrderUnknown`.)"""

    retryable = True
    http_status = 504


class OrderRejected(BrokerError):
    """The broker refused the order, in its own words."""

    http_status = 422


class RiskRejected(OrderRejected):
    """The risk gate in front of the broker refused the order."""


class MarketClosed(OrderRejected):
    """The market of the symbol is closed."""


class OrderFilled(OrderRejected):
    """The pending order to change or cancel had become a position."""


class TargetGone(OrderRejected):
    """The position or pending order to change is not there any more."""


class OrderNotSent(BrokerError):
    """The bridge is certain that nothing reached the broker. It keeps the outcome, so trying again changes nothing."""

    http_status = 503


class OrderUnknown(BrokerError):
    """The order left for the broker and no answer is known yet; reconciliation settles it."""


class NetworkError(TradeloomError):
    """Messages name the host and never the rest of a URL, which may hold a secret.

    `sent`: whether any of the request may have left this machine.
    """

    http_status = 502

    def __init__(self, message: str, *, sent: bool = False, **where: Any) -> None:
        super().__init__(message, **where)
        self.sent = sent


class NetworkRefused(NetworkError):
    """The address, port or redirect may not be reached from here: only public servers may."""

    http_status = 422


class NetworkFailed(NetworkError):
    """The server could not be reached, or the connection broke where trying again does no harm."""

    retryable = True


class NetworkTimeout(NetworkError):
    """The server took too long where trying again does no harm."""

    retryable = True
    http_status = 504


class ServerBusy(NetworkError):
    """The server answered that it cannot serve this now: too many requests, or a fault of its own."""

    retryable = True
    http_status = 503


class ReplyLost(NetworkError):
    """The request left and no answer came, so nobody here knows whether it took effect: never sent again blindly."""


class UntrustedServer(NetworkError):
    """The server's certificate does not prove that it is the server that was named."""


class RequestTooLarge(NetworkError):
    """What was to be sent is larger than may be sent."""

    http_status = 422


class ResponseTooLarge(NetworkError):
    """The answer is larger than a node may take, as it came or once unpacked."""


class BadResponse(NetworkError):
    """What came back cannot be read as what was asked for."""


class UnexpectedStatus(NetworkError):
    """The server answered with a status that the node does not accept, such as 404."""


class MessageRefused(NetworkError):
    """A mail or chat server will not take the message, and trying again would not change that."""


class ExecutionStopped(TradeloomError):
    """Somebody stopped the execution, or its version may not act any more."""

    http_status = 409


class AccountHalted(ExecutionStopped):
    """The account was halted, or only reduces: what trades on it does not start, and what ran is stopped."""


class DebuggingAbandoned(ExecutionStopped):
    """A debugged execution was paused, and nobody went on with it for too long."""


class QuotaExceeded(TradeloomError):
    """One start too many for the tenant's tier. `limit` says of what, `until` from when on there is room again."""

    http_status = 429

    def __init__(self, message: str, *, limit: str = "", until: datetime | None = None, **where: Any) -> None:
        super().__init__(message, **where)
        self.limit = limit
        self.until = until


class StorageUnavailable(TradeloomError):
    """The storage cannot be reached or cannot write."""

    retryable = True
    http_status = 503
