"""Settings from the environment: defaults, overrides, and errors that name the variable."""

from pathlib import Path

import pytest

from tradeloom.local.settings import InvalidSetting, load_settings
from tradeloom.network.policy import Policy


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "TRADELOOM_HOME",
        "TRADELOOM_PORT",
        "TRADELOOM_HOST",
        "TRADELOOM_WORKERS",
        "TRADELOOM_NETWORK_ALLOW",
        "TRADELOOM_NETWORK_ROUTES",
        "TRADELOOM_NETWORK_CA",
        "DATABASE_URL",
        "XDG_DATA_HOME",
    ):
        monkeypatch.delenv(name, raising=False)


def test_without_anything_set_data_lies_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert load_settings().home == Path.home() / ".local" / "share" / "tradeloom"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert load_settings().home == tmp_path / "tradeloom"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert load_settings().home == Path.home() / ".local" / "share" / "tradeloom"


def test_the_environment_counts_and_an_argument_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRADELOOM_HOME", str(tmp_path))
    monkeypatch.setenv("TRADELOOM_PORT", "9000")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/one")
    settings = load_settings()
    assert (settings.home, settings.port, settings.database_url) == (tmp_path, 9000, "postgresql://db/one")
    assert load_settings(port=9001).port == 9001
    assert load_settings(port=None).port == 9000


def test_what_nodes_may_reach_goes_to_their_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Policy.of(load_settings().network) == Policy()
    monkeypatch.setenv("TRADELOOM_NETWORK_ALLOW", "127.0.0.1:8080")
    assert Policy.of(load_settings().network) == Policy.of({"TRADELOOM_NETWORK_ALLOW": "127.0.0.1:8080"})


def test_an_empty_variable_is_as_if_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADELOOM_PORT", "")
    monkeypatch.setenv("DATABASE_URL", "")
    assert load_settings().port is None
    assert load_settings().database_url is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRADELOOM_PORT", "http"),
        ("TRADELOOM_PORT", "70000"),
        ("TRADELOOM_WORKERS", "0"),
        ("TRADELOOM_AWAKE", "now and then"),
        ("TRADELOOM_HOME", "not/absolute"),
        ("TRADELOOM_HOST", "0.0.0.0"),
        ("TRADELOOM_HOST", "192.168.1.5"),
        ("TRADELOOM_HOST", "example.org"),
        ("TRADELOOM_HOST", "::"),
        ("TRADELOOM_NETWORK_ALLOW", "127.0.0.1"),
        ("TRADELOOM_NETWORK_ALLOW", "169.254.169.254:80"),
        ("TRADELOOM_NETWORK_ROUTES", "https://api.telegram.org"),
        ("TRADELOOM_NETWORK_CA", "/nowhere/ca.pem"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidSetting, match=variable) as caught:
        load_settings()
    assert caught.value.field == variable


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_loopback_addresses_are_taken(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("TRADELOOM_HOST", host)
    assert load_settings().host == host
