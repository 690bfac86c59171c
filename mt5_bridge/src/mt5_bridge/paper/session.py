"""What the paper `MetaTrader5` module keeps for its process: the open terminal, the last error, one lock."""

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any, Concatenate, Protocol

from mt5_bridge.paper import arguments, constants
from mt5_bridge.paper.errors import TerminalFailure
from mt5_bridge.paper.terminal import PaperTerminal
from tradeloom.errors import BrokerUnavailable, TradeloomError

SUCCESS = (constants.RES_S_OK, "Success")
NOT_CONNECTED = (constants.RES_E_INTERNAL_FAIL_CONNECT, "No IPC connection")


class Session:
    """One process has one, as it has one connection to a real terminal."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.terminal: PaperTerminal | None = None
        self.error = SUCCESS

    def open_terminal(self) -> PaperTerminal:
        """The terminal, brought to the clock's time. Raises `BrokerUnavailable` before `initialize`."""
        if self.terminal is None:
            raise BrokerUnavailable("no paper terminal is initialised in this process")
        self.terminal.sync()
        return self.terminal

    def fail(self, error: TradeloomError) -> None:
        """Remembers why a call failed; what is no refusal of ours is an internal failure of the terminal."""
        if isinstance(error, TerminalFailure):
            self.error = error.code, error.message
        else:
            self.error = constants.RES_E_INTERNAL_FAIL, error.message


class HasSession(Protocol):
    session: Session


def terminal_call[S: HasSession, **P, R, D](
    default: D,
) -> Callable[[Callable[Concatenate[S, PaperTerminal, P], R]], Callable[Concatenate[S, P], R | D]]:
    """Makes a method a call into the terminal: under the lock, at the clock's time, its failure `default` and
    `last_error`.

    As in the real package a function that takes nothing raises TypeError when it is given something (so does one
    without keywords), and a wrong number of arguments is an invalid parameter like any other.
    """

    def decorate(method: Callable[Concatenate[S, PaperTerminal, P], R]) -> Callable[Concatenate[S, P], R | D]:
        counts = _unnamed_counts(method)

        @functools.wraps(method)
        def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R | D:
            session = self.session
            if counts == _NOTHING and (args or kwargs):
                raise TypeError(f"{method.__name__}() takes no arguments ({len(args) + len(kwargs)} given)")
            with session.lock:
                if session.terminal is None:
                    session.error = NOT_CONNECTED
                    return default
                try:
                    if counts is not None and len(args) not in counts and not kwargs:
                        raise arguments.invalid()
                    session.terminal.sync()
                    result = method(self, session.terminal, *args, **kwargs)
                except TradeloomError as error:
                    session.fail(error)
                    return default
                session.error = SUCCESS
                return result

        return call

    return decorate


_NOTHING = range(1)


def _unnamed_counts(method: Callable[..., Any]) -> range | None:
    """How many arguments a function without keywords may be given; None where it sees to that itself."""
    given = list(inspect.signature(method).parameters.values())[2:]
    if any(parameter.kind is not parameter.POSITIONAL_ONLY for parameter in given):
        return None
    fewest = sum(parameter.default is parameter.empty for parameter in given)
    return range(fewest, len(given) + 1)
