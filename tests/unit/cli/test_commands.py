"""The commands that need nothing running: what they print, as text and as JSON, and their exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.workflow_examples import EXAMPLES, read_example
from tradeloom.cli.app import app
from tradeloom.local.places import examples_folder

runner = CliRunner()

BAD: dict[str, Any] = {
    "name": "Bad",
    "nodes": [
        {"id": "start", "type": "trigger.manual"},
        {"id": "rsi", "type": "indicator.rsi", "config": {"period": 0}},
        {"id": "what", "type": "indicator.nope"},
    ],
    "connections": [{"source": "start", "target": "rsi"}, {"source": "start", "target": "gone"}],
}


def run(*arguments: str) -> Result:
    return runner.invoke(app, list(arguments))


@pytest.fixture
def bad(tmp_path: Path) -> str:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps(BAD))
    return str(file)


def example(name: str) -> str:
    return str(examples_folder() / f"{name}.json")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_validates_and_compiles(name: str) -> None:
    told = run("validate", example(name), "--json")
    assert (told.exit_code, json.loads(told.stdout)["valid"]) == (0, True)
    compiled = run("compile", example(name))
    definition = json.loads(compiled.stdout)
    assert compiled.exit_code == 0
    assert definition["QueryLanguage"] == "JSONata"
    assert definition["StartAt"] in definition["States"]


def test_a_good_document_is_told_in_one_line() -> None:
    told = run("validate", example("rsi_dip_buyer"))
    assert told.exit_code == 0
    assert "'RSI dip buyer', 10 nodes, can run" in told.stdout


def test_everything_wrong_is_told_with_its_place(bad: str) -> None:
    told = run("validate", bad)
    assert told.exit_code == 3
    for part in ("rsi · config.period", "There is no node type 'indicator.nope'", "connections.1.target"):
        assert part in told.stdout
    assert "errors" in told.stderr
    as_json = run("validate", bad, "--json")
    assert as_json.exit_code == 3
    problems = json.loads(as_json.stdout)["problems"]
    assert {problem["code"] for problem in problems} >= {"invalid_config", "unknown_type", "dangling_connection"}


def test_compiling_a_bad_document_tells_its_problems(bad: str) -> None:
    told = run("compile", bad)
    assert (told.exit_code, told.stdout) == (3, "")
    assert "InvalidDocument" in told.stderr
    assert "config.period" in told.stderr
    as_json = run("compile", bad, "--json")
    assert json.loads(as_json.stdout)["error"]["name"] == "InvalidDocument"


def test_the_plan_shows_the_stages_in_order() -> None:
    told = run("compile", "--plan", example("rsi_dip_buyer"))
    assert told.exit_code == 0
    assert told.stdout.index("market.history") < told.stdout.index("indicator.rsi") < told.stdout.index("order.market")
    stages = json.loads(run("compile", "--plan", "--json", example("rsi_dip_buyer")).stdout)["stages"]
    nodes = [[node["id"] for node in stage["nodes"]] for stage in stages]
    assert ["atr", "own", "rsi"] in nodes


@pytest.mark.parametrize("command", ["validate", "compile", "run"])
def test_a_file_that_is_not_there_is_an_input_error(command: str, tmp_path: Path) -> None:
    told = run(command, str(tmp_path / "nothing.json"))
    assert told.exit_code == 3
    assert "nothing.json cannot be read" in told.stderr


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"name": "x"}', b"[" * 100_000])
def test_whatever_a_file_holds_it_is_told(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "strange.json"
    file.write_bytes(content)
    told = run("validate", str(file), "--json")
    assert told.exit_code == 3
    assert json.loads(told.stdout)["problems"]


def test_the_nodes_are_listed_and_described() -> None:
    listed = json.loads(run("nodes", "--json").stdout)
    assert "indicator.rsi" in {card["type"] for card in listed}
    assert "order.market" in run("nodes").stdout
    described = run("nodes", "indicator.rsi")
    assert described.exit_code == 0
    for part in ("Configuration", "Output", "period", "Example"):
        assert part in described.stdout
    assert json.loads(run("nodes", "indicator.rsi", "--json").stdout)["type"] == "indicator.rsi"


@pytest.mark.parametrize("card", [card["type"] for card in json.loads(run("nodes", "--json").stdout)])
def test_every_type_can_be_described(card: str) -> None:
    assert run("nodes", card).exit_code == 0


def test_an_unknown_type_names_the_nearest() -> None:
    told = run("nodes", "indicator.rsj")
    assert told.exit_code == 3
    assert "Did you mean indicator.rsi?" in told.stderr


@pytest.mark.parametrize(
    "arguments", [["nope"], ["validate"], ["up", "--port", "x"], ["up", "--port", "70000"], ["--nope"]]
)
def test_wrong_usage_has_its_own_code(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_the_version_is_printed() -> None:
    assert run("--version").stdout.strip() == "0.1.0"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (["--at", "yesterday"], "--at"),
        (["--payload", "{"], "--payload"),
        (["--payload", "[1]"], "--payload"),
        (["--symbol", "XAUUSD"], "--data"),
        (["--timeframe", "H9", "--data", "{csv}"], "timeframe"),
        (["--at", "1999-01-01"], "--at"),
        (["--at", "1999-01-01", "--find"], "--at"),
    ],
)
def test_a_run_that_cannot_begin_says_why(arguments: list[str], field: str) -> None:
    from tradeloom.local.places import bundled_bars

    given = [part.replace("{csv}", str(bundled_bars())) for part in arguments]
    told = run("run", example("rsi_dip_buyer"), "--json", *given)
    assert told.exit_code == 3
    assert json.loads(told.stdout)["error"]["field"] == field


def test_missing_market_data_is_told(tmp_path: Path) -> None:
    told = run("run", example("rsi_dip_buyer"), "--json", "--data", str(tmp_path / "gone.csv"))
    assert told.exit_code == 3
    assert json.loads(told.stdout)["error"]["name"] == "DataFileError"


def test_a_bad_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADELOOM_HOST", "0.0.0.0")
    told = run("up", "--json")
    assert told.exit_code == 3
    assert json.loads(told.stdout)["error"]["field"] == "TRADELOOM_HOST"


def test_examples_are_documents_as_they_stand() -> None:
    assert set(EXAMPLES) >= {
        "rsi_dip_buyer",
        "ma_crossover",
        "bollinger_mean_reversion",
        "macd_atr_stops",
        "breakout_multi_condition",
    }
    for name in EXAMPLES:
        assert read_example(name)["description"]


def test_help_goes_from_serving_and_drawing_to_what_became_of_it() -> None:
    lines = [line.strip("│ ").split(maxsplit=1)[:1] for line in run("--help").stdout.splitlines() if "│ " in line[:4]]
    listed = [word for words in lines for word in words]
    expected = (
        "up demo validate compile run debug retry rerun next nodes doctor backup restore executions logs retention "
        "trades accounts kill resume replay models orders limits credentials database"
    )
    assert [word for word in listed if word in expected.split()] == expected.split()
