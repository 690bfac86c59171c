"""Local = oracle = the plain meaning: random workflows run by three engines that share no code."""

from hypothesis import given, settings

from tests.parity.engines import run_ours, run_reference
from tests.parity.workflows import Case, cases
from tradeloom.compiler.compile import compile_workflow


@settings(max_examples=300, deadline=None)
@given(cases())
def test_interpreter_equals_the_reference_walk(case: Case) -> None:
    compiled = compile_workflow(case.document)
    assert run_ours(case, compiled) == run_reference(case, compiled)
