from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.support.fake_network import FakeHttp, answer
from tradeloom.errors import ExecutionStopped, NetworkFailed, NetworkTimeout, ReplyLost, ServerBusy, UnexpectedStatus
from tradeloom.network.messages import HttpAnswer, HttpRequest
from tradeloom.network.patience import accepted, asked_to_wait, send_patiently

REQUEST = HttpRequest("POST", "https://api.example.com/", timeout_s=10.0)


class Clocked(FakeHttp):
    """Pauses move the clock, and so does every request, by a second."""

    now = 0.0

    def send(self, request: HttpRequest) -> HttpAnswer:
        self.now += 1.0
        return super().send(request)

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self.now += seconds


def send(http: Clocked, **how: Any) -> HttpAnswer:
    return send_patiently(http, REQUEST, **{"before": lambda: None, "clock": lambda: http.now, **how})


def busy(status: int = 429, wait: str = "2") -> HttpAnswer:
    return answer(status, b"", {"retry-after": wait})


class TestSending:
    def test_waits_as_asked(self) -> None:
        http = Clocked([busy(), busy(503, "3")])
        assert send(http).status == 200
        assert http.pauses == [2, 3]
        assert [round(request.timeout_s) for request in http.requests] == [10, 7, 3]

    def test_three_tries(self) -> None:
        http = Clocked([busy(wait="0")] * 5)
        assert send(http).status == 429
        assert len(http.requests) == 3

    def test_not_longer_than_there_is_time(self) -> None:
        http = Clocked([busy(wait="9")])
        assert send(http).status == 429
        assert http.pauses == []

    @pytest.mark.parametrize("status", [200, 400, 404, 500, 502])
    def test_other_answers_come_back_at_once(self, status: int) -> None:
        http = Clocked([answer(status, b"", {"retry-after": "1"})])
        assert send(http).status == status

    def test_asks_before_each_try_and_stops_when_told(self) -> None:
        asked: list[int] = []

        def before() -> None:
            asked.append(1)
            if len(asked) == 2:
                raise ExecutionStopped("stopped while it waited")

        http = Clocked([busy()])
        with pytest.raises(ExecutionStopped):
            send(http, before=before)
        assert len(http.requests) == 1

    @pytest.mark.parametrize("error", [NetworkFailed("no"), NetworkTimeout("no")])
    def test_nothing_sent_may_be_tried_again(self, error: Exception) -> None:
        http = Clocked([error])
        assert send(http, retry_failed=True).status == 200
        with pytest.raises(type(error)):
            send(Clocked([error]))

    @pytest.mark.parametrize("error", [NetworkFailed("no", sent=True), ReplyLost("no", sent=True)])
    def test_what_was_sent_is_not(self, error: Exception) -> None:
        http = Clocked([error])
        with pytest.raises(type(error)):
            send(http, retry_failed=True)
        assert len(http.requests) == 1


class TestAskedToWait:
    @pytest.mark.parametrize(("told", "seconds"), [("5", 5), ("0", 0), ("-1", None), ("soon", None), ("1.5", None)])
    def test_header(self, told: str, seconds: float | None) -> None:
        assert asked_to_wait(busy(wait=told)) == seconds

    def test_date(self) -> None:
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
        waited = asked_to_wait(busy(wait=later))
        assert waited is not None
        assert 25 < waited <= 30
        assert asked_to_wait(busy(wait="Wed, 21 Oct 2015 07:28:00 GMT")) == 0

    @pytest.mark.parametrize(
        ("body", "seconds"),
        [
            ({"retry_after": 0.3}, 0.3),
            ({"ok": False, "parameters": {"retry_after": 7}}, 7),
            ({"retry_after": "x"}, None),
            ({"retry_after": -1}, None),
            ({"parameters": None}, None),
            ([], None),
            (None, None),
        ],
    )
    def test_body(self, body: Any, seconds: float | None) -> None:
        assert asked_to_wait(answer(429, body)) == seconds

    def test_no_body(self) -> None:
        assert asked_to_wait(answer(429, b"\xff")) is None


class TestAccepted:
    @pytest.mark.parametrize("status", [200, 201, 204, 299])
    def test_success(self, status: int) -> None:
        assert accepted(answer(status), "a", repeatable=False).status == status

    @pytest.mark.parametrize(
        ("status", "repeatable", "error"),
        [
            (429, False, ServerBusy),
            (503, False, ServerBusy),
            (500, True, ServerBusy),
            (500, False, UnexpectedStatus),
            (504, False, UnexpectedStatus),
            (404, True, UnexpectedStatus),
            (302, True, UnexpectedStatus),
        ],
    )
    def test_trying_again_only_where_it_does_no_harm(
        self, status: int, repeatable: bool, error: type[Exception]
    ) -> None:
        with pytest.raises(error, match=f"a answered {status}"):
            accepted(answer(status), "a", repeatable=repeatable)

    def test_expected_ones_alone(self) -> None:
        assert accepted(answer(404), "a", statuses=frozenset({404}), repeatable=True).status == 404
        with pytest.raises(UnexpectedStatus):
            accepted(answer(200), "a", statuses=frozenset({404}), repeatable=True)
