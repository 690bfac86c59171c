"""The trade ledger over the API: pages, filters, statistics, CSV."""

import csv
import io
from typing import Any

import pytest

from tests.support.trade_records import CLOSED, make_record
from tests.unit.api.conftest import Ask
from tradeloom.api.trade_csv import COLUMNS, csv_of
from tradeloom.engine.trades import KeptTrade
from tradeloom.local import trades as local
from tradeloom.local.trades import trade_of


def deals(answer: Any) -> list[int]:
    assert answer.status == 200, answer.text
    return [item["deal"] for item in answer.json["items"]]


def test_the_last_closed_comes_first(ask: Ask) -> None:
    answer = ask("GET", "/trades", query={"limit": "2", "offset": "1"})
    assert (deals(answer), answer.json["total"]) == ([4, 3], 5)


def test_an_item_tells_the_whole_trade(ask: Ask) -> None:
    answer = ask("GET", "/trades", query={"account": "live"})
    (item,) = answer.json["items"]
    told = {key: item[key] for key in ("net", "currency", "version", "workflow_name", "reason", "entry_node", "side")}
    assert told == {
        "net": 7.0,
        "currency": "EUR",
        "version": "v2",
        "workflow_name": "=Breakout",
        "reason": "workflow",
        "entry_node": "buy",
        "side": "buy",
    }
    assert (item["duration_s"], item["left"], item["commission"]) == (7_500.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"account": "paper"}, [4, 3, 2, 1]),
        ({"version": "v2"}, [5]),
        ({"symbol": "GBPUSD"}, [5]),
        ({"workflow_id": "wf-2"}, []),
        ({"since": "2026-11-20T14:04:00Z"}, [5, 4]),
        ({"until": "2026-11-20T15:01:00+01:00"}, [1]),
    ],
)
def test_filters(ask: Ask, query: dict[str, str], found: list[int]) -> None:
    assert deals(ask("GET", "/trades", query=query)) == found


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("/trades", {"since": "yesterday"}, "since"),
        ("/trades", {"until": "2026-11-20T15:00:00"}, "until"),
        ("/trades", {"limit": "0"}, "limit"),
        ("/trades", {"symbol": "X" * 30}, "symbol"),
        ("/trades/summary", {"by": "colour"}, "by"),
        ("/trades/export", {"since": "x"}, "since"),
    ],
)
def test_bad_questions_name_the_field(ask: Ask, path: str, query: dict[str, str], field: str) -> None:
    answer = ask("GET", path, query=query)
    assert answer.status == 422
    assert field in answer.text


def test_another_tenants_trades_are_nowhere(ask: Ask) -> None:
    claims = {"custom:tenant_id": "nobody", "sub": "u"}
    assert ask("GET", "/trades", claims=claims).json == {"items": [], "total": 0}
    assert ask("GET", "/trades/summary", claims=claims).json == {"items": []}
    assert len(ask("GET", "/trades/export", claims=claims).text.splitlines()) == 1


def test_statistics_of_each_version(ask: Ask) -> None:
    """10, -4.50, 20, -1: a peak of 25.50 before the last; the deepest fall is 4.50."""
    live, paper = ask("GET", "/trades/summary").json["items"]
    assert (live["account"], live["version"], live["net"], live["profit_factor"]) == ("live", "v2", 7.0, None)
    assert {key: paper[key] for key in ("count", "wins", "losses", "net", "gross_profit", "gross_loss")} == {
        "count": 4,
        "wins": 2,
        "losses": 2,
        "net": 24.5,
        "gross_profit": 30.0,
        "gross_loss": 5.5,
    }
    assert (paper["win_rate"], paper["profit_factor"], paper["expectancy"]) == (50.0, 5.454545, 6.12)
    assert (paper["average_win"], paper["average_loss"], paper["max_drawdown"]) == (15.0, 2.75, 4.5)
    assert (paper["average_r"], paper["r_count"], paper["version"]) == (None, 0, "v1")


def test_statistics_of_each_account(ask: Ask) -> None:
    items = ask("GET", "/trades/summary", query={"by": "account", "symbol": "EURUSD"}).json["items"]
    assert [(item["account"], item["workflow_id"], item["version"], item["count"]) for item in items] == [
        ("paper", None, None, 4)
    ]


def test_csv_is_a_table_the_first_closed_first(ask: Ask) -> None:
    answer = ask("GET", "/trades/export", query={"account": "paper"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="trades.csv"'
    header, *lines = csv.reader(io.StringIO(answer.text))
    assert tuple(header) == COLUMNS
    assert [line[header.index("deal")] for line in lines] == ["1", "2", "3", "4"]
    first = dict(zip(header, lines[0], strict=True))
    assert (first["closed_at"], first["net"], first["mixed"]) == ("2026-11-20T14:01:00Z", "10.0", "false")
    assert (first["stop_loss"], first["entry_deals"]) == ("", "0")


def test_no_cell_is_a_formula() -> None:
    for name in ("=1+1", "+1", "-1", "@x", "\tx", "\rx", '=HYPERLINK("http://x")'):
        kept = KeptTrade(session="", workflow_name=name, record=make_record(1, comment="=1"))
        _, line = csv.reader(io.StringIO(csv_of([trade_of(kept)])))
        assert line[COLUMNS.index("workflow_name")] == f"'{name}"


def test_names_keep_commas_quotes_and_lines() -> None:
    kept = KeptTrade(session="", workflow_name='a, "b"\nc', record=make_record(1, closed_at=CLOSED))
    _, line = csv.reader(io.StringIO(csv_of([trade_of(kept)])))
    assert line[COLUMNS.index("workflow_name")] == 'a, "b"\nc'


def test_an_export_has_its_limit(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MOST_EXPORTED", 4)
    answer = ask("GET", "/trades/export")
    assert (answer.status, answer.error["field"]) == (422, "since")
    assert len(ask("GET", "/trades/export", query={"account": "paper"}).text.splitlines()) == 5


def test_a_summary_tells_its_curve_when_asked(ask: Ask) -> None:
    query = {"by": "account", "account": "paper", "points": "100"}
    (item,) = ask("GET", "/trades/summary", query=query).json["items"]
    assert [(point["net"], point["drawdown"]) for point in item["curve"]] == [
        (10.0, 0.0), (5.5, 4.5), (25.5, 0.0), (24.5, 1.0),
    ]  # fmt: skip
    assert (item["curve"][-1]["net"], item["max_drawdown"]) == (item["net"], 4.5)
    assert item["curve"][-1]["at"] == item["last_closed_at"]
    plain = ask("GET", "/trades/summary", query={"by": "account", "account": "paper"}).json["items"]
    assert plain[0]["curve"] == []
    assert ask("GET", "/trades/summary", query={"points": "5000"}).error["field"] == "points"
