"""Settings from the environment, put over those of the file before anything is checked.

`TRADELOOM_BRIDGE__LISTEN__PORT=7443` sets `listen.port`: two underscores stand for a dot, case does not matter. An
account is named by its name (`-` written as `_`) or by its number from 0: `TRADELOOM_BRIDGE__ACCOUNTS__DEMO__LOGIN`. A
value that begins with `[` or `{` is JSON, everything else a text that the setting's own type reads.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tradeloom.errors import InvalidInput

PREFIX: Final = "TRADELOOM_BRIDGE__"
SHORT: Final = {
    "TRADELOOM_BRIDGE_DATA_DIR": ("data_dir",),
    "TRADELOOM_BRIDGE_HOST": ("listen", "host"),
    "TRADELOOM_BRIDGE_PORT": ("listen", "port"),
    "TRADELOOM_BRIDGE_LOG_LEVEL": ("log_level",),
}
"""Shorter names of what is set most often; where both are there, the longer one counts."""

type Path = tuple[str | int, ...]


def override(values: dict[str, Any], environment: Mapping[str, str]) -> dict[Path, str]:
    """Changes `values`, the file's content; returns which variable set what.

    Raises `InvalidInput` naming the variable when it names no account of the file or holds broken JSON. Settings that
    do not exist are left for the configuration itself to refuse.
    """
    came_from: dict[Path, str] = {}
    for variable, keys in _wanted(environment):
        try:
            path = _located(keys, values)
            _put(values, path, _value(environment[variable]))
        except ValueError as error:
            raise InvalidInput(f"the environment variable {variable} {error}", field=variable) from error
        came_from[path] = variable
    return came_from


def _wanted(environment: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((variable, keys) for variable, keys in SHORT.items() if variable in environment)
    for variable in sorted(environment):
        if variable.upper().startswith(PREFIX):
            yield variable, tuple(variable[len(PREFIX) :].lower().split("__"))


def _located(keys: tuple[str, ...], values: Mapping[str, Any]) -> Path:
    """The account by its position, whatever it was named by."""
    if keys[0] != "accounts" or len(keys) < 2:
        return keys
    accounts = values.get("accounts")
    names = [str(account.get("name")) for account in accounts or () if isinstance(account, dict)]
    if keys[1].isdecimal() and int(keys[1]) < len(names):
        return ("accounts", int(keys[1]), *keys[2:])
    fitting = [number for number, name in enumerate(names) if name.lower().replace("-", "_") == keys[1]]
    if len(fitting) != 1:
        raise ValueError(f"names no account: there are {', '.join(names) or 'none'}")
    return ("accounts", fitting[0], *keys[2:])


def _put(values: dict[str, Any], path: Path, value: Any) -> None:
    section: Any = values
    for key in path[:-1]:
        if isinstance(section, dict):
            section = section.setdefault(key, {})
        elif isinstance(section, list) and isinstance(key, int):
            section = section[key]
    if not isinstance(section, dict):
        raise ValueError(f"sets something inside {'.'.join(map(str, path[:-1]))}, which is no section")
    section[path[-1]] = value


def _value(text: str) -> Any:
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"holds broken JSON: {error}") from error
