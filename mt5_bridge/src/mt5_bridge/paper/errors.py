"""What can be wrong with a paper terminal, besides its data file (`DataFileError`)::

    InvalidInput
    └── TerminalConfigError     paper.json, or a state that no longer fits it; `field` is the path into the file
    BrokerError
    ├── NoConversion            no symbol leads from one currency to the other
    ├── Refused                 a trade request the server answers with another retcode than 10009
    └── TerminalFailure         the call itself fails: None and `last_error`
    StorageUnavailable
    └── TerminalStateError      paper.db cannot be read, is in use, or is damaged

The last two of the broker's never get past `order_send` and its like: they become retcodes and `last_error`.
"""

from tradeloom.errors import BrokerError, InvalidInput, StorageUnavailable


class TerminalConfigError(InvalidInput):
    pass


class TerminalStateError(StorageUnavailable):
    retryable = False


class NoConversion(BrokerError):
    pass


class Refused(BrokerError):
    """`retcode` and the server's words."""

    def __init__(self, retcode: int, comment: str) -> None:
        super().__init__(comment)
        self.retcode = retcode


class TerminalFailure(BrokerError):
    """A call that answers None (or False): `code` and `message` are what `last_error` says next."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
