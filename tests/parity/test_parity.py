"""Local = oracle = the plain meaning: random workflows run by three engines that share no code."""

import os

import pytest
from hypothesis import Phase, given, settings

from tests.parity.engines import run_moto, run_ours, run_reference
from tests.parity.workflows import Case, cases
from tradeloom.compiler.compile import compile_workflow

WORKFLOWS = int(os.environ.get("TRADELOOM_PARITY_WORKFLOWS", "150"))
"""How many random workflows all three engines run; `make exam` asks for the full figure."""

exam = settings(max_examples=WORKFLOWS, deadline=None, derandomize=True, phases=[Phase.generate, Phase.shrink])


@settings(max_examples=300, deadline=None)
@given(cases())
def test_interpreter_equals_the_reference_walk(case: Case) -> None:
    compiled = compile_workflow(case.document)
    assert run_ours(case, compiled) == run_reference(case, compiled)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.timeout(3600)
@exam
@given(cases())
def test_three_engines_agree(case: Case) -> None:
    compiled = compile_workflow(case.document)
    ours, moto, plain = run_ours(case, compiled), run_moto(case, compiled), run_reference(case, compiled)
    assert ours == plain
    assert moto == plain
