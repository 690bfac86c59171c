"""Lists of executions cost the same questions however long they are."""

from collections import Counter
from datetime import timedelta
from typing import Any

from tests.support.loop import run
from tests.unit.engine.fakes import AS_OF
from tradeloom.api.models.executions import ExecutionQuery
from tradeloom.engine.journal import Execution
from tradeloom.engine.orders import News, OrderRecord
from tradeloom.engine.stores import VersionRecord
from tradeloom.local.execution_pages import ExecutionPages
from tradeloom.storage.memory.journal import MemoryJournal
from tradeloom.storage.memory.orders import MemoryOrders
from tradeloom.storage.memory.stores import MemoryStores
from tradeloom.storage.memory.trades import MemoryTrades


class Counted:
    """A store, and how often each of its methods was called."""

    def __init__(self, store: Any, asked: Counter[str]) -> None:
        self._store = store
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        self._asked[name] += 1
        return getattr(self._store, name)


async def questions(count: int) -> tuple[Counter[str], int]:
    """What a page of so many executions asks, each of which has an open position."""
    journal, orders, stores, asked = MemoryJournal(), MemoryOrders(), MemoryStores(), Counter[str]()
    await journal.open()
    version = VersionRecord(
        tenant="local", workflow_id="w1", version="v1", artefact="a", definition="d", account="paper", created_at=AS_OF
    )
    await stores.save(version, name="Dip buyer", description="")
    for number in range(count):
        at = AS_OF + timedelta(seconds=number)
        row = Execution(
            id=f"e{number}", tenant="local", workflow_id="w1", version="v1", definition="d", trigger="t",
            account="paper", run={}, input=None, as_of=at, created_at=at, status="SUCCEEDED",
        )  # fmt: skip
        assert await journal.create(row)
        order = OrderRecord(
            tenant="local", client_order_id=f"x{number}", magic=number, account="paper", execution_id=row.id,
            workflow_id="w1", version="v1", node="buy", intent={"kind": "market"}, created_at=at, updated_at=at,
        )  # fmt: skip
        await orders.intend(order)
        await orders.tell("local", f"x{number}", News(state="done", at=at, outcome={"volume": "0.1", "position": 7}))
    pages = ExecutionPages(*[Counted(store, asked) for store in (journal, stores, orders, MemoryTrades())])
    page = await pages.page("local", ExecutionQuery(), limit=200, offset=0)
    assert {(item.workflow_name, item.trades.state) for item in page.items} == {("Dip buyer", "open")}
    await journal.close()
    return asked, len(page.items)


def test_a_long_list_asks_no_more_than_a_short_one() -> None:
    few, shown = run(questions(2))
    many, more = run(questions(120))
    assert (shown, more) == (2, 120)
    assert few == many == {"workflows": 1, "executions": 1, "of_executions": 1, "shares": 1, "closed_entries": 1}
