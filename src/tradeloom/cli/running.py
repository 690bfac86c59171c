"""The Tradeloom that runs on this machine, asked over its own API."""

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from tradeloom import errors
from tradeloom.api.addresses import PREFIX
from tradeloom.errors import BrokerUnavailable, Conflict, InvalidInput, NotFound, StorageUnavailable, TradeloomError
from tradeloom.local.home import Home
from tradeloom.local.settings import load_settings

TIMEOUT_S: Final = 60.0
_BY_STATUS: Final[Mapping[int, type[TradeloomError]]] = {404: NotFound, 409: Conflict}
_KINDS: Final = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, TradeloomError)
}


class NotRunning(BrokerUnavailable):
    """No Tradeloom runs on the data directory, so nothing trades from it either."""


class Running:
    """One machine's API, with the token of its data directory. Raises the errors it answers with."""

    def __init__(self, home: Path | None) -> None:
        """Raises `NotRunning`."""
        place = Home(load_settings(home=home).home)
        address = place.address()
        if address is None:
            raise NotRunning(
                f"Tradeloom is not running on {place.root}.",
                hint="Start it with `tradeloom up`, or name its data directory with --home. "
                "What is open at the broker stays open: look there.",
            )
        self._address = urlsplit(address)
        self._token, _ = place.token()

    def get(self, *path: str, query: Mapping[str, str | Sequence[str]] | None = None) -> Any:
        return self._ask("GET", path, None, f"?{urlencode(query, doseq=True)}" if query else "")

    def post(self, *path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._ask("POST", path, body)

    def put(self, *path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("PUT", path, body)

    def _ask(self, method: str, path: tuple[str, ...], body: Mapping[str, Any] | None, query: str = "") -> Any:
        where = "/".join((PREFIX, *(quote(part, safe="") for part in path))) + query
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(
            self._address.hostname or "", self._address.port or 80, timeout=TIMEOUT_S
        )
        try:
            connection.request(method, where, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            told = json.loads(answer.read() or b"null")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise StorageUnavailable(
                f"The Tradeloom at {self._address.netloc} does not answer: {error}.",
                hint="Whether it did what was asked is not known: ask again, it does no harm.",
            ) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise _error(answer.status, told)
        return told


def _error(status: int, told: Any) -> TradeloomError:
    """The error the API described; one only it knows is told as the kind its status stands for."""
    parts = told.get("error") if isinstance(told, dict) else None
    if not isinstance(parts, dict):
        return StorageUnavailable("Tradeloom answered with an error it did not describe.")
    kind = _KINDS.get(str(parts.get("name")), _BY_STATUS.get(status, InvalidInput if status < 500 else TradeloomError))
    where = {key: parts.get(key) for key in ("field", "node", "hint")}
    try:
        return kind(str(parts.get("message")), **where)
    except TypeError:  # an error whose constructor wants more
        return TradeloomError(str(parts.get("message")), **where)
