"""What others say of our machines: asl-validator and moto's parser accept every example and random workflows."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.parity.workflows import Case, cases
from tests.support.exam import sized
from tradeloom.compiler.compile import compile_workflow

HERE = Path(__file__).parent
EXAMPLES = sorted((HERE.parents[1] / "examples").glob("*.json"))

pytestmark = pytest.mark.filterwarnings("ignore")


class AslValidator:
    """asl-validator in one process of its own; asked once a machine."""

    def __init__(self) -> None:
        node = shutil.which("node")
        assert node is not None, "node is needed to run asl-validator"
        self._process = subprocess.Popen(
            [node, str(HERE / "asl_validator.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE
        )

    def errors(self, definition: dict[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(definition) + "\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline())["errors"])

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def asl_validator() -> Any:
    validator = AslValidator()
    yield validator
    validator.close()


def moto_errors(definition: dict[str, Any]) -> str:
    from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException

    try:
        AmazonStateLanguageParser.parse(json.dumps(definition))
    except ASLParserException as error:
        return str(error)
    return ""


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_accepted(path: Path, asl_validator: AslValidator) -> None:
    definition = compile_workflow(path.read_text()).definition
    assert asl_validator.errors(definition) == ""
    assert moto_errors(definition) == ""


@settings(max_examples=sized(12, 500), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=cases(most=12))
def test_random_workflows_are_accepted(case: Case, asl_validator: AslValidator) -> None:
    definition = compile_workflow(case.document).definition
    assert asl_validator.errors(definition) == ""
    assert moto_errors(definition) == ""


def test_both_refuse_what_is_wrong(asl_validator: AslValidator) -> None:
    definition = compile_workflow(EXAMPLES[0].read_text()).definition
    definition["States"]["Done"]["Type"] = "Finish"
    assert asl_validator.errors(definition) != ""
    assert moto_errors(definition) != ""
