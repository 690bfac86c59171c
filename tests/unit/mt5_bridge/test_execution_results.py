"""Every cent belongs to one execution, or to nobody: on the paper terminal's own books, whoever closes what."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt5_bridge.journal_store import Entry, OrderState
from mt5_bridge.paper.arguments import trade_request
from mt5_bridge.trade_records import TradeRecords
from tests.support.loop import run
from tests.unit.mt5_bridge.fake_terminal import NOW, market
from tests.unit.mt5_bridge.paper.test_books import MONDAY, bars, conditions, request_of, steps
from tests.unit.mt5_bridge.test_trade_money import books, still_open
from tests.unit.mt5_bridge.test_trade_records import DAY
from tradeloom.storage.memory.trades import MemoryTrades
from tradeloom.trading.intents import client_order_id
from tradeloom.trading.trade_ledger import TradeRecord

EXECUTIONS = ("a", "b", "c")


class Journal:
    """Which execution's order bears which magic number; a magic number of 0 is a person's."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}

    def order_of(self, execution: str | None, number: int) -> int:
        if execution is None:
            return 0
        node = f"n{number}"
        changes: dict[str, Any] = {
            "client_order_id": client_order_id(execution, node),
            "execution_id": execution,
            "workflow_id": f"wf-{execution in 'ab'}",
            "node_id": node,
        }
        intent = market(**changes)
        self.entries[intent.magic] = Entry(intent, OrderState.DONE, 1, NOW, None, None, NOW)
        return intent.magic

    def find(self, magics: Iterable[int]) -> dict[int, Entry]:
        return {magic: self.entries[magic] for magic in magics if magic in self.entries}


@pytest.mark.parametrize("margin_mode", ["netting", "hedging"])
@settings(max_examples=20, deadline=None)
@given(
    path=st.lists(bars, min_size=20, max_size=50),
    script=st.lists(st.tuples(steps, st.integers(0, 2), st.sampled_from([*EXECUTIONS, None])), max_size=25),
    changes=conditions,
)
def test_results_of_all_executions_and_nobodys_are_what_the_balance_moved_by(
    margin_mode: str, path: list[Any], script: list[Any], changes: dict[str, Any]
) -> None:
    journal = Journal()
    with books(path, margin_mode, changes) as (terminal, package, ledger):
        for number, ((kind, choice, lots, loss, profit), filling, execution) in enumerate(script):
            if kind == "wait":
                terminal.advance(terminal.market_time() + timedelta(hours=choice))
            elif request := request_of(terminal, kind, choice, lots, loss, profit, filling):
                request |= {"magic": journal.order_of(execution, number)}
                terminal.send(trade_request((request,), {}))
        terminal.advance(terminal.market_time() + timedelta(hours=len(path)))
        made = TradeRecords(package, ledger, "paper", orders=journal.find, guards=lambda _: ())
        since, until = MONDAY - DAY, terminal.market_time() + DAY
        records = made.page(since, until, symbol=None, workflow_id=None, after_deal=0, limit=10_000)
        flows = sum((Decimal(repr(flow.amount)) for flow in ledger.cash_flows(since, until)), Decimal(0))
        moved = terminal.account.balance - flows - still_open(package)
    run(check_results(records, moved))


async def check_results(records: list[TradeRecord], moved: Decimal) -> None:
    store = MemoryTrades()
    await store.keep("acme", "", records, {})
    shares = await store.shares("acme", EXECUTIONS)
    own = {each: sum((result.net for result in share.own), Decimal(0)) for each, share in shares.items()}
    nobodys = sum((record.net for record in records if record.execution_id is None), Decimal(0))
    assert sum(own.values(), nobodys) == moved
    workflows = {record.workflow_id for record in records if record.workflow_id is not None}
    by_workflow = [result.net for each in workflows for result in await store.results("acme", each)]
    assert sum(by_workflow, nobodys) == moved
    for each, share in shares.items():
        told = sum(result.trades for result in share.closed_others)
        assert told == sum(record.exit_execution_id == each != record.execution_id for record in records)
        for result in share.own:
            assert result.net == result.gross + result.commission + result.swap + result.fee
