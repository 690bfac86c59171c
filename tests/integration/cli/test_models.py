"""`tradeloom models` on a data directory of its own, and a machine that forecasts beside it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.documents import node
from tests.support.local_machine import RunningMachine
from tests.support.onnx_models import linear
from tests.support.postgres import postgres_database, postgres_dsn, postgres_server
from tradeloom.cli.app import app
from tradeloom.local.market import bundled_data

__all__ = ["postgres_database", "postgres_dsn", "postgres_server"]

AT = datetime(2017, 6, 1, 12, tzinfo=UTC)


def models(home: Path, *arguments: str, code: int = 0) -> Any:
    told = CliRunner().invoke(app, ["models", *arguments, "--json", "--home", str(home)])
    assert told.exit_code == code, told.output
    return json.loads(told.stdout) if told.stdout.strip() else None


@pytest.fixture
def home(tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATABASE_URL", postgres_dsn)
    return tmp_path / "home"


def forecast(*config: dict[str, Any]) -> dict[str, Any]:
    """A workflow that forecasts once for each configuration, on the same history."""
    nodes = [
        node("start"),
        node("history", "market.history", config={"symbol": "EURUSD", "timeframe": "H1", "count": 50}),
    ]
    ways = [{"source": "start", "target": "history"}]
    for number, each in enumerate(config):
        nodes.append(node(f"predict{number}", "ml.predict", config={"training_bars": 600, **each}))
        ways.append({"source": "history", "target": f"predict{number}"})
    return {"name": "Forecast", "nodes": nodes, "connections": ways}


def test_add_show_promote_and_roll_back(home: Path, tmp_path: Path) -> None:
    assert models(home, "list") == []
    file = tmp_path / "mine.onnx"
    versions = []
    for intercept in (0.0, 0.1, 0.2):
        file.write_bytes(linear(intercept=intercept).SerializeToString())
        versions.append(models(home, "add", str(file), "--horizon", "3", "--trained-to", "2017-03-01")["version"])
    [listed] = models(home, "list")
    assert (listed["name"], listed["current"]) == ("uploaded/mine", versions[2])
    assert models(home, "rollback", "mine")["current"] == versions[1]
    assert models(home, "promote", "mine", versions[0][:8])["current"] == versions[0]
    assert models(home, "promote", "onnx:mine")["current"] == versions[2]
    shown = models(home, "show", "mine")
    assert [each["version"] for each in shown["versions"]] == versions[::-1]
    assert shown["versions"][0]["trained_to"] == "2017-03-01T00:00:00Z"


def test_what_cannot_be_is_told_with_what_to_do(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(b"no model")
    for arguments, name in (
        (("add", str(file), "--horizon", "1"), "ModelRefused"),
        (("add", str(tmp_path / "absent.onnx"), "--horizon", "1"), "ModelRefused"),
        (("add", str(file), "--horizon", "1", "--timeframe", "H7"), "ModelRefused"),
        (("add", str(file), "--horizon", "1", "--features", "rsi_14,nonsense"), "ModelRefused"),
        (("show", "absent"), "NotFound"),
        (("rollback", "absent"), "NotFound"),
    ):
        assert models(home, *arguments, code=3)["error"]["name"] == name
    assert models(home, "list") == []


def test_a_machine_forecasts_keeps_its_model_and_finds_an_uploaded_one(
    home: Path, tmp_path: Path, postgres_dsn: str
) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(linear(intercept=0.3).SerializeToString())
    version = models(home, "add", str(file), "--horizon", "1", "--trained-to", "2017-05-01")["version"]
    document = forecast({"horizon": 2}, {"model": "kernel"}, {"model": "onnx:mine"})
    with RunningMachine(home, postgres_dsn, replace(bundled_data(), start=AT)) as machine:
        workflow = machine.post("/workflows", document)
        outputs = []
        for test_mode in (True, False, False):
            done = machine.execute(workflow["id"], test_mode=test_mode)
            assert done["status"] == "succeeded", done
            runs = {run["node"]: run for run in done["node_runs"]}
            outputs.append([runs[f"predict{number}"]["output"] for number in range(3)])
            kept = [each["name"] for each in models(home, "list")]
            if test_mode:
                assert kept == ["uploaded/mine"], "test mode keeps nothing"
    assert outputs[0] == outputs[1] == outputs[2]
    assert outputs[0][2]["model_version"] == version
    assert outputs[0][2]["direction"] == "up"
    assert sorted(name.rsplit("/", 1)[0] for name in kept) == [
        "trained/EURUSD/H1/kernel/h1", "trained/EURUSD/H1/ridge/h2", "uploaded",
    ]  # fmt: skip
    [ridge] = [each for each in models(home, "list") if "/ridge/" in each["name"]]
    assert ridge["current"] == outputs[0][0]["model_version"]
