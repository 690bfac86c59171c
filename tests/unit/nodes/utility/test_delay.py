from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.node_context import AS_OF, FakeContext
from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.base import Kind
from tradeloom.nodes.utility.delay import MAX_DELAY_S, Delay, DelayConfig, DelayPlan


def plan(**config: Any) -> DelayPlan:
    return Delay().run(DelayConfig.model_validate(config), FakeContext())


class TestRun:
    def test_seconds(self) -> None:
        assert plan(seconds=90) == DelayPlan(seconds=90, timestamp=AS_OF + timedelta(seconds=90))

    def test_until(self) -> None:
        made = plan(mode="until", until="2017-06-01T16:30:00+02:00")
        assert made.seconds is None
        assert made.model_dump(mode="json")["timestamp"] == "2017-06-01T14:30:00Z"

    def test_what_has_passed_waits_not_at_all(self) -> None:
        assert plan(seconds=-5) == DelayPlan(seconds=0, timestamp=AS_OF)
        for past in ("2001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
            assert plan(mode="until", until=past).timestamp == AS_OF

    def test_at_most_a_year(self) -> None:
        assert plan(seconds=MAX_DELAY_S).seconds == MAX_DELAY_S
        with pytest.raises(ValidationError):
            plan(seconds=MAX_DELAY_S + 1)
        year = AS_OF + timedelta(days=365)
        assert plan(mode="until", until=year).timestamp == year
        with pytest.raises(NodeConfigError, match="more than a year"):
            plan(mode="until", until=year + timedelta(seconds=1))
        with pytest.raises(NodeConfigError, match="more than a year"):
            plan(mode="until", until="9999-12-31T23:59:59-14:00")

    def test_no_value(self) -> None:
        with pytest.raises(MissingInput, match="seconds"):
            plan(seconds=None)
        with pytest.raises(MissingInput, match="moment"):
            plan(mode="until", until=None)

    @pytest.mark.parametrize("until", ["2017-06-01T16:30:00", "tomorrow", True])
    def test_a_moment_has_an_offset(self, until: Any) -> None:
        with pytest.raises(ValidationError):
            DelayConfig(mode="until", until=until)

    def test_until_needs_one(self) -> None:
        with pytest.raises(ValidationError, match="give the moment"):
            DelayConfig(mode="until")


class TestWhatTheCompilerAsks:
    @pytest.mark.parametrize(
        ("config", "seconds", "long"),
        [
            ({}, 60.0, False),
            ({"seconds": 60}, 60.0, False),
            ({"seconds": 60.5}, 60.5, True),
            ({"seconds": -3}, 0.0, False),
            ({"seconds": 10**12}, float(MAX_DELAY_S), True),
            ({"seconds": 10**400}, float(MAX_DELAY_S), True),
            ({"seconds": "= nodes.x.value"}, None, True),
            ({"seconds": True}, None, True),
            ({"seconds": None}, None, True),
            ({"seconds": float("nan")}, None, True),
            ({"mode": "until", "until": "2026-01-05T09:00:00Z"}, None, True),
        ],
    )
    def test_constants(self, config: dict[str, Any], seconds: float | None, long: bool) -> None:
        assert Delay.constant_delay_s(config) == seconds
        assert Delay.is_long(config) is long

    def test_is_a_wait(self) -> None:
        assert Delay.kind is Kind.WAIT
        assert set(Delay.Output.model_fields) == {"timestamp"}
