"""When a workflow starts next, and a preview of what is not saved."""

from typing import Any

import pytest

from tests.unit.api.conftest import Ask

DOCUMENT: dict[str, Any] = {
    "name": "By the clock",
    "nodes": [
        {"id": "clock", "type": "trigger.schedule", "config": {"expression": "0 9 * * *", "time_zone": "Asia/Tokyo"}},
        {"id": "tell", "type": "notify.dashboard", "config": {"title": "Hello", "message": "It works"}},
    ],
    "connections": [{"source": "clock", "target": "tell"}],
}


def preview(ask: Ask, config: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = ask("POST", "/schedules/preview", {"config": config, **more})
    assert answer.status == 200, answer.text
    told: dict[str, Any] = answer.json
    return told


def test_a_workflow_tells_its_next_fire_times(ask: Ask) -> None:
    made = ask("POST", "/workflows", DOCUMENT).json
    answer = ask("GET", f"/workflows/{made['id']}/schedule", query={"count": "2"})
    (item,) = answer.json["items"]
    assert not answer.json["active"]
    assert [(fire["at"], fire["local"]) for fire in item["fires"]] == [
        ("2026-11-21T00:00:00Z", "2026-11-21T09:00:00+09:00"),
        ("2026-11-22T00:00:00Z", "2026-11-22T09:00:00+09:00"),
    ]
    assert ask("GET", "/workflows/wf-none/schedule").status == 404
    for count in ("0", "101", "many"):
        assert ask("GET", f"/workflows/{made['id']}/schedule", query={"count": count}).status == 422


def test_a_preview_tells_what_the_clocks_do(ask: Ask) -> None:
    config = {"expression": "30 1 * * *", "time_zone": "Europe/London"}
    spring = preview(ask, config, after="2026-03-28T12:00:00Z", count=1)
    assert [(fire["at"], fire["local"], fire["change"]) for fire in spring["fires"]] == [
        (None, "2026-03-29T01:30:00", "skipped"),
        ("2026-03-30T00:30:00Z", "2026-03-30T01:30:00+01:00", None),
    ]
    autumn = preview(ask, config, after="2026-10-24T12:00:00Z", count=1)
    assert [(fire["at"], fire["change"]) for fire in autumn["fires"]] == [("2026-10-25T00:30:00Z", "doubled")]


def test_a_preview_tells_the_window(ask: Ask) -> None:
    (fire,) = preview(
        ask, {"expression": "rate(1 hour)", "flexible_window_min": 20}, after="2026-03-28T12:00:00Z", count=1
    )["fires"]
    assert (fire["at"], fire["until"]) == ("2026-03-28T13:00:00Z", "2026-03-28T13:20:00Z")


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        ({"expression": "61 * * * *", "time_zone": "Mars/Base"}, {"config.expression", "config.time_zone"}),
        ({}, {"config.expression"}),
        ({"expression": "* * * * *", "misfire_max": 0, "max_age_min": 0}, {"config.misfire_max", "config.max_age_min"}),
        ({"expression": "at(2026-03-29T01:30)", "time_zone": "Europe/London"}, {"config.expression"}),
    ],
)
def test_all_that_is_wrong_is_told_with_its_field(ask: Ask, config: dict[str, Any], fields: set[str]) -> None:
    told = preview(ask, config)
    assert told["fires"] == []
    assert {problem["field"] for problem in told["problems"]} == fields
    assert all(problem["message"] for problem in told["problems"])


def test_a_request_that_is_wrong_is_refused(ask: Ask) -> None:
    wrong: tuple[dict[str, Any], ...] = (
        {"config": []},
        {"count": 0},
        {"count": 101},
        {"after": "now"},
        {"after": "2026-01-01T00:00"},
        {"x": 1},
    )
    for more in wrong:
        assert ask("POST", "/schedules/preview", {"config": {}, **more}).status == 422
    assert ask("POST", "/schedules/preview", {}).status == 422
