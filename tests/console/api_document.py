"""The OpenAPI document that the console's client is made from: `python -m tests.console.api_document` writes it."""

import json
from pathlib import Path

from tests.unit.api.fakes import fake_ports
from tradeloom.api.app import Api

PLACE = Path(__file__).parents[2] / "web/src/api/openapi.json"


def document_text() -> str:
    """Sorted, and without the package's version: neither another order nor a release makes the client stale."""
    document = Api(fake_ports()).openapi
    document["info"]["version"] = "0"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    PLACE.write_text(document_text())
