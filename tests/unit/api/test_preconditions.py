"""What the document says a change must name of what it replaces."""

import pytest

from tradeloom.api.app import Api


@pytest.mark.parametrize(
    ("path", "method", "required"),
    [
        ("/workflows/{id}", "put", {"if-match": True}),
        ("/workflows/{id}/versions/{version}/restore", "post", {"if-match": True}),
        ("/workflows/{id}/draft", "put", {"if-match": False, "if-none-match": False}),
    ],
)
def test_if_match_is_required_where_nothing_may_stand_for_it(
    api: Api, path: str, method: str, required: dict[str, bool]
) -> None:
    operation = api.openapi["paths"][f"/api/agentic{path}"][method]
    headers = {each["name"]: each.get("required", False) for each in operation["parameters"] if each["in"] == "header"}
    assert headers == required
