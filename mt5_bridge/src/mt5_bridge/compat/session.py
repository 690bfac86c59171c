"""One connection of a script: what its calls mean here.

A session keeps what the package keeps for a process: whether it is initialized, and its last error. Reads go to the
account's worker; a trade request goes the way of every order (`desk`).
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from mt5_bridge.compat import reads
from mt5_bridge.compat.desk import ScriptDesk
from mt5_bridge.compat.functions import FAILS_WITH_FALSE, INITIALIZE, LAST_ERROR, LOGIN, READS, SEND, SHUTDOWN
from mt5_bridge.compat.objects import Function, Root, Struct
from mt5_bridge.compat.parsing import Call, check_statement, parse_call
from mt5_bridge.paper import arguments
from mt5_bridge.paper.errors import TerminalFailure
from tradeloom.errors import BrokerError, InvalidInput, TradeloomError

SUCCESS = (1, "Success")
NOT_INITIALIZED = (-10004, "No IPC connection")
WRONG_ACCOUNT = (-6, "Terminal: Authorization failed")
_FAILED = -1
_log = logging.getLogger(__name__)
_NO_HIDING = (_FAILED, "Terminal: the bridge hides no symbols")
_CARRY_A_MAGIC = frozenset({"TradePosition", "TradeOrder", "TradeDeal"})


class ScriptSession:
    """`present` says whether the client is still there."""

    def __init__(self, desk: ScriptDesk, present: Callable[[], bool]) -> None:
        self.name = uuid.uuid4().hex
        self.present = present
        self._desk = desk
        self._initialized = False
        self._error: tuple[int, str] = NOT_INITIALIZED
        self._own: Mapping[str, Callable[[Call], Any]] = {
            INITIALIZE: self._initialize,
            LOGIN: self._login,
            SHUTDOWN: self._shutdown,
            SEND: self._send,
        }

    def root(self) -> Root:
        """What the client of 1.0.11 looks up when it connects. Modules are not handed out: it only keeps them."""
        return Root(
            {
                "eval": Function(self.evaluate),
                "execute": Function(check_statement),
                "getmodule": Function(lambda _name: None),
                "namespace": None,
            }
        )

    def evaluate(self, text: Any) -> Any:
        """The result of one call. Raises `InvalidInput` for a text that is none; whatever a call itself runs into is
        its failure, None and a last error, as in the package."""
        call = parse_call(text)
        if call.function == LAST_ERROR:
            return self._error
        own = self._own.get(call.function)
        if own is None and call.function not in READS:
            raise InvalidInput(f"mt5 has no function {call.function!r} that scripts may call here")
        if not self._initialized and call.function != INITIALIZE:
            return self._failed(call.function, NOT_INITIALIZED)
        try:
            result = self._read(call) if own is None else own(call)
        except (TerminalFailure, reads.ReadFailed) as error:
            return self._failed(call.function, (error.code, error.message))
        except TradeloomError as error:
            return self._failed(call.function, (_code(error), error.message))
        except Exception as error:
            # A bug of ours. About an order it says nothing, so it is no failed call, which would mean "not sent".
            _log.exception("a script's %s failed inside the bridge", call.function)
            raise BrokerError("the bridge failed at this call; its log says more") from error
        if call.function not in self._own:
            self._error = SUCCESS
        return result

    def _failed(self, function: str, error: tuple[int, str]) -> Any:
        self._error = error
        return False if function in FAILS_WITH_FALSE or function in (INITIALIZE, LOGIN) else None

    def _read(self, call: Call) -> Any:
        if call.function == "symbol_select" and (*call.arguments, True)[1] is not True:
            raise reads.ReadFailed(*_NO_HIDING)
        given = [_as_seconds(value, position) for position, value in enumerate(call.arguments, start=1)]
        found = self._desk.read(call.function, given, call.options)
        if isinstance(found, tuple) and found and isinstance(found[0], Struct) and found[0].name in _CARRY_A_MAGIC:
            return self._desk.as_the_script_knows(found)
        return found

    def _send(self, call: Call) -> Struct:
        request = arguments.trade_request(call.arguments, dict(call.options))
        result = self._desk.send(request, self)
        self._error = SUCCESS
        return result

    def _initialize(self, call: Call) -> bool:
        """The bridge has the terminal already; a path, a password or a time-out change nothing."""
        self._check_account(call.options.get("login"))
        self._initialized, self._error = True, SUCCESS
        return True

    def _login(self, call: Call) -> bool:
        self._check_account(call.arguments[0] if call.arguments else call.options.get("login"))
        self._error = SUCCESS
        return True

    def _check_account(self, login: Any) -> None:
        account = self._desk.read("account_info")
        if login is not None and login != account["login"]:
            raise TerminalFailure(*WRONG_ACCOUNT)

    def _shutdown(self, _call: Call) -> None:
        self._initialized, self._error = False, SUCCESS


def _as_seconds(value: Any, position: int) -> Any:
    return arguments.seconds(value, min(position, 5)) if isinstance(value, datetime) else value


def _code(error: TradeloomError) -> int:
    """A bridge that cannot ask the terminal is to a script what a terminal without a connection is."""
    return NOT_INITIALIZED[0] if isinstance(error, BrokerError) else _FAILED
