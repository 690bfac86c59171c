"""The bridge as a Windows service, run by NSSM: `tradeloom-bridge service install --config bridge.toml`.

NSSM starts a console program as a service, restarts it when it ends, and stops it with Ctrl-C, at which the bridge
drains. The commands are made here, as lists of arguments, and run without a shell; `--print` shows them in PowerShell's
spelling instead, also on a machine that is no Windows.

The service runs as its own virtual account, `NT SERVICE\\<name>`: no password, no rights but those granted here (the
data directory, which is closed to everybody else, and the terminals' directories). Keys and journal are protected by
these access lists, since Windows knows no file modes.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Final

from mt5_bridge.config import BridgeConfig, load_config
from tradeloom.errors import InvalidInput, NotFound, TradeloomError

DEFAULT_NAME: Final = "TradeloomBridge"
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_UNUSABLE: Final = re.compile(r'["*?<>|\x00-\x1f\x7f\u2028\u2029]')
_STOP_MARGIN_S: Final = 30
"""On top of the time to drain: workers leave, files are closed."""
_RESTART_AFTER_MS: Final = 5_000
_SYSTEM, _ADMINISTRATORS = "*S-1-5-18", "*S-1-5-32-544"
"""By number: their names are translated in other languages' Windows."""
EXIT_CONFIGURATION: Final = 2
"""What the bridge ends with when its configuration is wrong: starting it again would not help."""

type Command = list[str]


def installation(
    name: str, config_path: PureWindowsPath, config: BridgeConfig, python: str, nssm: str
) -> tuple[str, list[Command]]:
    """The directory of the logs, to be made first, and the commands that make the service, in order. `python` is the
    interpreter the bridge is installed for.

    Raises `InvalidInput` for a name or a path that Windows would not take, or would take apart.
    """
    _check_name(name)
    data = _checked(_windows(config.data_dir), "data_dir")
    terminals = [
        (_checked(_windows(account.terminal_path), f"accounts.{number}.terminal_path"), account.terminal)
        for number, account in enumerate(config.accounts)
    ]
    _checked(str(config_path), "config")
    if subprocess.list2cmdline([config_path.name]) != config_path.name or not config_path.name.isascii():
        raise InvalidInput("the configuration's file name must be plain, without spaces", field="config")
    # Named relative to the directory the service starts in, so that nothing needs quotes within quotes, which
    # PowerShell's versions pass on differently. -P: what lies in that directory is not imported.
    parameters = f"-P -m mt5_bridge --config {config_path.name}"
    logs = str(PureWindowsPath(data) / "logs")
    settings: dict[str, Sequence[str]] = {
        "AppDirectory": [str(config_path.parent)],
        "DisplayName": [f"Tradeloom bridge ({name})" if name != DEFAULT_NAME else "Tradeloom bridge"],
        "Description": ["Stands between Tradeloom and MetaTrader 5: order journal, risk gate, network front."],
        "Start": ["SERVICE_DELAYED_AUTO_START"],
        "AppExit": ["Default", "Restart"],
        "AppRestartDelay": [str(_RESTART_AFTER_MS)],
        "AppThrottle": ["10000"],
        "AppStopMethodConsole": [str(int((config.drain_timeout_s + _STOP_MARGIN_S) * 1000))],
        "AppStdout": [str(PureWindowsPath(logs) / "service.log")],
        "AppStderr": [str(PureWindowsPath(logs) / "service.log")],
        "AppRotateFiles": ["1"],
        "AppRotateBytes": ["5000000"],
        "AppEnvironmentExtra": ["PYTHONUNBUFFERED=1", "PYTHONUTF8=1"],
    }
    account = rf"NT SERVICE\{name}"
    return logs, [
        [nssm, "install", name, _checked(python, "python")],
        [nssm, "set", name, "AppParameters", parameters],
        *([nssm, "set", name, setting, *values] for setting, values in settings.items()),
        [nssm, "set", name, "AppExit", str(EXIT_CONFIGURATION), "Exit"],
        ["sc.exe", "config", name, "obj=", account],
        [
            "icacls.exe", data, "/inheritance:r", "/grant:r", f"{_SYSTEM}:(OI)(CI)F", f"{_ADMINISTRATORS}:(OI)(CI)F",
            f"{account}:(OI)(CI)M",
        ],
        *(["icacls.exe", _directory(path, kind), "/grant", f"{account}:(OI)(CI)M"] for path, kind in terminals),
        ["icacls.exe", str(config_path), "/grant", f"{account}:R"],
    ]  # fmt: skip


