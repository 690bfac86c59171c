"""`tradeloom demo`: what `make run` shows, without the serving at its end; and a second time on the same data."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tests.support.workflow_examples import EXAMPLES
from tradeloom.cli.app import app

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]


def test_it_fills_an_order_every_time(tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    arguments = ["demo", "--once", "--home", str(tmp_path / "home")]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    assert f"{len(EXAMPLES)} example workflows imported" in first.stdout
    assert "order filled: buy 0.24 EURUSD, ticket " in first.stdout
    again = CliRunner().invoke(app, [*arguments, "--json"])
    assert again.exit_code == 0, again.output
    execution = json.loads(again.stdout)
    assert execution["as_of"] == "2017-08-30T19:00:00Z", "the demo's market begins anew"
    assert [order["status"] for order in execution["orders"]] == ["done"]
