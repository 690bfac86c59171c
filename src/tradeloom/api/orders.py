"""Orders: list them, read one, settle one that waits for a person."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from tradeloom.api.models.orders import OrderItem, OrderPage, OrderQuery, OrderState, SettleOrder
from tradeloom.api.routing import PREFIX, Id, Limit, Offset, Routes, answers

router = Routes()
_TAGS = ["orders"]
_Named = Annotated[str | None, Query(description="Only this one's.", min_length=1, max_length=64)]


@router.get(
    f"{PREFIX}/orders",
    summary="List orders",
    operation_id="listOrders",
    tags=_TAGS,
    **answers(OrderPage),
)
def listing(
    limit: Limit = 50,
    offset: Offset = 0,
    state: Annotated[list[OrderState] | None, Query(description="Only those in these states; repeatable.")] = None,
    account: _Named = None,
    workflow_id: _Named = None,
    execution_id: _Named = None,
) -> OrderPage:
    wanted = OrderQuery(states=tuple(state or ()), account=account, workflow_id=workflow_id, execution_id=execution_id)
    return router.ports.orders.page(router.caller.tenant, wanted, limit=limit, offset=offset)


@router.get(
    f"{PREFIX}/orders/<id>",
    summary="Read an order",
    operation_id="getOrder",
    tags=_TAGS,
    **answers(OrderItem, 404),
)
def read(id: Id) -> OrderItem:
    return router.ports.orders.get(router.caller.tenant, id)


@router.post(
    f"{PREFIX}/orders/<id>/settle",
    summary="Say what became of an order",
    description="For orders in `manual`: sent with real money and not found at the broker. The bridge checks the "
    "ticket against the broker's history, and what the broker's records show goes before the word.",
    operation_id="settleOrder",
    tags=_TAGS,
    **answers(OrderItem, 404, 409, 502, 504, body=True),
)
def settle(id: Id, wanted: Annotated[SettleOrder, Body()]) -> OrderItem:
    who = router.caller
    return router.ports.orders.settle(who.tenant, who.user, id, wanted)
