"""Local = oracle = the plain meaning: random workflows run by three engines that share no code."""

import pytest
from hypothesis import Phase, given, settings

from tests.parity.engines import run_moto, run_ours, run_reference
from tests.parity.workflows import Case, cases
from tests.support.exam import record, sized
from tradeloom.compiler.compile import compile_workflow

WORKFLOWS = sized(16, 2_000)

fixed = settings(max_examples=WORKFLOWS, deadline=None, derandomize=True, phases=[Phase.generate, Phase.shrink])


@settings(max_examples=sized(60, 3_000), deadline=None)
@given(cases())
def test_interpreter_equals_the_reference_walk(case: Case) -> None:
    compiled = compile_workflow(case.document)
    assert run_ours(case, compiled) == run_reference(case, compiled)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.exam
@pytest.mark.timeout(7200)
@fixed
@given(cases())
def test_three_engines_agree(case: Case) -> None:
    compiled = compile_workflow(case.document)
    ours, moto, plain = run_ours(case, compiled), run_moto(case, compiled), run_reference(case, compiled)
    assert ours == plain
    assert moto == plain
    record("test_three_engines_agree", workflows=WORKFLOWS, differences=0)
