"""The usage route."""

from tests.unit.api.conftest import Ask


def test_usage_is_told_with_the_plan_s_limits(ask: Ask) -> None:
    answer = ask("GET", "/usage")
    assert answer.status == 200
    assert (answer.json["tier"], answer.json["minute"]["used"], answer.json["minute"]["limit"]) == ("free", 10, 10)
    assert answer.json["at_once"] == {"used": 1, "limit": 2, "renews_at": None}
    assert [(day["started"], day["failed"]) for day in answer.json["days"]] == [(12, 1)]