def commands(action: str, name: str, nssm: str) -> list[Command]:
    """What the other actions do; `stop` comes back when the bridge has drained."""
    _check_name(name)
    if action == "uninstall":
        return [[nssm, "stop", name], [nssm, "remove", name, "confirm"]]
    return [[nssm, action, name]]


def powershell(command: Command) -> str:
    """The command as PowerShell takes it: every argument between single quotes, in which nothing is special."""
    return "& " + " ".join(map(_quoted, command))


def main(arguments: Sequence[str]) -> int:
    """`tradeloom-bridge service …`: exit code 0, 1 when a command failed, 2 for wrong input."""
    options = _parser().parse_args(arguments)
    try:
        directory, wanted = _planned(options)
        if directory and not options.print:
            Path(directory).mkdir(parents=True, exist_ok=True)
    except (TradeloomError, OSError) as error:
        print(f"tradeloom-bridge service: {error}", file=sys.stderr)
        return EXIT_CONFIGURATION if isinstance(error, InvalidInput) else 1
    if options.print:
        made = [f"New-Item -ItemType Directory -Force -Path {_quoted(directory)} | Out-Null"] if directory else []
        print("\n".join([*made, *map(powershell, wanted)]))
        return 0
    return run(wanted, may_fail=options.action == "uninstall")


def run(wanted: Sequence[Command], *, may_fail: bool, call: Callable[[Command], int] = subprocess.call) -> int:
    """Runs them one after another until one fails. With `may_fail` only the last one's failure counts: a service that
    is already stopped is no obstacle to its removal."""
    for number, command in enumerate(wanted, start=1):
        code = call(command)
        if code and (not may_fail or number == len(wanted)):
            print(f"tradeloom-bridge service: {powershell(command)} ended with {code}", file=sys.stderr)
            return 1
    return 0


def _planned(options: argparse.Namespace) -> tuple[str, list[Command]]:
    nssm = options.nssm or shutil.which("nssm")
    if options.print:
        nssm = nssm or "nssm.exe"
    elif sys.platform != "win32":
        raise InvalidInput("services are Windows' own; --print shows what would be done", field="action")
    elif nssm is None:
        raise NotFound("nssm.exe is not on the path", hint="install NSSM, or tell its place with --nssm")
    if options.action != "install":
        return "", commands(options.action, options.name, nssm)
    if options.config is None:
        raise InvalidInput("install needs --config with the configuration file", field="config")
    config = load_config(options.config)
    path = PureWindowsPath(options.config.absolute())
    return installation(options.name, path, config, options.python or sys.executable, nssm)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput("a service's name is a letter, then letters, digits, - and _, 64 at most", field="name")


def _checked(path: str, field: str) -> str:
    """No path on Windows holds these characters, and a quote would end an argument too early."""
    if _UNUSABLE.search(path):
        raise InvalidInput(f"{path!r} holds a character that no path on Windows has", field=field)
    if "%" in path:
        raise InvalidInput(f"{path!r} holds a %, between which NSSM looks for variables", field=field)
    return path


def _windows(path: Path) -> str:
    """A Windows path looks relative to any other machine, which is where `--print` may be used."""
    found = re.search(r"[A-Za-z]:\\.*", str(path), re.DOTALL)
    return found[0] if found else str(path)


def _quoted(text: str) -> str:
    """PowerShell takes typographic quotes for quotes, too."""
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"


def _directory(path: str, kind: str) -> str:
    """Of a real terminal the directory around its program."""
    return str(PureWindowsPath(path).parent) if kind == "metatrader5" else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tradeloom-bridge service", description="The bridge as a Windows service.")
    parser.add_argument("action", choices=["install", "uninstall", "start", "stop", "restart", "status"])
    parser.add_argument("--config", type=Path, help="for install: the bridge's TOML or JSON file")
    parser.add_argument("--name", default=DEFAULT_NAME, help=f"the service's name (default: {DEFAULT_NAME})")
    parser.add_argument("--nssm", help="where nssm.exe is (default: on the path)")
    parser.add_argument("--python", help="the interpreter the bridge is installed for (default: this one)")
    parser.add_argument("--print", action="store_true", help="show the commands, do nothing")
    return parser
