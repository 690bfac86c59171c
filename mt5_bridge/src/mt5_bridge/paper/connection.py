"""The calls that connect to a terminal and describe it."""

from pathlib import Path
from typing import Any

from mt5_bridge.paper import arguments, constants
from mt5_bridge.paper.config import AccountConfig
from mt5_bridge.paper.errors import TerminalFailure
from mt5_bridge.paper.session import NOT_CONNECTED, SUCCESS, Session, terminal_call
from mt5_bridge.paper.structs import AccountInfo, TerminalInfo
from mt5_bridge.paper.terminal import PaperTerminal
from mt5_bridge.paper.views import BUILD, account_struct, terminal_struct
from tradeloom.errors import TradeloomError

_TERMINAL_VERSION = 500
_RELEASED = "1 Nov 2026"


class ConnectionCalls:
    """Functions of the package around the connection. Signatures and failures are the package's."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def initialize(self, *unnamed: Any, **options: Any) -> bool:
        """Opens the terminal in a directory; with `login` (and `password`, `server`) as that account. A second call
        for the same directory keeps the terminal that is open. False with -10003 if the directory holds none."""
        session = self.session
        with session.lock:
            try:
                directory = _directory(unnamed, options)
                _check_start_options(options)
                if session.terminal is not None and session.terminal.directory != directory:
                    self._close()
                if session.terminal is None:
                    session.terminal = _open(directory)
                if "login" in options:
                    _log_in(session.terminal, options)
                session.terminal.sync()
            except TradeloomError as error:
                self._close()  # a refused login must not leave another account connected
                session.fail(error)
                return False
            session.error = SUCCESS
            return True

    def shutdown(self) -> None:
        """Closes the terminal; the market stands until it is opened again."""
        with self.session.lock:
            try:
                self._close()
            except TradeloomError as error:
                self.session.fail(error)

    @terminal_call(False)
    def login(self, terminal: PaperTerminal, *unnamed: Any, **options: Any) -> bool:
        """Switches to another configured account."""
        if unnamed:
            options = {"login": unnamed[0], **options}
        arguments.named(options, "timeout", int, 0)
        _log_in(terminal, options)
        return True

    @terminal_call(None)
    def version(self, terminal: PaperTerminal) -> tuple[int, int, str]:
        return _TERMINAL_VERSION, BUILD, _RELEASED

    @terminal_call(None)
    def terminal_info(self, terminal: PaperTerminal) -> TerminalInfo:
        return terminal_struct(str(terminal.directory), connected=terminal.connected)

    @terminal_call(None)
    def account_info(self, terminal: PaperTerminal) -> AccountInfo:
        return account_struct(terminal.account, terminal.server.reported_login)

    def last_error(self) -> tuple[int, str]:
        """Code and words of the last call in this process."""
        with self.session.lock:
            return self.session.error

    def _close(self) -> None:
        terminal, self.session.terminal = self.session.terminal, None
        self.session.error = SUCCESS if terminal is not None else NOT_CONNECTED
        if terminal is not None:
            terminal.close()


def _directory(unnamed: tuple[Any, ...], options: dict[str, Any]) -> Path:
    """The terminal directory; a path to a file in it (`terminal64.exe`, `paper.json`) means the same."""
    if not unnamed and "path" not in options:
        raise _no_terminal("no path is given, and a paper terminal is not installed anywhere to be found")
    path = unnamed[0] if unnamed else options["path"]
    if not isinstance(path, str):
        raise arguments.invalid('Invalid "path" argument')
    if not path:
        raise _no_terminal("the path is empty")
    try:
        given = Path(path).absolute()
        return given if given.is_dir() else given.parent
    except (ValueError, OSError) as error:
        raise _no_terminal(str(error)) from error


def _check_start_options(options: dict[str, Any]) -> None:
    """Options that mean nothing to a paper terminal, which starts at once, are still typed as the package's."""
    arguments.named(options, "timeout", int, 0)
    arguments.named(options, "portable", int, 0)


def _no_terminal(why: str) -> TerminalFailure:
    return TerminalFailure(constants.RES_E_INTERNAL_FAIL_INIT, f"IPC initialize failed, {why}")


def _open(directory: Path) -> PaperTerminal:
    try:
        return PaperTerminal(directory)
    except TradeloomError as error:
        raise _no_terminal(error.message) from error


def _log_in(terminal: PaperTerminal, options: dict[str, Any]) -> None:
    number = arguments.named(options, "login", int, 0)
    password = arguments.named(options, "password", str, "")
    server = arguments.named(options, "server", str, "")
    if not any(_is_account(account, number, password, server) for account in terminal.config.accounts):
        raise TerminalFailure(constants.RES_E_AUTH_FAILED, "Terminal: Authorization failed")
    terminal.login = number


def _is_account(account: AccountConfig, number: int, password: str, server: str) -> bool:
    secret = account.password
    known = secret is None or secret.get_secret_value() == password
    return account.login == number and known and server in ("", account.server)
