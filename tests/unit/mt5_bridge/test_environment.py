"""Settings from the environment: put over the file's, and named when they are wrong."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5_bridge.config import load_config
from mt5_bridge.environment import override
from tests.unit.mt5_bridge.test_config import ACCOUNT, account, write
from tradeloom.errors import InvalidInput


def test_every_kind_of_setting(tmp_path: Path) -> None:
    file = write(tmp_path, accounts=[ACCOUNT, account(name="live-1", terminal_path="other")])
    config = load_config(
        file,
        {
            "TRADELOOM_BRIDGE__LISTEN__PORT": "7443",
            "TRADELOOM_BRIDGE__LISTEN__NAMES": '["trading-host", "10.0.0.7"]',
            "TRADELOOM_BRIDGE__STATUS__ENABLED": "false",
            "TRADELOOM_BRIDGE__ACCOUNTS__LIVE_1__LOGIN": "77",
            "tradeloom_bridge__accounts__0__hang_timeout_s": "3.5",
            "TRADELOOM_BRIDGE__ACCOUNTS__DEMO__LIMITS__MAX_LOT": "0.25",
            "TRADELOOM_BRIDGE__DRAIN_TIMEOUT_S": "20",
        },
    )
    demo, live = config.accounts
    assert (config.listen.port, config.listen.names) == (7443, ("trading-host", "10.0.0.7"))
    assert not config.status.enabled
    assert (live.login, demo.hang_timeout_s, live.hang_timeout_s) == (77, 3.5, 10.0)
    assert str(demo.limits.max_lot) == "0.25"
    assert config.drain_timeout_s == 20


def test_the_longer_name_counts(tmp_path: Path) -> None:
    both = {"TRADELOOM_BRIDGE_PORT": "1", "TRADELOOM_BRIDGE__LISTEN__PORT": "2"}
    assert load_config(write(tmp_path), both).listen.port == 2


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("TRADELOOM_BRIDGE__LISTEN__PORT", "many", "listen.port"),
        ("TRADELOOM_BRIDGE__LISTEN__PROT", "1", "listen.prot"),
        ("TRADELOOM_BRIDGE__LISTN__PORT", "1", "listn"),
        ("TRADELOOM_BRIDGE__ACCOUNTS__NOBODY__LOGIN", "1", "there are demo"),
        ("TRADELOOM_BRIDGE__ACCOUNTS__1__LOGIN", "1", "there are demo"),
        ("TRADELOOM_BRIDGE__ACCOUNTS__DEMO__LOGIN", "-4", "accounts.0.login"),
        ("TRADELOOM_BRIDGE__ACCOUNTS__DEMO__LOGIN__MORE", "1", "no section"),
        ("TRADELOOM_BRIDGE__ACCOUNTS__DEMO", "x", "accounts"),
        ("TRADELOOM_BRIDGE__ACCOUNTS", "x", "accounts"),
        ("TRADELOOM_BRIDGE__LISTEN__NAMES", "[1", "broken JSON"),
        ("TRADELOOM_BRIDGE__", "x", "Extra inputs"),
        ("TRADELOOM_BRIDGE__DRAIN_TIMEOUT_S", "nan", "drain_timeout_s"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, variable: str, value: str, told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_config(write(tmp_path), {variable: value})
    assert told in str(caught.value)


def test_a_wrong_value_names_the_variable_it_came_from(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"^TRADELOOM_BRIDGE__LISTEN__PORT: listen\.port"):
        load_config(write(tmp_path), {"TRADELOOM_BRIDGE__LISTEN__PORT": "many"})


def test_other_variables_mean_nothing(tmp_path: Path) -> None:
    plain = load_config(write(tmp_path), {})
    assert load_config(write(tmp_path), {"TRADELOOM_BRIDGE_FAULTS": "x", "TRADELOOM_HOME": "/x", "PATH": "/"}) == plain


@given(st.dictionaries(st.text(max_size=30).map(lambda rest: f"TRADELOOM_BRIDGE__{rest}"), st.text(), max_size=4))
def test_whatever_is_set_is_taken_or_refused(environment: dict[str, str]) -> None:
    values = json.loads(json.dumps({"data_dir": "d", "listen": {"port": 1}, "accounts": [ACCOUNT, 3]}))
    with contextlib.suppress(InvalidInput):
        assert set(override(values, environment).values()) == set(environment)
