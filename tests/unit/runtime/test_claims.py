"""Outputs on their way out: small ones inline, large ones by claim, what cannot travel refused by name."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.runtime.test_handler import Memory
from tradeloom.nodes.base import NodeOutput
from tradeloom.runtime.claims import OutputNotUnicode, OutputTooLarge, as_json, check_in, check_out

HALF = "\ud83d"


class Anything(NodeOutput):
    value: Any


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_is_checked_in_is_checked_out(value: Any) -> None:
    services = Memory()
    for padding in ("", "½" * 10_000):
        output = {"value": value, "padding": padding}
        carried = json.loads(json.dumps(check_in(output, services)))
        assert ("$claim" in carried) == bool(padding)
        assert check_out(carried, services) == output


def test_bytes_are_those_that_travel() -> None:
    services = Memory()
    fits = 8 * 1024 - len('{"value":""}')
    assert "value" in check_in({"value": "½" * (fits // 2)}, services)
    assert check_in({"value": "½" * (fits // 2 + 1)}, services)["$claim"]["bytes"] == 8 * 1024 + 2


@pytest.mark.parametrize("inline", [False, True])
def test_too_large(inline: bool) -> None:
    with pytest.raises(OutputTooLarge, match="is the most"):
        check_in({"value": "x" * 5_000_000}, Memory(), inline=inline)


@pytest.mark.parametrize("value", [HALF, {HALF: 1}, [{"a": [f"x{HALF}"]}]])
def test_half_characters_are_refused(value: Any) -> None:
    with pytest.raises(OutputNotUnicode, match="half of a surrogate pair"):
        check_in(as_json(Anything(value=value)), Memory())
