"""The trade ledger as it is kept: one suite for every adapter."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.storage.conftest import OpenStores, run
from tests.support.trade_records import CLOSED, make_record
from tradeloom.engine.execution_trades import EntryOrder
from tradeloom.engine.trades import TradeFilter

NAMES = {"wf-1": "Breakout £ \u0000"}
ALL = TradeFilter(tenant="acme")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@run
async def test_a_record_is_read_as_kept(open_trades: OpenStores) -> None:
    record = make_record(
        7, "-12.34567891", r_multiple=Decimal("-1.0312"), stop_loss=1.0951, guard="trailing", price_open=None
    )
    async with open_trades() as trades:
        assert await trades.keep("acme", "s", [record], NAMES) == 1
    async with open_trades() as trades:
        (kept,), total = await trades.page(ALL, limit=10, offset=0)
        assert (kept.record, kept.session, total) == (record, "s", 1)
        assert kept.workflow_name.startswith("Breakout £")
        (line,) = await trades.lines(ALL)
        assert (line.net, line.r_multiple, line.deal, line.closed_at) == (
            Decimal("-12.34567891"),
            Decimal("-1.0312"),
            7,
            record.closed_at,
        )
        assert (line.group.account, line.group.currency, line.group.version) == ("paper", "USD", "v1")


@run
async def test_the_same_again_is_kept_once_as_it_was(open_trades: OpenStores) -> None:
    """Later on the broker's history may tell less: what is kept stays."""
    async with open_trades() as trades:
        assert await trades.keep("acme", "", [make_record(7), make_record(8)], NAMES) == 2
        poorer = make_record(8, price_open=None, opened_at=None, workflow_id=None)
        assert await trades.keep("acme", "", [poorer, make_record(9)], {}) == 1
        found, total = await trades.page(ALL, limit=10, offset=0)
        assert ([kept.record.deal for kept in found], total) == ([9, 8, 7], 3)
        assert found[1].record == make_record(8)


@run
async def test_accounts_replays_and_tenants_have_their_own_tickets(open_trades: OpenStores) -> None:
    async with open_trades() as trades:
        assert await trades.latest("acme", "paper", "") is None
        for tenant, session, account in (("acme", "", "paper"), ("acme", "a", "paper"), ("acme", "", "live")):
            assert await trades.keep(tenant, session, [make_record(7, account=account)], {}) == 1
        assert await trades.keep("globex", "", [make_record(7)], {}) == 1
        assert (await trades.page(ALL, limit=10, offset=0))[1] == 3
        await trades.keep("acme", "a", [make_record(9)], {})
        assert await trades.latest("acme", "paper", "a") == CLOSED + timedelta(minutes=9)
        assert await trades.latest("acme", "paper", "") == CLOSED + timedelta(minutes=7)
        assert await trades.latest("acme", "live", "a") is None


@pytest.mark.parametrize(
    ("wanted", "deals"),
    [
        ({}, [4, 3, 2, 1]),
        ({"account": "live"}, [4]),
        ({"workflow_id": "wf-2"}, [2]),
        ({"version": "v2"}, [3]),
        ({"symbol": "GBPUSD"}, [3]),
        ({"since": CLOSED + timedelta(minutes=3)}, [4, 3]),
        ({"until": CLOSED + timedelta(minutes=2)}, [2, 1]),
        ({"symbol": "EURUSD", "since": CLOSED + timedelta(minutes=2), "account": "paper"}, [2]),
        ({"workflow_id": "unheard of \u0000"}, []),
    ],
)
@run
async def test_filters(open_trades: OpenStores, wanted: dict[str, Any], deals: list[int]) -> None:
    async with open_trades() as trades:
        made = [
            make_record(1, workflow_id=None, workflow_version=None),
            make_record(2, workflow_id="wf-2"),
            make_record(3, workflow_version="v2", symbol="GBPUSD"),
            make_record(4, account="live"),
        ]
        await trades.keep("acme", "", made, NAMES)
        which = TradeFilter(tenant="acme", **wanted)
        found, total = await trades.page(which, limit=10, offset=0)
        assert ([kept.record.deal for kept in found], total) == (deals, len(deals))
        assert [line.deal for line in await trades.lines(which)] == deals[::-1]


