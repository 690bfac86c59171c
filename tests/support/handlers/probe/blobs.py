"""A handler that uses its services: blobs, artefacts, and a bridge that is not there."""

from typing import Any

from tradeloom.errors import TradeloomError
from tradeloom.runtime.services import current


def handler(event: Any, context: Any) -> Any:
    services = current()
    name = services.store_blob(b"bars")
    answers: dict[str, Any] = {"blob": services.load_blob(name).decode(), "artefact": services.artefact("v1")}
    for what, ask in (("missing", lambda: services.artefact("v9")), ("broker", lambda: services.broker("paper"))):
        try:
            ask()
        except TradeloomError as error:
            answers[what] = error.name
    return answers
