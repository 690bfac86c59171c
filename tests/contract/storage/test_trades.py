"""The trade ledger as it is kept: one suite for every adapter."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.storage.conftest import OpenStores, run
from tests.support.trade_records import CLOSED, make_record
from tradeloom.engine.trades import TradeFilter

NAMES = {"wf-1": "Breakout £ \u0000"}
ALL = TradeFilter(tenant="acme")


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
