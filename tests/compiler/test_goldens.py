"""The compiled examples stand in `step_definitions/examples`: a change of the compiler shows as a change of them."""

import json
import os
from pathlib import Path

import pytest

from tradeloom.compiler.compile import compile_workflow

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.json"))
GOLDENS = ROOT / "step_definitions" / "examples"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_compiled_examples_are_as_committed(example: Path) -> None:
    golden = GOLDENS / f"{example.stem}.asl.json"
    text = json.dumps(compile_workflow(example.read_text()).definition, indent=2) + "\n"
    if os.environ.get("TRADELOOM_UPDATE_SNAPSHOTS"):
        golden.write_text(text)
    assert golden.read_text() == text, "run this test with TRADELOOM_UPDATE_SNAPSHOTS=1 and look at the change"


def test_no_golden_is_left_over() -> None:
    assert {path.name.removesuffix(".asl.json") for path in GOLDENS.glob("*.json")} == {p.stem for p in EXAMPLES}
