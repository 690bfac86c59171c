"""The OpenAPI document: complete, consistent, and true to the routes and their answers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis

from tests.unit.api.conftest import Ask
from tests.unit.api.fake_workflows import DOCUMENT
from tradeloom.api.app import Api
from tradeloom.api.bodies import EXAMPLE
from tradeloom.compiler.compile import compile_workflow

ROUTES = {
    "/workflows": {"get", "post"},
    "/workflows/validate": {"post"},
    "/workflows/{id}/draft": {"get", "put", "delete"},
    "/workflows/{id}": {"get", "put", "delete"},
    "/workflows/{id}/toggle": {"post"},
    "/templates": {"get"},
    "/templates/{id}": {"get"},
    "/workflows/{id}/tags": {"put"},
    "/workflows/{id}/versions": {"get"},
    "/workflows/{id}/versions/{version}": {"get"},
    "/workflows/{id}/versions/{version}/restore": {"post"},
    "/workflows/{id}/schedule": {"get"},
    "/schedules/preview": {"post"},
    "/expressions/preview": {"post"},
    "/expressions/functions": {"get"},
    "/indicators/preview": {"post"},
    "/accounts/{id}/candles": {"get"},
    "/workflows/{id}/kill": {"post"},
    "/accounts": {"get"},
    "/accounts/kill": {"post"},
    "/accounts/{id}": {"get"},
    "/accounts/{id}/holdings": {"get"},
    "/accounts/{id}/kill": {"post"},
    "/accounts/{id}/limits": {"get", "put"},
    "/accounts/{id}/resume": {"post"},
    "/workflows/{id}/execute": {"post"},
    "/workflows/{id}/executions": {"get"},
    "/executions": {"get"},
    "/executions/{id}": {"get"},
    "/executions/{id}/decisions": {"get"},
    "/executions/{id}/document": {"get"},
    "/executions/{id}/logs": {"get"},
    "/executions/{id}/stop": {"post"},
    "/executions/{id}/retry": {"post"},
    "/executions/{id}/replay": {"post"},
    "/executions/{id}/debug": {"get", "post"},
    "/workflows/{id}/debug": {"post"},
    "/workflows/{id}/pins": {"get"},
    "/workflows/{id}/pins/{node}": {"put", "delete"},
    "/accounts/{id}/replay": {"post", "get"},
    "/accounts/{id}/replay/pause": {"post"},
    "/accounts/{id}/replay/resume": {"post"},
    "/accounts/{id}/replay/stop": {"post"},
    "/nodes/types": {"get"},
    "/nodes/{type}/schema": {"get"},
    "/nodes/test": {"post"},
    "/credential-kinds": {"get"},
    "/credentials": {"get", "post"},
    "/credentials/{id}": {"get", "put", "delete"},
    "/notifications": {"get"},
    "/orders": {"get"},
    "/orders/{id}": {"get"},
    "/orders/{id}/settle": {"post"},
    "/trades": {"get"},
    "/trades/export": {"get"},
    "/trades/summary": {"get"},
    "/tables": {"get"},
    "/tables/query": {"post"},
    "/models": {"get", "post"},
    "/models/{id}": {"get"},
    "/models/{id}/promote": {"post"},
    "/models/{id}/rollback": {"post"},
    "/model-trainings": {"get", "post"},
    "/model-trainings/{id}": {"get"},
    "/usage": {"get"},
    "/health": {"get"},
}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def test_it_has_exactly_the_promised_routes(api: Api) -> None:
    found = {path.removeprefix("/api/agentic"): set(operations) for path, operations in api.openapi["paths"].items()}
    assert found == ROUTES


def test_it_validates_and_a_generator_can_read_every_operation(api: Api) -> None:
    schema = schemathesis.openapi.from_dict(api.openapi)
    schema.config.update(base_url="http://127.0.0.1")
    read: list[Any] = list(schema.get_all_operations())
    assert len({operation.ok().label for operation in read}) == sum(len(methods) for methods in ROUTES.values())


def test_every_reference_leads_somewhere_and_every_schema_is_used(api: Api) -> None:
    text = json.dumps(api.openapi)
    schemas = api.openapi["components"]["schemas"]
    for name in schemas:
        assert f'"#/components/schemas/{name}"' in text, f"{name} is never used"
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in schemas


def test_every_operation_is_named_described_typed_and_can_fail_typed(api: Api) -> None:
    seen: set[str] = set()
    for path, method, operation in _operations(api.openapi):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
        seen.add(operation["operationId"])
        for status, answer in operation["responses"].items():
            if status == "204":
                assert "content" not in answer
                continue
            if (path.endswith("/export"), status) == (True, "200"):
                assert answer["content"] == {"text/csv": {"schema": {"type": "string"}}}
                continue
            schema = answer["content"]["application/json"]["schema"]
            assert schema["$ref"].startswith("#/components/schemas/"), where
            assert (schema["$ref"].endswith("/ErrorAnswer")) == (int(status) >= 400), where
        assert {"401", "422", "500"} <= set(operation["responses"]), where
    assert len(seen) == sum(len(methods) for methods in ROUTES.values())


def test_the_example_document_is_one_that_can_be_saved(api: Api) -> None:
    assert api.openapi["components"]["schemas"]["WorkflowDocument"]["examples"] == [EXAMPLE]
    assert compile_workflow(EXAMPLE).warnings == []


def test_it_is_served_without_a_token(ask: Ask, api: Api) -> None:
    answer = ask("GET", "/openapi.json", claims={})
    assert answer.status == 200
    assert answer.json == api.openapi


@pytest.mark.parametrize(
    "path",
    [
        "/workflows",
        "/nodes/types",
        "/credentials",
        "/credential-kinds",
        "/notifications",
        "/health",
        "/trades",
        "/trades/summary",
        "/accounts",
        "/accounts/paper/limits",
    ],
)
def test_answers_fit_what_the_document_says_of_them(ask: Ask, api: Api, path: str) -> None:
    ask("POST", "/workflows", DOCUMENT)
    schema = schemathesis.openapi.from_dict(api.openapi)
    schema.config.update(base_url="http://127.0.0.1")
    operation = schema[f"/api/agentic{path.replace('/paper/', '/{id}/')}"]["get"]
    answer = ask("GET", path)
    response = schemathesis.Response(
        status_code=answer.status,
        headers={"content-type": ["application/json"]},
        content=answer.text.encode(),
        request=_prepared(f"http://127.0.0.1/api/agentic{path}"),
        elapsed=0.0,
        verify=False,
    )
    operation.validate_response(response)


def _prepared(url: str) -> Any:
    import requests

    return requests.Request("GET", url).prepare()
