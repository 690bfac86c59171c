"""The console's typed client is made from the API that is served."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.console.api_document import PLACE, document_text

WEB = PLACE.parents[2]
STALE = "stale: run `make console-api` and commit what it wrote"


def test_the_api_document_is_that_of_the_server() -> None:
    assert PLACE.read_text() == document_text(), STALE


def test_the_client_is_made_from_the_document(tmp_path: Path) -> None:
    tool = WEB / "node_modules/.bin/openapi-typescript"
    if not tool.exists() or shutil.which("node") is None:
        pytest.skip("the console's packages are not installed: make console")
    made = tmp_path / "schema.d.ts"
    subprocess.run([tool, PLACE, "--output", made], check=True, capture_output=True, timeout=120)
    assert made.read_text() == (WEB / "src/api/schema.d.ts").read_text(), STALE
