"""The console's form is tested with the node types there are."""

from tests.console.node_schemas import PLACE, schemas_text


def test_the_forms_schemas_are_those_of_the_node_types() -> None:
    assert PLACE.read_text() == schemas_text(), "stale: run `python -m tests.console.node_schemas` and commit it"
