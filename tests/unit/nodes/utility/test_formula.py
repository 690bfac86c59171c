from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.node_context import FakeContext
from tradeloom.compiler.validate import validate
from tradeloom.errors import ExpressionError, MissingInput, TradeloomError
from tradeloom.nodes.utility.formula import FormulaConfig, FormulaNode, FormulaOutput


def calculate(*formulas: tuple[str, str], **names: Any) -> FormulaOutput:
    config = FormulaConfig(formulas=[{"name": name, "expression": text} for name, text in formulas])
    return FormulaNode().run(config, FakeContext(names=names))


def test_each_line_sees_those_above() -> None:
    made = calculate(
        ("a", "nodes.atr.value * 2"),
        ("b", "= values.a + 1.0"),
        ("big", "values.b > values.a"),
        nodes={"atr": {"value": 1.5}},
    )
    assert made.values == {"a": 3.0, "b": 4.0, "big": True}
    assert made.value is True


def test_logarithms_and_powers() -> None:
    assert calculate(("r", "log(1.1 / 1.0)")).value == pytest.approx(0.09531018)
    assert calculate(("r", "exp(log(5.0)) + pow(2.0, 3.0) + sqrt(16.0)")).value == pytest.approx(17)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("null", MissingInput),
        ("1.0 / 0.0", TradeloomError),
        ("log(0)", ExpressionError),
        ("values.later", TradeloomError),
        ("exp(1000)", ExpressionError),
    ],
)
def test_half_a_calculation_names_its_line(text: str, error: type[TradeloomError]) -> None:
    with pytest.raises(error) as caught:
        calculate(("fine", "1.0"), ("wrong", text))
    assert caught.value.field == "config.formulas.1.expression"
    assert caught.value.message.startswith("wrong: ")


def test_infinity_from_a_source_is_no_result() -> None:
    with pytest.raises(ExpressionError, match="NaN or infinite"):
        calculate(("x", "nodes.a.value"), nodes={"a": {"value": float("inf")}})


@pytest.mark.parametrize(
    "formulas",
    [
        [],
        [{"name": "a", "expression": "1"}, {"name": "a", "expression": "2"}],
        [{"name": "in", "expression": "1"}],
        [{"name": "Big", "expression": "1"}],
        [{"name": "a", "expression": ""}],
        [{"name": "a"}],
        [{"name": "a", "expression": "1", "more": 1}],
    ],
)
def test_bad_configurations(formulas: list[dict[str, Any]]) -> None:
    with pytest.raises(ValidationError):
        FormulaConfig.model_validate({"formulas": formulas})


def test_a_wrong_name_is_found_when_the_document_is_saved() -> None:
    formula = {"id": "f", "type": "utility.formula", "config": {"formulas": [{"name": "a", "expression": "node.x"}]}}
    document = {
        "name": "Formula",
        "nodes": [{"id": "start", "type": "trigger.manual"}, formula],
        "connections": [{"source": "start", "target": "f"}],
    }
    assert [problem.field for problem in validate(document)[1]] == ["config.formulas.0.expression"]