@run
async def test_pages(open_trades: OpenStores) -> None:
    async with open_trades() as trades:
        await trades.keep("acme", "", [make_record(deal) for deal in range(1, 6)], NAMES)
        found, total = await trades.page(ALL, limit=2, offset=1)
        assert ([kept.record.deal for kept in found], total) == ([4, 3], 5)
        assert await trades.page(ALL, limit=2, offset=9) == ([], 5)


def entry(order_id: str, execution_id: str, position: int | None, account: str = "paper") -> EntryOrder:
    return EntryOrder(order_id, execution_id, account, position, LONG_AGO)


@run
async def test_an_execution_has_what_it_opened_and_is_told_what_it_closed(open_trades: OpenStores) -> None:
    """A opens, B closes half, a stop the rest: the result is A's alone, and B knows what it closed."""
    costs = {"commission_open": Decimal("-0.35"), "commission_close": Decimal("-0.35"), "swap": Decimal("-0.10")}
    half = make_record(1, "4.20", gross=Decimal("5.00"), **costs, execution_id="a", exit_execution_id="b",
                       volume=Decimal("0.05"), left=Decimal("0.05"), position=70)  # fmt: skip
    rest = make_record(2, "-7.00", execution_id="a", exit_execution_id=None, reason="stop_loss",
                       volume=Decimal("0.05"), left=Decimal(0), position=70)  # fmt: skip
    own = make_record(3, "1.00", execution_id="b", exit_execution_id="b", position=71)
    nobodys = make_record(4, "2.50", execution_id=None, exit_execution_id="b", position=72, workflow_id=None)
    async with open_trades() as trades:
        await trades.keep("acme", "", [half, rest, own, nobodys], NAMES)
        await trades.keep("globex", "", [make_record(9, execution_id="a")], NAMES)
        shares = await trades.shares("acme", ["a", "b", "unheard of \u0000"])
        assert set(shares) == {"a", "b"}
        (made,) = shares["a"].own
        assert (made.account, made.currency, made.trades, made.volume) == ("paper", "USD", 2, Decimal("0.10"))
        assert (made.gross, made.commission, made.swap, made.fee, made.net) == (
            Decimal("-2.00"),
            Decimal("-0.70"),
            Decimal("-0.10"),
            Decimal(0),
            Decimal("-2.80"),
        )
        assert made.last_closed_at == CLOSED + timedelta(minutes=2)
        assert shares["a"].closed_others == ()
        assert [result.net for result in shares["b"].own] == [Decimal("1.00")]
        assert [(result.trades, result.net) for result in shares["b"].closed_others] == [(2, Decimal("6.70"))]
        assert [(result.trades, result.net) for result in await trades.results("acme", "wf-1")] == [
            (3, Decimal("-1.80"))
        ]
        assert await trades.results("acme", "unheard of \u0000") == []


@run
async def test_which_entries_are_closed(open_trades: OpenStores) -> None:
    async with open_trades() as trades:
        part = make_record(1, execution_id="a", position=70, left=Decimal("0.05"), entry_client_order_ids=("x1",))
        rest = make_record(2, execution_id="a", position=70, left=Decimal(0), entry_client_order_ids=("x1",))
        placed = make_record(3, execution_id="a", position=71, left=Decimal(0), entry_client_order_ids=("x3",))
        await trades.keep("acme", "", [part], {})
        asked = [
            entry("x1", "a", 70),
            entry("x2", "b", 70),  # it added to A's position
            entry("x3", "a", None),  # a pending order whose fill its row was never told
            entry("x4", "a", 70, account="live"),
            entry("x5", "a", 99),
        ]
        assert await trades.closed_entries("acme", asked) == set()
        await trades.keep("acme", "", [rest, placed], {})
        assert await trades.closed_entries("acme", asked) == {"x1", "x2", "x3"}
        later = [EntryOrder("x6", "c", "paper", 70, datetime.now(UTC) + timedelta(hours=1))]
        assert await trades.closed_entries("acme", later) == set(), "a replay gave the same ticket before"
        assert await trades.closed_entries("globex", asked) == set()
