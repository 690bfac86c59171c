"""`tradeloom replay` before anything runs."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from tradeloom.api.models.base import Identifier
from tradeloom.cli.app import app
from tradeloom.cli.market_replay import workflow_id
from tradeloom.local.places import examples_folder


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("rsi_dip_buyer.json", "rsi-dip-buyer"),
        ("My strategy (2).json", "My-strategy-2"),
        ("é.json", "workflow"),
        (f"{'long_' * 40}.json", "long-" * 12 + "long"),
    ],
)
def test_whatever_a_file_is_called_its_id_is_one(name: str, known: str) -> None:
    assert TypeAdapter(Identifier).validate_python(workflow_id(Path(name))) == known


def test_two_files_of_one_name_are_told(tmp_path: Path) -> None:
    example = examples_folder() / "rsi_dip_buyer.json"
    other = tmp_path / "rsi-dip-buyer.json"
    other.write_bytes(example.read_bytes())
    told = CliRunner().invoke(app, ["replay", str(example), str(other), "--from", "2017-06-01", "--to", "2017-06-02"])
    assert told.exit_code == 3
    assert "same name" in told.stderr
