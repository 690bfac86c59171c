from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.errors import ExecutionStopped
from tradeloom.nodes.base import Effect
from tradeloom.nodes.notify.dashboard import MAX_MESSAGE, MAX_TITLE, Dashboard, DashboardConfig


def test_notifies_once_it_may_act() -> None:
    context = FakeContext()
    output = Dashboard().run(DashboardConfig(title="RSI low", message="28.4", type="warning"), context)
    assert context.notifications == [{"level": "warning", "title": "RSI low", "message": "28.4"}]
    assert context.acted == 1
    assert output.id == context.client_order_id()
    assert not output.truncated


def test_a_stopped_execution_says_nothing() -> None:
    context = FakeContext(stopped=True)
    with pytest.raises(ExecutionStopped):
        Dashboard().run(DashboardConfig(title="x"), context)
    assert context.notifications == []


def test_what_grew_too_long_is_cut_and_says_so() -> None:
    context = FakeContext()
    output = Dashboard().run(DashboardConfig(title="t" * 500, message="m" * 5_000), context)
    sent = context.notifications[0]
    assert (len(sent["title"]), len(sent["message"])) == (MAX_TITLE, MAX_MESSAGE)
    assert sent["title"].endswith("t…")
    assert output.truncated
    assert [entry["level"] for entry in context.logs] == ["warning"]


def test_exactly_as_long_as_allowed_is_not_cut() -> None:
    context = FakeContext()
    output = Dashboard().run(DashboardConfig(title="t" * MAX_TITLE, message="m" * MAX_MESSAGE), context)
    assert not output.truncated
    assert context.logs == []


def test_a_title_is_one_line_and_numbers_are_texts() -> None:
    context = FakeContext()
    config = DashboardConfig.model_validate({"title": " two\nlines ", "message": 28.4})
    Dashboard().run(config, context)
    assert context.notifications == [{"level": "info", "title": "two lines", "message": "28.4"}]


@pytest.mark.parametrize(
    "config", [{}, {"title": ""}, {"title": " \n"}, {"title": "x", "type": "alarm"}, {"title": None}, {"title": True}]
)
def test_refuses(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DashboardConfig.model_validate(config)


def test_writes() -> None:
    assert Dashboard.effects == {Effect.WRITES}
    assert Dashboard.acts()
