"""Errors of the engine itself. What fails inside a state machine is a `StatesError` of the interpreter instead."""

from tradeloom.errors import Conflict, InvalidInput, StorageUnavailable, TradeloomError


class InvalidDefinition(InvalidInput):
    """A state machine this engine does not know how to run. `field` is the path inside the definition."""


class InvalidPayload(InvalidInput):
    """A value that is not JSON, or more of it than the engine carries."""


class JournalRefused(StorageUnavailable):
    """The journal could not make a record durable, so nothing that depends on it may happen."""


class RecordRefused(JournalRefused):
    """The journal works and does not take these records, now or later."""


class AlreadyStarted(Conflict):
    """An execution with this id or dedupe key exists. `execution_id` is its id, where known."""

    def __init__(self, message: str, execution_id: str) -> None:
        super().__init__(message)
        self.execution_id = execution_id


class WorkersUnavailable(TradeloomError):
    """Worker processes die before they can take a task; see the engine's log for what they said."""

    retryable = True
    http_status = 503


class EngineClosed(TradeloomError):
    """The engine is shutting down; what was accepted continues at the next start."""

    retryable = True
    http_status = 503
