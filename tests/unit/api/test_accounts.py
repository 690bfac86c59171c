"""The account routes: how they stand, the kill switch, and the word that lifts it."""

from typing import Any

import pytest

from tests.unit.api.conftest import Ask
from tests.unit.api.fake_accounts import FakeAccounts
from tradeloom.api.models.accounts import Kill, Resume
from tradeloom.api.ports import Ports
from tradeloom.errors import BrokerUnavailable, Conflict, InvalidInput
from tradeloom.trading.risk_limits import RiskLimits


def accounts_of(ports: Ports) -> FakeAccounts:
    assert isinstance(ports.accounts, FakeAccounts)
    return ports.accounts


def test_accounts_are_listed_and_read_with_their_state_and_limits(ask: Ask) -> None:
    items = ask("GET", "/accounts").json["items"]
    assert [item["name"] for item in items] == ["paper", "paper-test"]
    one = ask("GET", "/accounts/paper").json
    assert one == items[0]
    assert (one["state"], one["state_by"], one["limits"], one["positions"]) == ("active", "bridge", {"max_lot": "1"}, 1)
    assert (ask("GET", "/accounts/none").status, ask("GET", "/accounts/none").error["name"]) == (404, "NotFound")


def test_what_an_account_holds_is_listed(ask: Ask) -> None:
    told = ask("GET", "/accounts/paper/holdings").json
    assert told == {
        "account": "paper", "currency": "USD", "positions": [], "orders": [], "exposure": [], "worth": 0.0,
    }  # fmt: skip
    assert ask("GET", "/accounts/none/holdings").status == 404


@pytest.mark.parametrize(("mode", "state"), [("pause", "halted"), ("reduce", "reducing"), ("flatten", "halted")])
def test_a_kill_is_told_who_asked_and_why(ask: Ask, ports: Ports, mode: Any, state: str) -> None:
    answer = ask("POST", "/accounts/paper/kill", {"mode": mode, "reason": "  enough  "})
    assert answer.status == 200
    assert answer.json["stopped"] == 2
    assert (answer.json["items"][0]["state"], answer.json["items"][0]["state_by"]) == (state, "user-1")
    assert accounts_of(ports).asked == [("paper", "user-1", Kill(mode=mode, reason="enough"))]
    assert ask("GET", "/accounts/paper-test").json["state"] == "active"


def test_without_a_mode_it_pauses(ask: Ask, ports: Ports) -> None:
    ask("POST", "/accounts/paper/kill", {"reason": "enough"})
    assert accounts_of(ports).asked[0][2].mode == "pause"


def test_all_at_once(ask: Ask) -> None:
    answer = ask("POST", "/accounts/kill", {"mode": "pause", "reason": "enough"})
    assert [(item["name"], item["state"]) for item in answer.json["items"]] == [
        ("paper", "halted"), ("paper-test", "halted"),
    ]  # fmt: skip


def test_resuming_takes_a_reason_and_is_kept(ask: Ask, ports: Ports) -> None:
    ask("POST", "/accounts/paper/kill", {"reason": "enough"})
    answer = ask("POST", "/accounts/paper/resume", {"reason": "fine again"})
    assert (answer.status, answer.json["state"], answer.json["state_reason"]) == (200, "active", "fine again")
    assert accounts_of(ports).asked[-1] == ("paper", "user-1", Resume(reason="fine again"))


def test_only_a_workflow_s_throttle_may_be_lifted(ask: Ask, ports: Ports) -> None:
    body = {"reason": "looked at it", "workflow_id": "wf-1"}
    assert ask("POST", "/accounts/paper/resume", body).status == 200
    assert accounts_of(ports).asked[-1] == ("paper", "user-1", Resume(**body))
    refused = ask("POST", "/accounts/paper/resume", body | {"workflow_id": ""})
    assert (refused.status, refused.error["field"]) == (422, "workflow_id")


