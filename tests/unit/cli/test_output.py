"""Errors as the command line tells them, and the codes scripts see."""

import json

import pytest
import typer

from tradeloom.api.models.executions import Execution
from tradeloom.cli.output import Exit, exit_code, say_error, told
from tradeloom.cli.trace import orders_of, telling
from tradeloom.errors import (
    BrokerUnavailable,
    Conflict,
    InvalidDocument,
    InvalidInput,
    NodeError,
    NotFound,
    StorageUnavailable,
    TradeloomError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("x"), Exit.INVALID),
        (InvalidDocument("x", []), Exit.INVALID),
        (NotFound("x"), Exit.INVALID),
        (NodeError("x"), Exit.INVALID),
        (StorageUnavailable("x"), Exit.ENVIRONMENT),
        (BrokerUnavailable("x"), Exit.ENVIRONMENT),
        (Conflict("x"), Exit.ENVIRONMENT),
        (TradeloomError("x"), Exit.ENVIRONMENT),
    ],
)
def test_each_kind_of_error_has_its_code(error: TradeloomError, code: Exit) -> None:
    assert exit_code(error) is code


def test_an_error_is_a_sentence_a_place_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(InvalidInput("It is wrong.", node="rsi", field="config.period", hint="Make it right."), as_json=False)
    text = capsys.readouterr().err
    assert text.splitlines() == [
        "✕ InvalidInput: It is wrong.",
        "  where  node rsi, config.period",
        "  do     Make it right.",
    ]


def test_markup_in_an_error_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(InvalidInput("[bold]not bold[/bold] [red", hint="[/]"), as_json=False)
    assert "[bold]not bold[/bold] [red" in capsys.readouterr().err


def test_an_error_as_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(InvalidInput("It is wrong.", field="x"), as_json=True)
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"error": {"name": "InvalidInput", "message": "It is wrong.", "field": "x"}}
    assert captured.err == ""


def _command(error: BaseException) -> int:
    @told
    def command(*, as_json: bool) -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        command(as_json=True)
    return caught.value.exit_code


def test_a_fault_of_ours_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert _command(RuntimeError("boom")) == Exit.INTERNAL
    assert "boom" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_an_interruption_has_its_code() -> None:
    assert _command(KeyboardInterrupt()) == Exit.INTERRUPTED


def test_the_most_telling_values_come_first_and_numbers_stay_whole() -> None:
    output = {"id": "x", "nested": {"a": 1}, "price": 1.188930000001, "ticket": 100000001, "ok": True, "none": None}
    assert telling(output) == "ticket 100000001  price 1.18893  id x  ok true"
    assert telling(None) == ""
    assert telling({"text": "x" * 100}).endswith("…")


def test_orders_are_those_of_order_nodes_that_succeeded() -> None:
    base = {"name": "n", "iteration": [], "state": "succeeded"}
    runs = [
        {**base, "node": "buy", "type": "order.market", "output": {"ticket": 7, "price": 1.2, "status": "done"}},
        {**base, "node": "sell", "type": "order.market", "state": "failed"},
        {**base, "node": "close", "type": "order.close", "output": {"status": "already_closed", "ticket": None}},
        {**base, "node": "rsi", "type": "indicator.rsi", "output": {"ticket": 8}},
    ]
    execution = Execution.model_validate(
        {
            "id": "e",
            "workflow_id": "w",
            "version": "v",
            "status": "succeeded",
            "trigger": "start",
            "test_mode": False,
            "account": "paper",
            "as_of": "2017-01-01T00:00:00Z",
            "started_at": "2017-01-01T00:00:00Z",
            "node_runs": runs,
        }
    )
    assert [(order["node"], order["ticket"]) for order in orders_of(execution)] == [("buy", 7)]
