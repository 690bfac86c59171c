import pytest

from tradeloom.runtime.observability import emit, set_sink


@pytest.mark.parametrize("field", ["name", "args", "module", "exc_info", "process", "volume"])
def test_a_node_may_name_a_field_as_it_likes(field: str, caplog: pytest.LogCaptureFixture) -> None:
    emit({"level": "warning", "message": "said", "execution_id": "e", field: "value"})
    logged = vars(caplog.records[-1])
    assert logged["message"] == "said"
    assert "value" in (logged.get(field), logged.get(f"{field}_"))


def test_a_sink_gets_the_record_as_it_is() -> None:
    seen: list[dict[str, object]] = []
    set_sink(seen.append)
    try:
        emit({"level": "info", "message": "said", "name": "x"})
    finally:
        set_sink(None)
    assert seen == [{"level": "info", "message": "said", "name": "x"}]
