"""`tradeloom next` without anything running."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from tradeloom.cli.app import app
from tradeloom.local.places import examples_folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["next", *arguments])


def test_an_expression_in_a_zone() -> None:
    told = run("30 1 * * *", "--zone", "Europe/London", "--after", "2026-03-28T12:00Z", "--count", "2", "--json")
    (item,) = json.loads(told.stdout)["items"]
    assert [fire["at"] for fire in item["fires"]] == [None, "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]
    shown = run("30 1 * * *", "--zone", "Europe/London", "--after", "2026-03-28T12:00Z", "--count", "1")
    assert "2026-03-29 01:30" in shown.stdout
    assert "the clocks skip it" in shown.stdout
    assert run("rate(15 minutes)", "--after", "2026-01-01", "--count", "1").stdout.count("2026-01-01 00:15") == 2
    assert "never again" in run("0 0 1 1 ? 2020").stdout


def test_a_documents_schedules() -> None:
    told = run(str(examples_folder() / "rsi_dip_buyer.json"), "--after", "2026-03-02T12:30Z", "--count", "1", "--json")
    (item,) = json.loads(told.stdout)["items"]
    assert (item["node"], [fire["at"] for fire in item["fires"]]) == ("hourly", ["2026-03-02T13:00:00Z"])


def test_what_cannot_be_told(tmp_path: Path) -> None:
    wrong = run("61 * * * *", "--json")
    assert (wrong.exit_code, json.loads(wrong.stdout)["error"]["field"]) == (3, "config.expression")
    assert run("* * * * *", "--after", "soon").exit_code == 3
    assert run("wf-1", "--zone", "UTC").exit_code == 3
    assert run("wf-1", "--after", "2026-01-01").exit_code == 3
    away = run("wf-1", "--home", str(tmp_path), "--json")
    assert (away.exit_code, json.loads(away.stdout)["error"]["name"]) == (4, "NotRunning")
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    assert run(str(bad)).exit_code == 3


def test_a_name_with_spaces_is_no_expression_and_asks_the_running_tradeloom(tmp_path: Path) -> None:
    alone = run("RSI dip buyer", "--home", str(tmp_path), "--json")
    error = json.loads(alone.stdout)["error"]
    assert (alone.exit_code, error["field"]) == (3, "config.expression")
    assert "name" in error["hint"]
