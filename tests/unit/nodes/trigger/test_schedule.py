from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.node_context import AS_OF, FakeContext
from tradeloom.errors import InvalidInput, NodeConfigError
from tradeloom.nodes.trigger.schedule import ScheduleConfig, ScheduleOutput, ScheduleTrigger
from tradeloom.workflow.schedules import Schedule, next_fires


def run(payload: dict[str, Any]) -> ScheduleOutput:
    return ScheduleTrigger().run(ScheduleConfig(expression="0 * * * *"), FakeContext(payload=payload))


class TestRun:
    def test_tells_when_it_was_due(self) -> None:
        due = AS_OF - timedelta(seconds=2)
        output = run({"scheduled_at": due.isoformat()})
        assert (output.scheduled_at, output.execution_time, output.late_s) == (due, AS_OF, 2.0)

    def test_other_offsets_are_the_same_moment(self) -> None:
        assert run({"scheduled_at": "2017-06-01T13:59:00+02:00"}).late_s == 60.0

    def test_started_by_hand_it_was_due_now(self) -> None:
        output = run({})
        assert (output.scheduled_at, output.execution_time, output.late_s) == (AS_OF, AS_OF, 0.0)

    @pytest.mark.parametrize("value", ["soon", None, "2017-06-01T12:00:00", [], True, "9999-12-31T23:59:59-14:00"])
    def test_what_is_no_time(self, value: Any) -> None:
        with pytest.raises(NodeConfigError) as caught:
            run({"scheduled_at": value})
        assert caught.value.field == "payload.scheduled_at"


class TestConfig:
    def test_mirrors_the_schedule(self) -> None:
        assert set(ScheduleConfig.model_fields) == set(Schedule.model_fields)
        made = ScheduleTrigger.schedule({"expression": "* * * * *"})
        config = ScheduleConfig(expression="* * * * *")
        for name in set(Schedule.model_fields) - {"kind"}:
            assert getattr(config, name) == getattr(made, name)

    def test_gives_the_schedule(self) -> None:
        config = {"kind": None, "expression": "rate(15 minutes)", "overlap": "queue", "end": "2017-06-01"}
        ScheduleConfig.model_validate(config)
        made = ScheduleTrigger.schedule(config)
        assert (made.kind, made.overlap) == ("rate", "queue")
        assert next_fires(made, AS_OF, 1) == [AS_OF + timedelta(minutes=15)]

    @pytest.mark.parametrize(
        ("config", "field"),
        [
            ({"expression": "61 * * * *"}, "expression"),
            ({"expression": "rate(5 minutes)", "kind": "cron"}, "expression"),
            ({"expression": "* * * * *", "time_zone": "Mars"}, "time_zone"),
            ({"expression": "* * * * *", "start": "yesterday"}, "start"),
            ({"expression": "* * * * *", "misfire_max": 0}, "misfire_max"),
            ({}, "expression"),
        ],
    )
    def test_errors_name_the_field(self, config: dict[str, Any], field: str) -> None:
        with pytest.raises(ValidationError) as caught:
            ScheduleConfig.model_validate(config)
        assert caught.value.errors()[0]["loc"] == (field,)
        with pytest.raises(InvalidInput) as refused:
            ScheduleTrigger.schedule(config)
        assert refused.value.field == field

    def test_every_field_is_fixed_when_saved(self) -> None:
        for name, info in ScheduleConfig.model_fields.items():
            assert isinstance(info.json_schema_extra, dict)
            assert info.json_schema_extra["static"] is True, name