class TestLimits:
    def test_they_are_read(self, ask: Ask) -> None:
        told = ask("GET", "/accounts/paper/limits").json
        assert (told["account"], told["limits"]["max_lot"]) == ("paper", "1")
        assert RiskLimits.model_validate(told["limits"]).symbols == ("EURUSD",)
        assert ask("GET", "/accounts/none/limits").status == 404

    def test_what_is_not_named_stays(self, ask: Ask, ports: Ports) -> None:
        before = ask("GET", "/accounts/paper/limits").json["limits"]
        changes = {"max_lot": 0.5, "max_repeats": 7, "workflow": {"max_lot": "0.2"}, "workflows": {"wf-1": {}}}
        answer = ask("PUT", "/accounts/paper/limits", {"limits": changes, "reason": " careful ", "clear": True})
        assert answer.status == 200
        every = before["workflow"] | {"max_lot": "0.2"}
        assert answer.json["limits"] == before | {
            "max_lot": "0.5", "max_repeats": 7, "workflow": every, "workflows": {"wf-1": every},
        }  # fmt: skip
        account, user, wanted = accounts_of(ports).asked[0]
        assert (account, user, wanted.reason, wanted.clear) == ("paper", "user-1", "careful", True)
        away = {"limits": {"workflows": {"wf-1": None}}, "reason": "as before"}
        assert ask("PUT", "/accounts/paper/limits", away).json["limits"]["workflows"] == {}
        assert accounts_of(ports).asked[1][2].clear is False

    def test_the_whole_set_may_be_sent_as_it_was_read(self, ask: Ask) -> None:
        whole = ask("GET", "/accounts/paper/limits").json["limits"]
        answer = ask("PUT", "/accounts/paper/limits", {"limits": whole, "reason": "the same"})
        assert (answer.status, answer.json["limits"]) == (200, whole)

    @pytest.mark.parametrize(
        ("limits", "field"),
        [
            ({}, "limits"),
            (None, "limits"),
            ([], "limits"),
            ({"max_lots": 1}, "limits.max_lots"),
            ({"max_lot": None}, "limits.max_lot"),
            ({"max_lot": 0}, "limits.max_lot"),
            ({"max_lot": "NaN"}, "limits.max_lot"),
            ({"max_lot": "3 lots"}, "limits.max_lot"),
            ({"max_notional": 10**30}, "limits.max_notional"),
            ({"max_daily_loss_pct": 101}, "limits.max_daily_loss_pct"),
            ({"max_orders_per_minute": 1.5}, "limits.max_orders_per_minute"),
            ({"symbols": []}, "limits.symbols"),
            ({"symbols": "EURUSD"}, "limits.symbols"),
            ({"symbols": ["x" * 65]}, "limits.symbols.0"),
            ({"workflow": {"max_drawdown_pct": 5}}, "limits.workflow.max_drawdown_pct"),
            ({"workflow": None}, "limits.workflow"),
            ({"workflows": {"wf-1": {"max_lot": -1}}}, "limits.workflows.wf-1.max_lot"),
        ],
    )
    def test_a_bad_limit_is_named_and_changes_nothing(self, ask: Ask, ports: Ports, limits: Any, field: str) -> None:
        answer = ask("PUT", "/accounts/paper/limits", {"limits": limits, "reason": "careful"})
        assert (answer.status, answer.error["field"]) == (422, field)
        assert accounts_of(ports).asked == []

    def test_all_that_is_wrong_comes_at_once(self, ask: Ask) -> None:
        answer = ask("PUT", "/accounts/paper/limits", {"limits": {"max_lot": 0, "max_repeats": 0}})
        fields = {problem["field"] for problem in answer.error["problems"]}
        assert fields == {"limits.max_lot", "limits.max_repeats", "reason"}

    def test_what_would_loosen_is_refused(self, ask: Ask, ports: Ports) -> None:
        accounts_of(ports).answer = Conflict("this would allow more by max_lot", field="limits.max_lot")
        answer = ask("PUT", "/accounts/paper/limits", {"limits": {"max_lot": 2}, "reason": "more"})
        assert (answer.status, answer.error["field"]) == (409, "limits.max_lot")


