"""Node types: the palette, one type's schema, and a test of one node."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path

from tradeloom.api.models.nodes import NodeSchema, NodeTest, NodeTestResult, NodeTypes
from tradeloom.api.palette import all_types, schema_of
from tradeloom.api.routing import PREFIX, Routes, answers

router = Routes()
_TAGS = ["nodes"]

TypeName = Annotated[str, Path(description="`category.name`, as the list has it.", max_length=80)]


@router.get(
    f"{PREFIX}/nodes/types",
    summary="List the node types",
    operation_id="listNodeTypes",
    tags=_TAGS,
    **answers(NodeTypes),
)
def types() -> NodeTypes:
    return NodeTypes(items=all_types())


@router.get(
    f"{PREFIX}/nodes/<type>/schema",
    summary="Read a node type's schemas",
    operation_id="getNodeSchema",
    tags=_TAGS,
    **answers(NodeSchema, 404),
)
def schema(type: TypeName) -> NodeSchema:
    return schema_of(type)


@router.post(
    f"{PREFIX}/nodes/test",
    summary="Run one node",
    description="Runs the node's real handler in test mode on the inputs given. A node that fails is a result too.",
    operation_id="testNode",
    tags=_TAGS,
    **answers(NodeTestResult, 404, 502, 504, body=True),
)
def test(node: Annotated[NodeTest, Body()]) -> NodeTestResult:
    who = router.caller
    return router.ports.node_tests.run(who.tenant, who.user, node)
