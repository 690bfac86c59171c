"""Bodies that something better than a model judges."""

from typing import Any

from pydantic import GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from tradeloom.workflow.document import Workflow

EXAMPLE: dict[str, Any] = {
    "name": "Tell me the price",
    "nodes": [
        {"id": "start", "type": "trigger.manual", "name": "Start"},
        {"id": "price", "type": "market.live_price", "name": "EURUSD", "config": {"symbol": "EURUSD"}},
        {
            "id": "tell",
            "type": "notify.dashboard",
            "name": "Tell",
            "config": {"title": "EURUSD", "message": "Bid {{ nodes.price.bid }}, ask {{ nodes.price.ask }}"},
        },
    ],
    "connections": [{"source": "start", "target": "price"}, {"source": "price", "target": "tell"}],
    "settings": {"broker_account": "paper"},
}


class WorkflowDocument(RootModel[Any]):
    """A workflow document as it came: described by the model, judged by the compiler, which finds all problems."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(Workflow.__pydantic_core_schema__)
        resolved = handler.resolve_ref_schema(described)
        resolved["examples"] = [EXAMPLE]
        return described
