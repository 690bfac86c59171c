"""The types of a text's expressions."""

from collections.abc import Mapping

from tradeloom.errors import ExpressionError
from tradeloom.expressions.checking.checker import check_all
from tradeloom.expressions.failures import shifted
from tradeloom.expressions.template import Template
from tradeloom.expressions.types import Type


def check_template(template: Template, scope: Mapping[str, Type]) -> list[ExpressionError]:
    """All problems of the template's expressions, positions counted in its text."""
    return [
        shifted(problem, placeholder.offset)
        for placeholder in template.placeholders
        for problem in check_all(placeholder.expression, scope)[1]
    ]