@pytest.mark.parametrize("path", ["/accounts/paper/kill", "/accounts/kill", "/accounts/paper/resume"])
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "   "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": 3}, "reason"),
        ({"reason": "enough", "mode": "explode"}, "mode"),
        ({"reason": "enough", "clear": True}, "clear"),
    ],
)
def test_a_bad_body_names_the_field_and_changes_nothing(
    ask: Ask, ports: Ports, path: str, body: dict[str, Any], field: str
) -> None:
    answer = ask("POST", path, body)
    assert (answer.status, answer.error["field"]) == (422, field)
    assert accounts_of(ports).asked == []


@pytest.mark.parametrize("path", ["/accounts/paper/kill", "/accounts/kill"])
def test_all_that_is_wrong_with_a_kill_comes_at_once(ask: Ask, ports: Ports, path: str) -> None:
    answer = ask("POST", path, {"mode": "explode", "force": True})
    assert {problem["field"] for problem in answer.error["problems"]} == {"mode", "reason", "force"}
    assert all(problem["message"] for problem in answer.error["problems"])
    assert accounts_of(ports).asked == []


@pytest.mark.parametrize("given", [3, "x" * 201, ["trade live money on paper"]])
def test_an_acknowledgement_that_is_none_is_named(ask: Ask, ports: Ports, given: Any) -> None:
    answer = ask("POST", "/accounts/paper/resume", {"reason": "fine", "acknowledgement": given})
    assert (answer.status, answer.error["field"]) == (422, "acknowledgement")
    assert accounts_of(ports).asked == []


@pytest.mark.parametrize(
    ("path", "error", "status"),
    [
        ("/accounts/paper/resume", InvalidInput("It trades real money.", field="acknowledgement", hint="Type: x"), 422),
        ("/accounts/paper/kill", Conflict("It is halted already.", field="mode", hint="Resume it first."), 409),
    ],
)
def test_what_an_account_refuses_reaches_the_caller_with_its_field_and_what_to_do(
    ask: Ask, ports: Ports, path: str, error: InvalidInput | Conflict, status: int
) -> None:
    accounts_of(ports).answer = error
    answer = ask("POST", path, {"reason": "enough"})
    assert (answer.status, answer.error["field"], answer.error["hint"]) == (status, error.field, error.hint)


def test_an_account_that_is_not_there(ask: Ask) -> None:
    assert ask("POST", "/accounts/none/kill", {"reason": "enough"}).status == 404
    assert ask("POST", "/accounts/none/resume", {"reason": "enough"}).status == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [(BrokerUnavailable("no bridge"), 503), (Conflict("the account is halted already"), 409)],
)
def test_what_could_not_be_done_is_a_typed_answer(ask: Ask, ports: Ports, error: Any, status: int) -> None:
    accounts_of(ports).answer = error
    answer = ask("POST", "/accounts/paper/kill", {"reason": "enough"})
    assert (answer.status, answer.error["name"]) == (status, error.name)


def test_a_workflow_is_killed(ask: Ask, ports: Ports) -> None:
    assert ask("POST", "/workflows/wf-1/kill").json == {"id": "wf-1", "stopped": 1}
    assert accounts_of(ports).asked == [("acme", "user-1", "wf-1")]


def test_a_token_is_needed(ask: Ask, ports: Ports) -> None:
    for path in ("/accounts/paper/kill", "/accounts/kill", "/accounts/paper/resume"):
        assert ask("POST", path, {"reason": "enough"}, claims={}).status == 401
    change = {"limits": {"max_lot": 0.5}, "reason": "careful"}
    assert ask("PUT", "/accounts/paper/limits", change, claims={}).status == 401
    assert accounts_of(ports).asked == []
