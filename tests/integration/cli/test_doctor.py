"""`tradeloom doctor` on a machine that works, and on one that does not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tradeloom.cli.app import app


def test_a_sound_machine_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    told = CliRunner().invoke(app, ["doctor", "--json", "--home", str(tmp_path / "home")])
    assert told.exit_code == 0, told.output
    checks = {check["check"]: check for check in json.loads(told.stdout)["checks"]}
    assert {check["status"] for check in checks.values()} <= {"ok", "warning"}
    assert "round trip" in checks["bridge"]["detail"]
    assert "6,225 bars" in checks["market data"]["detail"]


def test_what_does_not_work_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none?connect_timeout=1")
    (tmp_path / "file").write_text("")
    told = CliRunner().invoke(app, ["doctor", "--json", "--home", str(tmp_path / "file" / "home")])
    assert told.exit_code == 4
    failed = {c["check"]: c for c in json.loads(told.stdout)["checks"] if c["status"] == "failed"}
    assert set(failed) == {"PostgreSQL", "data directory"}
    assert "DATABASE_URL" in failed["PostgreSQL"]["hint"]
    assert "TRADELOOM_HOME" in failed["data directory"]["hint"]
