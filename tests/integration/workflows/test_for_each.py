"""A node for each symbol, on the whole machine: one that fails costs its own turn only."""

from tests.integration.workflows.drawing import chain, node, run
from tests.support.local_machine import RunningMachine

PRICE = node("price", "market.live_price", symbol="= item", timeframe="H1") | {"parent": "each"}


def test_an_unknown_symbol_does_not_stop_the_others(machine: RunningMachine) -> None:
    seen = node("seen", "utility.transform", source="= nodes.each")
    done = run(machine, chain(node("each", "utility.for_each", items="EURUSD, NOPE, EURUSD"), seen, PRICE))
    assert (done["status"], done["has_errors"]) == ("succeeded", True)
    output = done["runs"]["seen"]["output"]["object"]
    assert (output["count"], output["succeeded"], output["failed"]) == (2, 1, 1)
    assert [(each["item"], each["state"]) for each in output["results"]] == [
        ("EURUSD", "succeeded"),
        ("NOPE", "failed"),
    ]
    assert output["results"][0]["output"]["bid"] > 1
    why = output["results"][1]["error"]
    assert (why["name"], why["node"]) == ("NotFound", "price")
    assert "NOPE" in why["message"]
    assert "stackTrace" not in why["message"]


def test_a_run_in_which_no_item_failed_has_no_errors(machine: RunningMachine) -> None:
    done = run(machine, chain(node("each", "utility.for_each", items="EURUSD"), PRICE))
    assert (done["status"], done["has_errors"]) == ("succeeded", False)


def test_it_can_be_told_to_stop(machine: RunningMachine) -> None:
    each = node("each", "utility.for_each", items="NOPE, EURUSD", on_item_error="stop")
    done = run(machine, chain(each, PRICE))
    assert done["status"] == "failed"
    assert done["error"]["name"] == "NotFound"
