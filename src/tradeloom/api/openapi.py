"""Corrects what Powertools writes about answers this API never gives."""

import json
from typing import Any

_ERROR = {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}


def tidied(document: dict[str, Any]) -> dict[str, Any]:
    """Paths in order, every failure in the one error shape, empty answers without content, one name a schema."""
    document["paths"] = dict(sorted(document["paths"].items()))
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"] = dict(sorted(operation["responses"].items()))
            responses["500"] = {"description": "Something failed that should not have.", "content": _json(_ERROR)}
            responses.get("204", {}).pop("content", None)
            parameters = {parameter["name"].lower(): parameter for parameter in operation.get("parameters", ())}
            if "if-match" in parameters and "if-none-match" not in parameters:
                parameters["if-match"]["required"] = True  # left out it is a 428, which says more than a 422
    _without_other_names(document["components"]["schemas"])
    return _without_unused_schemas(document)


def _without_other_names(schemas: dict[str, Any]) -> None:
    """A schema that only names another becomes what it names: whether pydantic writes one or the other depends on
    which model was used first."""
    for name, schema in schemas.items():
        if schema.keys() == {"$ref"}:
            schemas[name] = schemas[schema["$ref"].rpartition("/")[2]]


def _json(content: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": content}


def _without_unused_schemas(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    while True:
        text = json.dumps(document)
        unused = [name for name in schemas if f'"#/components/schemas/{name}"' not in text]
        if not unused:
            return document
        for name in unused:
            del schemas[name]
