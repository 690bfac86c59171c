"""The API's Lambda entry: the same resolver, and a typed answer where an adapter is missing."""

import json
from collections.abc import Iterator

import pytest

from functions.api import app
from functions.api.app import handler
from tests.unit.api.fakes import event


@pytest.fixture(autouse=True)
def no_adapters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a deployment that names none; the process keeps the API it made, so it is made anew."""
    monkeypatch.delenv(app.VARIABLE, raising=False)
    app._api.cache_clear()
    yield
    app._api.cache_clear()


def test_it_answers_what_needs_no_adapter() -> None:
    answer = handler(event("GET", "/api/agentic/nodes/types"), None)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["items"]


def test_a_missing_adapter_is_a_typed_error() -> None:
    answer = handler(event("GET", "/api/agentic/workflows"), None)
    assert answer["statusCode"] == 501
    assert json.loads(answer["body"])["error"]["name"] == "NotConfigured"


def test_it_needs_verified_claims() -> None:
    assert handler(event("GET", "/api/agentic/workflows", claims={}), None)["statusCode"] == 401
